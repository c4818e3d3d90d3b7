import type { Page } from 'playwright-core';
import type { Context } from '../../src/actions/action.js';
import { PASSWORD } from '../support/web.js';

/** Control -> what is typed, ticked or chosen; a list is a row of boxes. */
export type Filling = Readonly<Record<string, string | boolean | readonly string[]>>;

/** How one form is filled in. */
export interface FormCase {
  page: string;
  /** Where it posts to, when that is not the page itself. */
  action?: string;
  /** All of it differs from what the form holds; something in it is wrong. */
  wrong: Filling;
  right: Filling;
  /** Secrets, which no page repeats. */
  emptied?: readonly string[];
  stored: (context: Context, page: Page) => unknown;
  expected: unknown;
}

const settings =
  (group: 'plex' | 'queue' | 'intel' | 'paths', ...names: string[]) =>
  ({ store }: Context): unknown =>
    Object.fromEntries(names.map((name) => [name, store.settings.value[group][name as never]]));

/** As much of a row as the form shows. */
const only = (row: object | undefined, ...names: string[]): unknown =>
  row && Object.fromEntries(names.map((name) => [name, row[name as never]]));

const worker = ({ store }: Context, host: string): unknown => {
  const [row] = store.workers.where((one) => one.kind === 'ssh' && one.host === host);
  const key = store.secrets.find(`worker:${row?.id ?? ''}`);
  return {
    ...(only(row, 'name', 'port', 'username', 'scratchDir', 'slots') as object),
    key: key === null ? null : (JSON.parse(key) as unknown),
  };
};

const SETTINGS: Readonly<Record<string, FormCase>> = {
  '/settings/safety': {
    page: '/settings/safety',
    wrong: { dryRun: true, replace: 'automatic', minSavingPercent: '23.5', quarantineDays: '0', skipHardLinks: false, verifyDecode: false }, // prettier-ignore
    right: { quarantineDays: '45' },
    stored: ({ store }) => store.settings.value.safety,
    expected: { dryRun: true, replace: 'automatic', minSavingPercent: 23.5, quarantineDays: 45, skipHardLinks: false, verifyDecode: false }, // prettier-ignore
  },
  '/settings/plex': {
    page: '/settings/plex',
    wrong: { syncCron: 'every day', fullSyncCron: '10 3 * * *', settleSec: '12', verifyTimeoutSec: '99' },
    right: { syncCron: '*/20 * * * *' },
    stored: settings('plex', 'syncCron', 'fullSyncCron', 'settleSec', 'verifyTimeoutSec'),
    expected: { syncCron: '*/20 * * * *', fullSyncCron: '10 3 * * *', settleSec: 12, verifyTimeoutSec: 99 },
  },
  '/settings/queue': {
    page: '/settings/queue',
    wrong: { concurrency: '99', workDir: '/data/work', yieldToViewers: false, hardwareFallback: 'fail', minAgeSec: '30' }, // prettier-ignore
    right: { concurrency: '3' },
    stored: settings('queue', 'concurrency', 'workDir', 'yieldToViewers', 'hardwareFallback', 'minAgeSec'),
    expected: { concurrency: 3, workDir: '/data/work', yieldToViewers: false, hardwareFallback: 'fail', minAgeSec: 30 },
  },
  '/settings/intel': {
    page: '/settings/intel',
    wrong: { autoAnalyzeOnSync: false, analyzeCron: 'never' },
    right: { analyzeCron: '0 5 * * 0' },
    stored: settings('intel', 'autoAnalyzeOnSync', 'analyzeCron'),
    expected: { autoAnalyzeOnSync: false, analyzeCron: '0 5 * * 0' },
  },
  '/settings/paths': {
    page: '/settings/paths',
    wrong: { 'mappings[0][to]': 'films', 'mappings[2][from]': '/share/Extra', 'mappings[2][to]': '/data/extra', quarantineDir: '/data/kept' }, // prettier-ignore
    right: { 'mappings[0][to]': '/data/films' },
    stored: settings('paths', 'mappings', 'quarantineDir'),
    expected: {
      mappings: [
        { from: '/share/Media', to: '/data/films' },
        { from: '/share/TV', to: '/data/tv' },
        { from: '/share/Extra', to: '/data/extra' },
      ],
      quarantineDir: '/data/kept',
    },
  },
  '/settings/security': {
    page: '/settings/security',
    wrong: { sessionDays: '999', allowedHosts: 'media.example, den.example', trustedProxies: '10.0.0.1' },
    right: { sessionDays: '60' },
    stored: ({ store }) => store.settings.value.security,
    expected: { sessionDays: 60, allowedHosts: ['media.example', 'den.example'], trustedProxies: ['10.0.0.1'] },
  },
};

