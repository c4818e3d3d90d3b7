import { expect } from 'chai';
import { Clips } from '../support/clips.js';
import { build, killJobs, Program, type Built } from '../support/job-kill.js';
import { sideBySide } from '../support/side-by-side.js';
import { sha256Of, Stage } from '../support/stage.js';
import { fuzzProgram } from '../support/webhook-run.js';

/** `npm run test:kill` takes hundreds. */
const KILLS = 4;
/** `npm run test:webhooks` takes thousands. */
const BAD_WEBHOOKS = 100;

describe('MediaFlow as a program', function () {
  this.timeout(600_000);
  let built: Built;
  let clips: Clips;

  before(async () => {
    built = await build();
    clips = await Clips.open();
  });
  const tests = {
    [`loses nothing when it is killed ${KILLS} times at moments nobody chose`]: async () => {
      const { killed, wrong } = await killJobs(built, clips, { kills: KILLS, random: Math.random });
      expect(wrong).to.deep.equal([]);
      expect(killed).to.equal(KILLS);
    },

    [`outlives ${BAD_WEBHOOKS} webhooks that are cut, slowed, reset and malformed`]: async () => {
      const { runs, wrong } = await fuzzProgram(built, BAD_WEBHOOKS, Math.floor(Math.random() * 1_000_000));
      expect(wrong).to.deep.equal([]);
      expect(runs).to.equal(BAD_WEBHOOKS);
    },

    'stops in time during an encode, leaves nothing running, and goes on at the next start': async () => {
      const stage = await Stage.set();
      const program = new Program(built, stage);
      try {
        await program.start();
        await stage.setToWork({ preset: 'storage-saver' });
        const clip = await clips.make('long.mkv', [
          ...['-f', 'lavfi', '-i', 'testsrc2=s=1280x720:r=25:d=12', '-f', 'lavfi', '-i', 'sine=f=440:d=12'],
          ...['-c:v', 'mpeg4', '-q:v', '2', '-c:a', 'aac'],
        ]);
        const path = await stage.add('Films/Long (2000)/Long (2000).mkv', clip);
        const original = await sha256Of(path);
        await stage.plex.scan();
        const job = await stage.jobThat(({ stage: at }) => at === 'encode');
        const { exitCode } = await program.stop();
        // Whoever does not end in time ends itself with another code.
        expect(exitCode).to.equal(0);
        expect(await sha256Of(path)).to.equal(original);
        expect(await stage.leftovers()).to.deep.equal([]);
        await program.start();
        const again = await stage.jobThat(({ id, state }) => id === job.id && state === 'running');
        expect(again.attempt).to.equal(1);
        await stage.api('POST', `/api/transcode/jobs/${job.id}/cancel`);
        expect(await stage.leftovers()).to.deep.equal([]);
      } finally {
        await program.kill();
        await stage.strike();
      }
    },

    'says what is wrong with its environment and ends': async () => {
      const stage = await Stage.set({ env: { MEDIAFLOW_PLEX_URL: 'nonsense', MEDIAFLOW_API_KEY: 'short' } });
      const program = new Program(built, stage);
      const said = await program.start().then(
        () => 'it started',
        (error: unknown) => (error as Error).message,
      );
      await stage.strike();
      expect(said)
        .to.contain('MEDIAFLOW_PLEX_URL must be an address')
        .and.contain('MEDIAFLOW_API_KEY needs at least 20');
    },
  };
  sideBySide(() => ({ tests }));
  after(async () => {
    await clips.close();
    await built.remove();
  });
});
