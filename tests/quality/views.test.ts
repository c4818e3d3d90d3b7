import { load } from 'cheerio';
import { expect } from 'chai';
import Handlebars from 'handlebars';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { aJob, anItem, aRecommendation } from '../support/builders.js';

const root = resolve(import.meta.dirname, '../..');
const views = readdirSync(join(root, 'views'), { recursive: true, encoding: 'utf8' }).filter((file) =>
  file.endsWith('.hbs'),
);
const sourceOf = (view: string): string => readFileSync(join(root, 'views', view), 'utf8');

const HOSTILE = '"><script>alert(1)</script>';
const job = aJob({ id: 'job-9', title: HOSTILE, error: { code: 'encode_failed', message: HOSTILE }, state: 'failed' });
const item = { ...anItem({ title: HOSTILE }), displayTitle: HOSTILE, sizeBytes: 1, bitrateKbps: 1, resolution: '1080' };
const recommendation = {
  ...aRecommendation({ reason: HOSTILE }),
  title: HOSTILE,
  ruleTitle: HOSTILE,
  presetTitle: 'Balanced',
  canBeQueued: true,
  remainsPercent: 40,
  maybePercent: 10,
  remainsBytes: 1,
};
const quarantined = {
  id: 'q-1',
  title: HOSTILE,
  originalPath: '/a',
  state: 'kept',
  sizeBytes: 1,
  purgeAt: '2026-01-01',
};
const field = { name: 'x', label: HOSTILE, help: HOSTILE, kind: 'text', value: HOSTILE, choices: [], checked: false };
const problem = { id: 'p', severity: 'error', summary: HOSTILE, fix: HOSTILE, link: '/health' };
const preset = {
  id: 'p',
  title: HOSTILE,
  description: HOSTILE,
  container: 'mkv',
  video: {},
  audio: {},
  subtitles: 'keep',
};
const page = {
  title: 'Page',
  nav: { library: 1, problems: 1 },
  csrfToken: 'token-1',
  theme: 'dark',
  urlBase: '',
  strip: HOSTILE,
};

/** View -> data; several where a view has several faces. */
const SAMPLES: Record<string, object[]> = {
  'layouts/main.hbs': [
    { page, body: 'body' },
    { page: { ...page, nav: null }, body: 'body' },
  ],
  'dashboard/page.hbs': [
    {
      library: {},
      saved: {},
      recommendations: { open: 1 },
      queue: { reasons: [] },
      ready: 1,
      failed: 1,
      dryRun: true,
      running: [job],
      recent: [job],
      problems: [problem],
    },
  ],
  'library/list.hbs': [
    {
      total: 1,
      items: [item],
      sections: [{ id: '1', title: HOSTILE }],
      codecs: ['h264'],
      filter: { q: HOSTILE },
      next: '?page=2',
    },
  ],
  'library/item.hbs': [
    {
      ...item,
      decisions: [{ ruleTitle: HOSTILE, finding: { kind: 'transcode', reason: HOSTILE } }],
      jobs: [job],
      kept: [quarantined],
      presets: [preset],
    },
  ],
  'recommendations/list.hbs': [{ total: 1, state: 'open', items: [recommendation], counts: {} }],
  'queue/page.hbs': [
    {
      reasons: [HOSTILE],
      now: [job],
      ready: [{ ...job, checks: [{ name: 'size', ok: true, detail: HOSTILE }] }],
      waiting: [job],
      held: [job],
      causes: [{ message: HOSTILE, jobs: [job] }],
      ended: [job],
    },
  ],
  'quarantine/list.hbs': [{ total: 1, items: [quarantined] }],
  'rules/list.hbs': [
    {
      items: [
        {
          id: 'r',
          title: HOSTILE,
          docs: { what: HOSTILE },
          fields: [field, { ...field, kind: 'checkbox' }, { ...field, kind: 'select', choices: ['a'] }],
        },
      ],
    },
  ],
  'presets/list.hbs': [{ items: [preset], broken: [{ file: HOSTILE, message: HOSTILE }] }],
  'sign-in/page.hbs': [{ error: { message: HOSTILE }, next: HOSTILE }],
  'setup/page.hbs': ['token', 'admin', 'plex', 'paths', 'safety', 'ready'].map((step) => ({
    step,
    mappings: [{ from: HOSTILE, to: HOSTILE }],
    webhookUrl: HOSTILE,
  })),
  'settings/page.hbs': [{ tab: 'safety', fields: [field, { ...field, kind: 'checkbox', locked: 'PORT' }] }],
  'health/page.hbs': [{ problems: [problem] }],
  'error/page.hbs': [{ error: { message: HOSTILE, fields: { x: HOSTILE } } }],
};

const handlebars = Handlebars.create();
handlebars.registerHelper({
  url: (path: string) => path,
  eq: (a: unknown, b: unknown) => a === b,
  bytes: String,
  bitrate: String,
  duration: String,
  date: String,
});
const render = (view: string, data: object): string => handlebars.compile(sourceOf(view))({ page, ...data });

describe('views', () => {
  for (const view of views) {
    it(`${view} holds nothing the content security policy forbids`, () => {
      const samples = SAMPLES[view] ?? [];
      expect(samples, 'every view needs sample data here').not.to.equal(undefined).and.not.to.have.length(0);
      for (const data of samples) {
        const $ = load(render(view, data));
        expect($('style, [style], script:not([src])').length).to.equal(0);
        const handlers = $('*')
          .toArray()
          .flatMap((node) =>
            Object.keys('attribs' in node ? node.attribs : {}).filter((name) => /^(on|hx-on)/.test(name)),
          );
        expect(handlers).to.deep.equal([]);
        $('form[method="post"]').each((_, form) => {
          expect($(form).find('input[name="_csrf"]').val(), $(form).attr('action')).to.equal('token-1');
        });
        $('input:not([type="hidden"]), select').each((_, input) => {
          const id = $(input).attr('id') ?? '';
          const labelled = $(`label[for="${id}"]`).length > 0 || $(input).closest('label').length > 0;
          expect(labelled, `${id} has a label`).to.equal(true);
        });
      }
    });
  }

  it('never writes anything unescaped and quotes every attribute', () => {
    for (const view of views) {
      expect(sourceOf(view), view).not.to.contain('{{{');
      expect(sourceOf(view), view).not.to.match(/\s[a-z-]+=\{\{/);
    }
  });

  it('uses only icons and stylesheets that exist', () => {
    const icons = readFileSync(join(root, 'public/icons.svg'), 'utf8');
    for (const view of views) {
      for (const [, id = ''] of sourceOf(view).matchAll(/#(i-[a-z0-9-]+)"/g))
        expect(icons, view).to.contain(`id="${id}"`);
      for (const [, file = ''] of sourceOf(view).matchAll(/"(\/styles\/[a-z-]+\.css)"/g)) {
        expect(existsSync(join(root, 'public', file)), file).to.equal(true);
      }
    }
  });
});