const LIBRARY: Readonly<Record<string, FormCase>> = {
  '/library/filters': {
    page: '/library?codec=h264',
    action: '/library/filters',
    wrong: { name: '  ' },
    right: { name: 'Evenings' },
    stored: ({ store }) => store.filters.where(({ name }) => name === 'Evenings').map(({ query }) => query),
    expected: ['codec=h264&sort=-sizeBytes'],
  },
  '/library/edit/:id': {
    page: '/library/edit/edit-draft',
    wrong: {
      'edit[titleSort][value]': 'Hollow',
      'edit[summary][value]': 'Two\nlines',
      'edit[studio][clear]': true,
      'edit[studio][lock]': 'unlock',
      'edit[genres][mode]': 'replace',
      'edit[labels][tags]': 'seen, "kept"',
    },
    right: { 'edit[genres][tags]': 'Drama, Thriller' },
    stored: ({ store }) => {
      const { titleSort, summary, studio, genres, labels } = store.edits.get('edit-draft').edit;
      return { titleSort: titleSort.value, summary: summary.value, studio, genres, labels: labels.tags };
    },
    expected: {
      titleSort: 'Hollow',
      summary: 'Two\nlines',
      studio: { value: '', clear: true, lock: 'unlock' },
      genres: { mode: 'replace', tags: ['Drama', 'Thriller'], lock: 'auto' },
      labels: ['seen', '"kept"'],
    },
  },
  '/tags': {
    page: '/tags',
    wrong: { name: 'film CLUB', category: 'Moods', color: 'teal' },
    right: { name: 'Late nights' },
    stored: ({ store }) =>
      store.tags.where(({ category }) => category === 'Moods').map((tag) => only(tag, 'name', 'color')),
    expected: [{ name: 'Late nights', color: 'teal' }],
  },
  '/tags/:id': {
    page: '/tags/lent',
    wrong: { name: 'Film club', category: 'People, elsewhere', color: 'amber' },
    right: { name: 'Lent & away' },
    stored: ({ store }) => only(store.tags.get('lent'), 'name', 'category', 'color'),
    expected: { name: 'Lent & away', category: 'People, elsewhere', color: 'amber' },
  },
  '/rules/:id': {
    page: '/rules/codec-modernization',
    wrong: {
      mode: 'off',
      'options[preset]': 'storage-saver',
      'options[h264]': false,
      'options[mbpsAt1080p]': '0.2',
      'options[minSizeMb]': '700.5',
      onlyTags: ['film-club', 'lent'],
      exceptTags: ['keep'],
      workerTags: 'gpu, attic',
    },
    right: { 'options[mbpsAt1080p]': '14.5' },
    stored: ({ store }) => store.rules.get('codec-modernization'),
    expected: {
      id: 'codec-modernization',
      mode: 'off',
      options: { preset: 'storage-saver', h264: false, mbpsAt1080p: 14.5, minSizeMb: 700.5 },
      onlyTags: ['film-club', 'lent'],
      exceptTags: ['keep'],
      workerTags: ['gpu', 'attic'],
    },
  },
};

const COLLECTIONS: Readonly<Record<string, FormCase>> = {
  '/collections/new': {
    page: '/collections/new',
    wrong: { name: 'kept', filterId: 'modern' },
    right: { name: 'Rainy days' },
    stored: (_, page) => {
      const { searchParams } = new URL(page.url());
      return { name: searchParams.get('name'), filterId: searchParams.get('filterId') };
    },
    expected: { name: 'Rainy days', filterId: 'modern' },
  },
  '/collections/:id': {
    page: '/collections/kept',
    wrong: { name: 'OTHER', filterId: 'evenings', keepInStep: false },
    right: { name: 'Kept & seen' },
    stored: ({ store }) => only(store.collections.get('kept'), 'name', 'filterId', 'keepInStep'),
    expected: { name: 'Kept & seen', filterId: 'evenings', keepInStep: false },
  },
};

