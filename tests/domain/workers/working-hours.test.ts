import { expect } from 'chai';
import fc from 'fast-check';
import type { WorkingHours } from '../../../src/domain/workers/worker.js';
import {
  hoursInWords,
  isOpen,
  nextChange,
  pastInWords,
  wallClockOf,
  type WallClock,
} from '../../../src/domain/workers/working-hours.js';

const NAMES = ['Sun', 'Mon', 'Tue', 'Wed', 'Thu', 'Fri', 'Sat'];
const WORKDAYS = [1, 2, 3, 4, 5];
const nights: WorkingHours[] = [{ days: WORKDAYS, from: '22:00', to: '06:00' }];
const office: WorkingHours[] = [{ days: WORKDAYS, from: '09:00', to: '17:00' }];
const always: WorkingHours[] = [{ days: [0, 1, 2, 3, 4, 5, 6], from: '00:00', to: '00:00' }];
const chain: WorkingHours[] = [
  { days: [1], from: '08:00', to: '12:00' },
  { days: [1], from: '12:00', to: '18:00' },
];

/** `Mon 22:30` */
function at(text: string): WallClock {
  const [day = '', clock = ''] = text.split(' ');
  const [hours = 0, minutes = 0] = clock.split(':').map(Number);
  return { day: NAMES.indexOf(day), minute: hours * 60 + minutes };
}

const anyHours = fc.array(
  fc.record({
    days: fc.uniqueArray(fc.nat(6), { minLength: 1 }),
    from: fc.constantFrom('00:00', '06:30', '09:00', '22:00', '23:59'),
    to: fc.constantFrom('00:00', '00:01', '06:30', '17:00', '22:00'),
  }),
  { maxLength: 4 },
);
const anyTime = fc.record({ day: fc.nat(6), minute: fc.nat(1439) });