const WORKERS: Readonly<Record<string, FormCase>> = {
  '/workers': {
    page: '/workers/new',
    action: '/workers',
    wrong: {
      host: 'tower.lan/22',
      port: '2222',
      username: 'encoder',
      name: 'The tower',
      'auth[kind]': 'password',
      'auth[password]': ' a "password" ',
      scratchDir: '/scratch/of mine',
      slots: '3',
    },
    right: { host: 'tower.lan' },
    stored: (context) => worker(context, 'tower.lan'),
    expected: {
      ...{ name: 'The tower', port: 2222, username: 'encoder', scratchDir: '/scratch/of mine', slots: 3 },
      key: { kind: 'password', password: ' a "password" ' },
    },
  },
  '/workers, with a key': {
    page: '/workers/new',
    action: '/workers',
    wrong: {
      host: '192.168.1.66',
      port: '99999',
      username: 'media',
      name: '',
      'auth[kind]': 'key',
      'auth[privateKey]': '-----BEGIN KEY-----\nAAAA\n-----END KEY-----\n',
      'auth[passphrase]': 'open up',
      slots: '2',
    },
    right: { port: '22' },
    stored: (context) => worker(context, '192.168.1.66'),
    expected: {
      ...{ name: '192.168.1.66', port: 22, username: 'media', scratchDir: '', slots: 2 },
      key: { kind: 'key', privateKey: '-----BEGIN KEY-----\nAAAA\n-----END KEY-----\n', passphrase: 'open up' },
    },
  },
  '/workers/:id': {
    page: '/workers/w-closet',
    wrong: {
      name: 'Closet & stairs',
      slots: '4',
      maxMbps: 'fast',
      tags: 'upstairs, quiet',
      'hours[0][days]': ['6', '0'],
      'hours[0][from]': '09:30',
      'hours[0][to]': '23:00',
      'hours[1][days]': ['3'],
      'hours[1][from]': '01:00',
      'hours[1][to]': '04:45',
      'pathMappings[0][here]': '/data/media',
      'pathMappings[0][there]': '/mnt/all media',
      host: 'closet2.lan',
      port: '2200',
      username: 'pi',
      scratchDir: '/var/tmp/x',
      'auth[kind]': 'password',
      'auth[password]': 'another way in',
    },
    right: { maxMbps: '88,5', 'auth[password]': 'another way in' },
    emptied: ['auth[password]'],
    stored: (context) => {
      const row = context.fleet.remote('w-closet');
      return {
        ...(worker(context, 'closet2.lan') as object),
        ...(only(row, 'maxMbps', 'tags', 'hours') as object),
        paths: row.pathMappings.map(({ here, there }) => [here, there]),
      };
    },
    expected: {
      ...{ name: 'Closet & stairs', port: 2200, username: 'pi', scratchDir: '/var/tmp/x', slots: 4, maxMbps: 88.5 },
      tags: ['upstairs', 'quiet'],
      hours: [
        { days: [6, 0], from: '09:30', to: '23:00' },
        { days: [3], from: '01:00', to: '04:45' },
      ],
      paths: [['/data/media', '/mnt/all media']],
      key: { kind: 'password', password: 'another way in' },
    },
  },
};

/** Forms of a house that is set up, in a window that is signed in. */
export const CASES: Readonly<Record<string, FormCase>> = { ...SETTINGS, ...LIBRARY, ...COLLECTIONS, ...WORKERS };

const NEW_PASSWORD = 'another sentence to remember';
const token = ({ store }: Context): string | null => store.secrets.find('plexToken');