describe('working hours', () => {
  const cases: [string, WorkingHours[], string, boolean][] = [
    ['no hours mean always', [], 'Sun 03:00', true],
    ['in the office', office, 'Mon 09:00', true],
    ['a minute early', office, 'Mon 08:59', false],
    ['the last minute', office, 'Fri 16:59', true],
    ['its end is outside', office, 'Fri 17:00', false],
    ['another day', office, 'Sat 12:00', false],
    ['late on the day it begins', nights, 'Mon 23:30', true],
    ['after midnight, on the next day', nights, 'Tue 05:59', true],
    ['over at six', nights, 'Tue 06:00', false],
    ['Friday night reaches into Saturday', nights, 'Sat 03:00', true],
    ['Saturday night does not begin', nights, 'Sat 22:30', false],
    ['Monday before dawn belongs to Sunday, which is off', nights, 'Mon 03:00', false],
    ['Saturday night runs over the end of the week', [{ days: [6], from: '23:00', to: '02:00' }], 'Sun 01:59', true],
    ['from and to alike are a whole day', [{ days: [1], from: '08:00', to: '08:00' }], 'Tue 07:59', true],
    ['and not more', [{ days: [1], from: '08:00', to: '08:00' }], 'Tue 08:00', false],
  ];
  for (const [name, hours, when, open] of cases) {
    it(name, () => {
      expect(isOpen(hours, at(when))).to.equal(open);
    });
  }

  it('says what changes next', () => {
    expect(nextChange(nights, at('Mon 12:00'))).to.deep.equal({ ...at('Mon 22:00'), opens: true, inMinutes: 600 });
    expect(nextChange(nights, at('Mon 23:00'))).to.deep.equal({ ...at('Tue 06:00'), opens: false, inMinutes: 420 });
    expect(nextChange(nights, at('Sat 12:00'))).to.deep.include({ ...at('Mon 22:00'), opens: true });
    expect(nextChange(chain, at('Mon 08:00'))).to.deep.include({ ...at('Mon 18:00'), opens: false });
    expect(nextChange([], at('Mon 08:00'))).to.equal(null);
    expect(nextChange(always, at('Mon 08:00'))).to.equal(null);
  });

  it('stays as it is until the next change, and is different from there on', () => {
    fc.assert(
      fc.property(anyHours, anyTime, fc.nat(10_079), (hours, now, step) => {
        const change = nextChange(hours, now);
        const then = (minutes: number): WallClock => {
          const minute = now.day * 1440 + now.minute + minutes;
          return { day: Math.floor(minute / 1440) % 7, minute: minute % 1440 };
        };
        if (change) {
          expect(then(change.inMinutes)).to.deep.equal({ day: change.day, minute: change.minute });
          expect(isOpen(hours, then(change.inMinutes)))
            .to.equal(change.opens)
            .and.not.equal(isOpen(hours, now));
        }
        const before = change ? step % change.inMinutes : step;
        expect(isOpen(hours, then(before))).to.equal(isOpen(hours, now));
      }),
    );
  });

  it('follows the clock on the wall when it is changed', () => {
    const zone = process.env['TZ'];
    process.env['TZ'] = 'Europe/Berlin';
    try {
      const openMinutes = (date: string, from: string, to: string): number => {
        const hours = [{ days: [0, 1, 2, 3, 4, 5, 6], from, to }];
        const noon = new Date(`${date}T12:00:00Z`).getTime();
        return Array.from({ length: 1440 }, (_, i) => new Date(noon + i * 60_000)).filter((moment) =>
          isOpen(hours, wallClockOf(moment)),
        ).length;
      };
      expect(openMinutes('2026-06-10', '22:00', '06:00'), 'an ordinary night').to.equal(480);
      expect(openMinutes('2026-03-28', '22:00', '06:00'), 'an hour is skipped').to.equal(420);
      expect(openMinutes('2026-03-28', '02:15', '02:45'), 'the hour that does not exist').to.equal(0);
      expect(openMinutes('2026-10-24', '22:00', '06:00'), 'an hour is repeated').to.equal(540);
      expect(openMinutes('2026-10-24', '02:15', '02:45'), 'the hour that comes twice').to.equal(60);
    } finally {
      if (zone === undefined) delete process.env['TZ'];
      else process.env['TZ'] = zone;
    }
  });

  const sentences: [WorkingHours[], string, string][] = [
    [nights, 'Mon 12:00', 'works Mon to Fri 22:00 to 06:00; next 22:00'],
    [nights, 'Sat 12:00', 'works Mon to Fri 22:00 to 06:00; next Mon 22:00'],
    [nights, 'Tue 01:00', 'works Mon to Fri 22:00 to 06:00; until 06:00'],
    [nights, 'Mon 23:00', 'works Mon to Fri 22:00 to 06:00; until Tue 06:00'],
    [[{ days: [1, 2, 3], from: '08:00', to: '09:00' }], 'Mon 08:30', 'works Mon to Wed 08:00 to 09:00; until 09:00'],
    [[], 'Mon 23:00', 'works always'],
    [always, 'Mon 23:00', 'works every day all day'],
    [[{ days: [0, 6], from: '08:00', to: '12:00' }], 'Sun 09:00', 'works Sat and Sun 08:00 to 12:00; until 12:00'],
    [
      [{ days: [5, 1, 3], from: '08:00', to: '09:00' }],
      'Fri 09:00',
      'works Mon, Wed and Fri 08:00 to 09:00; next Mon 08:00',
    ],
    [[{ days: [1], from: '08:00', to: '09:00' }], 'Mon 10:00', 'works Mon 08:00 to 09:00; next Mon 08:00'],
    [[{ days: [1], from: '08:00', to: '08:00' }], 'Mon 07:00', 'works Mon from 08:00 for a whole day; next 08:00'],
    [chain, 'Mon 10:00', 'works Mon 08:00 to 12:00, and Mon 12:00 to 18:00; until 18:00'],
  ];
  for (const [hours, when, says] of sentences) {
    it(`${when}: ${says}`, () => {
      expect(hoursInWords(hours, at(when))).to.equal(says);
    });
  }

  it('names a moment that is past by as much as is needed', () => {
    const now = new Date(2026, 10, 27, 18, 0);
    expect(pastInWords(new Date(2026, 10, 27, 14, 2), now)).to.equal('14:02');
    expect(pastInWords(new Date(2026, 10, 26, 23, 59), now)).to.equal('Thu 23:59');
    expect(pastInWords(new Date(2026, 10, 20, 18, 1), now)).to.equal('20 Nov');
    expect(pastInWords(new Date(2026, 10, 3, 1, 0), now)).to.equal('3 Nov');
  });
});