/** Forms of a house from its first start on, in the order in which they are met. */
export const FIRST_START = (setupToken: string): Readonly<Record<string, FormCase>> => ({
  '/setup/token': {
    page: '/setup/token',
    wrong: { token: 'not-the-token' },
    right: { token: setupToken },
    emptied: ['token'],
    stored: (_, page) => page.locator('h1').textContent(),
    expected: 'Choose a password',
  },
  '/setup/admin': {
    page: '/setup',
    action: '/setup/admin',
    wrong: { password: 'too short' },
    right: { password: PASSWORD },
    emptied: ['password'],
    stored: ({ access }) => access.checkPassword(PASSWORD),
    expected: true,
  },
  '/setup/plex': {
    page: '/setup?step=plex',
    action: '/setup/plex',
    wrong: { url: 'ftp://den.example/', token: 'first-token' },
    right: { url: 'http://192.168.1.77:32400/', token: 'second-token' },
    emptied: ['token'],
    stored: (context) => [context.store.settings.value.plex.url, token(context)],
    expected: ['http://192.168.1.77:32400', 'second-token'],
  },
  '/setup/paths': {
    page: '/setup?step=paths',
    action: '/setup/paths',
    wrong: { 'mappings[0][to]': '/nowhere/films', 'mappings[1][from]': '/share/T V', 'mappings[1][to]': '/data/t=v' },
    right: { 'mappings[0][to]': '/data/films' },
    stored: ({ store }) => store.settings.value.paths.mappings,
    expected: [
      { from: '/share/Films', to: '/data/films' },
      { from: '/share/T V', to: '/data/t=v' },
    ],
  },
  '/setup/worker': {
    page: '/setup?step=worker',
    action: '/setup/worker',
    wrong: { slots: '17' },
    right: { slots: '0' },
    stored: ({ store }) => store.settings.value.queue.concurrency,
    expected: 0,
  },
  '/settings/plex/connect': {
    page: '/settings/plex',
    action: '/settings/plex/connect',
    wrong: { url: 'den.local', token: 'third-token' },
    right: { url: 'https://den.local:32400', token: 'fourth-token' },
    emptied: ['token'],
    stored: (context) => [context.store.settings.value.plex.url, token(context)],
    expected: ['https://den.local:32400', 'fourth-token'],
  },
  '/settings/security/password': {
    page: '/settings/security',
    action: '/settings/security/password',
    wrong: { currentPassword: 'a wrong password', password: NEW_PASSWORD },
    right: { currentPassword: PASSWORD, password: NEW_PASSWORD },
    emptied: ['currentPassword', 'password'],
    stored: ({ access }) => access.checkPassword(NEW_PASSWORD),
    expected: true,
  },
  '/sign-in': {
    page: '/sign-in?next=%2Ftags',
    action: '/sign-in',
    wrong: { password: PASSWORD },
    right: { password: NEW_PASSWORD },
    emptied: ['password'],
    stored: (_, page) => new URL(page.url()).pathname,
    expected: '/tags',
  },
});

/** Forms in which nothing that a person can fill in is refused, and why. */
export const NOTHING_TO_REFUSE: Readonly<Record<string, string>> = {
  '/library': 'Shows what matches; an address with something unknown in it is not made by the form.',
  '/recommendations': 'Shows what matches.',
  '/library/:id/plan': 'Chooses among the presets there are.',
  '/library/columns': 'Chooses among the columns there are.',
  '/library/:id/tags': 'Chooses among the tags there are.',
  '/library/queue': 'Chooses among the presets there are; what was selected is hidden in it.',
  '/library/queue/question': 'Only leads to a question: chooses among items, presets and tags there are.',
  '/library/excluded': 'A reason of any words, no longer than its input lets pass.',
  '/library/excluded/include': 'Chooses among the items there are.',
  '/library/:id/exclude': 'A reason of any words, no longer than its input lets pass.',
  '/recommendations/:id/dismiss': 'A reason of any words, no longer than its input lets pass.',
  '/recommendations/question': 'Only leads to a question: chooses among recommendations, presets and days there are.',
  '/recommendations/batch-:x': 'Chooses among the presets there are; what was selected is hidden in it.',
  '/collections/:id/delete': 'Chooses between two ways.',
  '/settings/paths/test': 'Takes any folder; what is wrong with it is its answer, below the form, which stays.',
  '/setup/safety': 'Chooses between two ways.',
};

/** Filled in by tests of their own. */
export const ELSEWHERE: Readonly<Record<string, string>> = {
  // Its name is refused when it was taken after the page before was filled in.
  '/collections': 'below in forms.test.ts',
  // An address for a server that plex.tv knows and that none of its own addresses reaches.
  ':x/servers/:x': 'tests/browser/connect.test.ts',
};
