import * as access from '../actions/access/access.js';
import * as bulk from '../actions/library/bulk.js';
import * as collectionBuilder from '../actions/collections/builder.js';
import * as collections from '../actions/collections/collections.js';
import * as dashboard from '../actions/health/dashboard.js';
import * as decideMany from '../actions/recommendations/decide-many.js';
import * as diagnosis from '../actions/plex/diagnosis.js';
import * as excluded from '../actions/library/excluded-items.js';
import * as health from '../actions/health/health.js';
import * as failures from '../actions/jobs/failures.js';
import * as jobs from '../actions/jobs/jobs.js';
import * as jobsBulk from '../actions/jobs/bulk.js';
import * as libraryBrowser from '../actions/library/browser.js';
import * as libraryExport from '../actions/library/export.js';
import * as library from '../actions/library/library.js';
import * as metadata from '../actions/library/metadata.js';
import * as plex from '../actions/plex/plex.js';
import * as plexAccount from '../actions/plex/account.js';
import * as posters from '../actions/library/posters.js';
import * as presets from '../actions/presets/presets.js';
import * as quarantine from '../actions/replace/quarantine.js';
import * as queue from '../actions/queue/queue.js';
import * as recommendations from '../actions/recommendations/recommendations.js';
import * as review from '../actions/recommendations/review.js';
import * as rules from '../actions/rules/rules.js';
import * as runs from '../actions/recommendations/runs.js';
import * as filters from '../actions/library/saved-filters.js';
import * as savings from '../actions/recommendations/savings.js';
import * as servers from '../actions/plex/servers.js';
import * as settings from '../actions/settings/settings.js';
import * as setup from '../actions/settings/setup.js';
import * as statistics from '../actions/library/statistics.js';
import * as tags from '../actions/library/tags.js';
import * as webhooks from '../actions/plex/webhooks.js';
import * as workerKeys from '../actions/workers/credentials.js';
import * as workerPages from '../actions/workers/pages.js';
import * as workerPaths from '../actions/workers/paths.js';
import * as workerProvision from '../actions/workers/provision.js';
import * as workers from '../actions/workers/workers.js';
import {
  analyzed,
  approved,
  approvedMany,
  bulkDone,
  changedMany,
  connected,
  measured,
  named,
  outcome,
  queued,
  say,
  snoozed,
} from './notices.js';
import { download, page, picture, post, put, read, remove, type Route } from './route.js';

const KEPT = { isKept: true } as const;
/** Tens of thousands of ids. */
const MANY = { maxJsonBytes: 1_000_000 };

/** Every URL of MediaFlow but for the webhook, the health checks and files. A row is a page, a fragment, JSON and an OpenAPI entry at once. */
// prettier-ignore
export const routes: readonly Route[] = [
  // ---- access
  page('/sign-in',                          null,                                   access.showSignIn,        'access/sign-in', { access: 'public' }),
  post('/sign-in',                          null,                                   access.signIn,            { access: 'public', session: 'owner', after: '/', form: '/sign-in' }),
  post('/sign-out',                         null,                                   access.signOut,           { access: 'public', session: 'end', after: '/sign-in' }),

  // ---- setup
  page('/setup/token',                      null,                                   setup.askSetupToken,      'settings/setup', { access: 'public' }),
  post('/setup/token',                      null,                                   setup.enterSetupToken,    { access: 'public', session: 'setup', after: '/setup', form: '/setup/token' }),
  page('/setup',                            null,                                   setup.showSetup,          'settings/setup', { access: 'setup' }),
  post('/setup/admin',                      null,                                   setup.setFirstPassword,   { access: 'setup', session: 'owner', after: '/setup', form: '/setup' }),
  post('/setup/plex',                       '/api/setup/plex',                      setup.setupPlex,          { after: '/setup', form: '/setup' }),
  post('/setup/plex/pin',                   null,                                   plexAccount.startSignIn,  { form: '/setup' }),
  post('/setup/plex/servers/:serverId',     null,                                   setup.setupServer,        { after: '/setup', form: '/setup' }),
  post('/setup/paths',                      '/api/setup/paths',                     setup.setupPaths,         { after: '/setup?step=worker', form: '/setup' }),
  post('/setup/worker',                     '/api/setup/worker',                    setup.setupWorker,        { after: '/setup?step=safety', form: '/setup' }),
  post('/setup/safety',                     '/api/setup/safety',                    setup.setupSafety,        { after: '/setup?step=ready', form: '/setup' }),
  post('/setup/ready',                      '/api/setup/ready',                     setup.finishSetup,        { after: '/', form: '/setup' }),

  // ---- settings
  read('/api/settings',                     settings.showSettings),
  put ('/api/settings',                     settings.saveSettings),
  post('/settings/paths/test',              '/api/settings/test-path',              settings.testPath,        { view: 'settings/folder-check' }),
  page('/settings/plex',                    null,                                   settings.showPlexSettings,     'settings/page', { access: 'person' }),
  page('/settings/security',                null,                                   settings.showSecuritySettings, 'settings/page', { access: 'person' }),
  page('/settings/events',                  '/api/plex/diagnosis',                  diagnosis.showDiagnosis,  'settings/events'),
  page('/settings/:tab',                    '/api/settings/:tab',                   settings.showSettingsTab, 'settings/page'),
  // The token goes to the address of Plex, so only a person may change that.
  ...settings.SETTINGS_TABS.map((tab) => post(`/settings/${tab}`, null, settings.saveSettingsTab[tab], { access: tab === 'plex' ? 'person' : 'owner', form: `/settings/${tab}`, after: `/settings/${tab}`, notice: say('Saved.') })),
  post('/settings/security/password',       '/api/access/password',                 access.changePassword,    { access: 'person', session: 'owner', form: '/settings/security', after: '/settings/security', notice: say('The password is changed. Every other browser has to sign in again.') }),
  post('/settings/security/api-key',        '/api/access/api-key',                  access.rotateApiKey,      { access: 'person', view: 'settings/api-key' }),
  post('/settings/plex/connect',            '/api/plex/servers',                    plex.connectPlex,         { form: '/settings/plex', after: '/settings/plex', notice: ({ name }: { name: string }) => `Connected to ${name}.` }),
  post('/settings/plex/pin',                '/api/plex/pin',                        plexAccount.startSignIn,  { form: '/settings/plex' }),
  post(null,                                '/api/plex/servers/test',               plex.testPlex),
  post('/settings/plex/servers/:serverId',  '/api/plex/servers/:serverId',          plexAccount.chooseServer, { form: '/settings/plex', after: '/settings/plex', notice: connected }),
  post('/settings/plex/servers/:serverId/remove', '/api/plex/servers/:serverId/remove', servers.removeServer, { after: '/settings/plex', notice: ({ name, titles }: { name: string; titles: number }) => `${name} is removed, with ${titles} ${titles === 1 ? 'title' : 'titles'} from the library here. No file was touched.` }),
  remove('/api/plex/servers/:serverId',     servers.removeServer),
  post('/settings/plex/sections/:sectionId', '/api/plex/sections/:sectionId',       servers.switchSection,    { after: '/settings/plex', notice: ({ title, enabled }: { title: string; enabled: boolean }) => `${title} is switched ${enabled ? 'on; it is being read' : 'off'}.` }),
  post('/settings/plex/sign-out',           '/api/plex/sign-out',                   plexAccount.signOutOfPlex, { access: 'person', after: '/settings/plex', notice: say('Signed out of Plex. The server stays connected.') }),
  post('/settings/events/webhook',          '/api/plex/webhook/add',                diagnosis.addWebhook,     { access: 'person', form: '/settings/events', after: '/settings/events', notice: say('Plex sends its events to MediaFlow now.') }),
  post('/settings/plex/check',              '/api/plex/check',                      settings.checkPlex,       { view: 'settings/check' }),
  post('/settings/plex/webhook',            '/api/plex/webhook/rotate',             webhooks.rotateWebhook,   { access: 'person', after: '/settings/plex', notice: say('The webhook has a new address. Enter it in Plex; the old address no longer works.') }),

  // ---- plex
  read('/api/plex/pin/:id',                 plexAccount.showSignIn),
  read('/api/plex/servers',                 plexAccount.findServers),
  read('/api/plex/sections',                plex.listSections),
  read('/api/plex/servers/beside',          servers.listServersBeside),
  read('/api/plex/sessions',                plex.listPlaySessions),
  post('/plex/sync',                        '/api/plex/sync',                       plex.startSync,           { notice: say('Reading the library from Plex.') }),
  read('/api/plex/sync/status',             plex.showSync),
  read('/api/plex/webhook',                 webhooks.showWebhook,                   { access: 'person' }),

  // ---- health
  page('/health',                           '/api/health',                          health.showHealth,        'health/page'),
  page('/shell',                            null,                                   health.showNavigation,    'shared/shell', KEPT),
  read('/api/summary',                      health.showSummary),

  // ---- dashboard
  page('/',                                 '/api/dashboard',                       dashboard.showDashboard,  'health/dashboard', { needsSetup: true, ...KEPT }),

  // ---- library
  page('/library',                          null,                                   libraryBrowser.browseLibrary, 'library/list', KEPT),
  read('/api/library/items',                library.listLibrary),
  download('/library/export',               '/api/library/export',                  libraryExport.exportLibrary),
  post('/library/queue/question',           '/api/transcode/jobs/matching/question', bulk.askAboutTitles,     { ...MANY, view: 'library/queue' }),
  post('/library/queue/totals',             '/api/transcode/jobs/matching/totals',  bulk.sumTitles,           { ...MANY, view: 'library/parts/bulk-titles' }),
  post('/library/queue',                    '/api/transcode/jobs/matching',         bulk.queueSelection,      { ...MANY, after: '/queue', notice: queued }),
  post('/library/columns',                  '/api/library/columns',                 libraryBrowser.chooseColumns, { notice: say('Columns changed.') }),
  read('/api/filter-presets',               filters.listFilters),
  post('/library/filters',                  '/api/filter-presets',                  filters.saveFilter,       { notice: say('The filter is saved.') }),
  post('/library/filters/:id',              '/api/filter-presets/:id',              filters.changeFilter,     { notice: say('The filter is changed.') }),
  post('/library/filters/:id/remove',       '/api/filter-presets/:id/remove',       filters.removeFilter,     { notice: say('The filter is removed.'), after: '/library' }),
  page('/library/edit',                     '/api/library/metadata',                metadata.listEdits,       'library/edits'),
  post('/library/edit',                     '/api/library/metadata',                metadata.chooseTitles,    { ...MANY, after: '/library/edit/:id' }),
  page('/library/edit/:id',                 '/api/library/metadata/:id',            metadata.showEdit,        'library/edit'),
  post('/library/edit/:id',                 null,                                   metadata.changeEdit,      { form: '/library/edit/:id', after: '/library/edit/:id/preview' }),
  put ('/api/library/metadata/:id',         metadata.changeEdit),
  page('/library/edit/:id/preview',         '/api/library/metadata/:id/preview',    metadata.previewEdit,     'library/edit-preview'),
  post('/library/edit/:id/apply',           '/api/library/metadata/:id/apply',      metadata.applyEdit,       { form: '/library/edit/:id/preview', after: '/library/edit/:id/result' }),
  page('/library/edit/:id/result',          '/api/library/metadata/:id/result',     metadata.showEditResult,  'library/edit-result'),
  post('/library/edit/:id/stop',            '/api/library/metadata/:id/stop',       metadata.stopEdit,        { after: '/library/edit/:id/result', notice: say('Stopped. What was changed until then stays changed.') }),
  post('/library/edit/:id/again',           '/api/library/metadata/:id/again',      metadata.repeatEdit,      { after: '/library/edit/:id/preview' }),
  page('/library/excluded',                 '/api/excluded',                        excluded.listExcluded,    'library/excluded'),
  post('/library/excluded',                 '/api/excluded',                        excluded.excludeMany,     { ...MANY, after: '/library/excluded', notice: ({ changed }: { changed: number }) => `${changed} ${changed === 1 ? 'item is' : 'items are'} excluded from processing. You can undo this in the list of excluded items.` }),
  post('/library/excluded/question',        '/api/excluded/question',               excluded.askAboutExclusion, { ...MANY, view: 'library/exclude' }),
  post('/library/excluded/include',         '/api/excluded/include',                excluded.includeMany,     { after: '/library/excluded', notice: ({ changed }: { changed: number }) => `${changed} ${changed === 1 ? 'item is' : 'items are'} included again.` }),
  page('/library/:id',                      '/api/library/items/:id',               library.showItem,         'library/item', KEPT),
  picture('/library/:id/poster',            posters.showPoster),
  page('/library/:id/plan',                 null,                                   library.planItem,         'library/plan'),
  page('/library/:id/tags',                 '/api/library/items/:id/tags',          tags.showItemTags,        'library/item-tags'),
  post('/library/:id/tags',                 '/api/library/items/:id/tags',          tags.tagItem,             { view: 'library/item-tags' }),
  post('/library/:id/exclude',              '/api/library/items/:id/exclude',       excluded.excludeItem,     { notice: ({ title }: { title: string }) => `${title} is excluded from processing.` }),
  post('/library/:id/include',              '/api/library/items/:id/include',       excluded.includeItem,     { notice: say('Included again. Rules and jobs may process it.') }),
  // Names of older versions.
  read('/api/untouched',                    excluded.listExcluded),
  post('/library/:id/leave',                '/api/library/items/:id/leave',         excluded.excludeItem,     { notice: ({ title }: { title: string }) => `${title} is excluded from processing.` }),
  post('/library/:id/touch',                '/api/library/items/:id/touch',         excluded.includeItem,     { notice: say('Included again. Rules and jobs may process it.') }),

  // ---- statistics
  read('/api/library/stats',                statistics.showStatistics),
  page('/analytics',                        null,                                   statistics.showAnalytics, 'analytics/page', KEPT),

  // ---- tags
  page('/tags',                             '/api/tags',                            tags.listTags,            'library/tags'),
  post('/tags',                             '/api/tags',                            tags.createTag,           { form: '/tags', after: '/tags', notice: ({ name }: { name: string }) => `The tag ${name} was made.` }),
  post('/tags/apply',                       '/api/tags/apply',                      tags.tagItems,            { ...MANY, notice: ({ changed }: { changed: number }) => `${changed} ${changed === 1 ? 'title' : 'titles'} changed.` }),
  page('/tags/:id',                         '/api/tags/:id',                        tags.showTag,             'library/tag'),
  post('/tags/:id',                         null,                                   tags.changeTag,           { after: '/tags', notice: say('Saved.') }),
  put ('/api/tags/:id',                     tags.changeTag),
  post('/tags/:id/delete',                  null,                                   tags.deleteTag,           { after: '/tags', notice: ({ name }: { name: string }) => `The tag ${name} was deleted.` }),
  remove('/api/tags/:id',                   tags.deleteTag),

  // ---- collections
  page('/collections',                      '/api/collections',                     collections.listCollections, 'collections/list'),
  post('/collections',                      '/api/collections',                     collections.createCollection, { form: '/collections/new', after: '/collections/:id', notice: outcome }),
  post('/collections/sync',                 '/api/collections/sync',                collections.syncCollections, { notice: say('The collections are being synced.') }),
  page('/collections/new',                  null,                                   collectionBuilder.newCollection, 'collections/new'),
  post(null,                                '/api/collections/preview',             collectionBuilder.previewCollection),
  page('/collections/:id',                  '/api/collections/:id',                 collections.showCollection, 'collections/collection'),
  post('/collections/:id',                  null,                                   collections.changeCollection, { form: '/collections/:id', after: '/collections/:id', notice: say('Saved.') }),
  put ('/api/collections/:id',              collections.changeCollection),
  post(null,                                '/api/collections/:id/preview',         collectionBuilder.previewStored),
  post('/collections/:id/sync',             '/api/collections/:id/sync',            collections.syncCollection, { notice: outcome }),
  post('/collections/:id/in/:sectionId',    '/api/collections/:id/in/:sectionId',   collections.decidePlace,  { notice: outcome }),
  post('/collections/:id/delete',           null,                                   collections.deleteCollection, { after: '/collections', notice: ({ name, inPlex }: { name: string; inPlex: boolean }) => `The collection ${name} was deleted${inPlex ? ', in Plex too' : '; in Plex it stays'}.` }),
  remove('/api/collections/:id',            collections.deleteCollection),

  // ---- recommendations
  page('/recommendations',                  null,                                   review.showReview,        'recommendations/list', KEPT),
  read('/api/recommendations',              recommendations.listRecommendations),
  post('/recommendations/totals',           '/api/recommendations/totals',          decideMany.sumSelection,  { ...MANY, view: 'recommendations/parts/bulk-review' }),
  post('/recommendations/question',         '/api/recommendations/question',        decideMany.askAboutMany,  { ...MANY, view: 'recommendations/decide' }),
  page('/recommendations/history',          '/api/recommendations/history',         runs.listRuns,            'recommendations/runs'),
  read('/api/recommendations/summary',      savings.showSummary),
  read('/api/recommendations/savings',      savings.showSavings),
  post('/recommendations/analyze',          '/api/recommendations/analyze',         runs.analyze,             { notice: analyzed }),
  post('/recommendations/batch-queue',      '/api/recommendations/batch-queue',     decideMany.approveMany,   { ...MANY, after: '/recommendations', notice: approvedMany }),
  post('/recommendations/batch-snooze',     '/api/recommendations/batch-snooze',    decideMany.snoozeMany,    { ...MANY, after: '/recommendations', notice: changedMany('snoozed') }),
  post('/recommendations/batch-dismiss',    '/api/recommendations/batch-dismiss',   decideMany.dismissMany,   { ...MANY, after: '/recommendations', notice: changedMany('dismissed') }),
  post('/recommendations/batch-reopen',     '/api/recommendations/batch-reopen',    decideMany.reopenMany,    { ...MANY, after: '/recommendations', notice: changedMany('open again') }),
  post('/recommendations/:id/approve',      '/api/recommendations/:id/approve',     recommendations.approveRecommendation, { notice: approved }),
  post('/recommendations/:id/dismiss',      '/api/recommendations/:id/dismiss',     recommendations.dismissRecommendation, { notice: say('Dismissed until the file itself changes.') }),
  post('/recommendations/:id/snooze',       '/api/recommendations/:id/snooze',      recommendations.snoozeRecommendation,  { notice: snoozed }),
  post('/recommendations/:id/reopen',       '/api/recommendations/:id/reopen',      recommendations.reopenRecommendation,  { notice: say('The recommendation is open again.') }),

  // ---- queue and jobs
  page('/queue',                            '/api/transcode/queue',                 queue.showQueue,          'queue/page', KEPT),
  page('/queue/jobs',                       null,                                   queue.showQueueList,      'queue/list'),
  post('/queue/jobs',                       '/api/transcode/jobs/bulk',             jobsBulk.changeJobs,      { ...MANY, after: '/queue', notice: bulkDone }),
  post('/queue/jobs/question',              '/api/transcode/jobs/bulk/question',    jobsBulk.askAboutJobs,    { ...MANY, view: 'queue/question' }),
  page('/queue/:id',                        null,                                   queue.showJobPage,        'jobs/job'),
  read('/api/transcode/failures',           failures.listFailures),
  post('/transcode/queue/pause',            '/api/transcode/queue/pause',           queue.pauseQueue,         { notice: say('Paused. Running jobs go on to their end.') }),
  post('/transcode/queue/resume',           '/api/transcode/queue/resume',          queue.resumeQueue,        { notice: say('The queue is running again.') }),
  read('/api/transcode/jobs',               jobs.listJobs),
  post('/transcode/jobs',                   '/api/transcode/jobs',                  jobs.createJobs,          { after: '/queue', notice: queued }),
  post(null,                                '/api/transcode/simulate',              jobs.simulateJob),
  read('/api/transcode/jobs/:id',           jobs.showJob),
  read('/api/transcode/jobs/:id/log',       jobs.showJobLog),
  post('/transcode/jobs/:id/cancel',        '/api/transcode/jobs/:id/cancel',       jobs.cancelJob,           { notice: say('Cancelled. The original was not changed.') }),
  post('/transcode/jobs/:id/retry',         '/api/transcode/jobs/:id/retry',        jobs.retryJob,            { notice: say('Queued again.') }),
  post('/transcode/jobs/:id/replace',       '/api/transcode/jobs/:id/replace',      jobs.replaceJob,          { notice: say('Replacing. The original goes to quarantine.') }),
  post('/transcode/jobs/:id/move',          '/api/transcode/jobs/:id/move',         jobs.moveJobInQueue),

  // ---- quarantine
  page('/quarantine',                       '/api/transcode/quarantine',            quarantine.listQuarantine,   'replace/quarantine', KEPT),
  page('/quarantine/:id',                   null,                                   quarantine.showQuarantined,  'replace/original'),
  post('/transcode/quarantine/:id/restore', '/api/transcode/quarantine/:id/restore', quarantine.restoreOriginal, { notice: say('The original is at its path again.') }),
  post('/transcode/quarantine/:id/purge',   '/api/transcode/quarantine/:id/purge',  quarantine.purgeOriginal,    { after: '/quarantine', notice: say('The original was deleted permanently.') }),

  // ---- workers
  page('/workers',                          null,                                   workerPages.showWorkers,  'workers/list'),
  page('/workers/new',                      null,                                   workerPages.showNewWorker, 'workers/new'),
  page('/workers/compare',                  '/api/servers/compare',                 workerPages.compareWorkers, 'workers/compare'),
  read('/api/servers',                      workers.listWorkers),
  post('/workers',                          '/api/servers',                         workers.addWorker,        { form: '/workers/new', after: '/workers/:id/setup' }),
  post('/workers/key',                      '/api/servers/key',                     workerKeys.makeKey,       { view: 'workers/key' }),
  page('/workers/:id',                      null,                                   workerPages.showWorkerPage, 'workers/worker'),
  page('/workers/:id/setup',                null,                                   workerPages.showWorkerPage, 'workers/setup'),
  read('/api/servers/:id',                  workers.showWorker),
  put ('/api/servers/:id',                  workers.changeWorker),
  post('/workers/:id',                      null,                                   workers.changeWorker,     { form: '/workers/:id', after: '/workers/:id', notice: say('Saved.') }),
  post('/workers/:id/slots',                null,                                   workers.changeWorker,     { notice: ({ name, slots }: { name: string; slots: number }) => `${name} runs ${slots} at a time.` }),
  remove('/api/servers/:id',                workers.removeWorker),
  post('/workers/:id/remove',               null,                                   workers.removeWorker,     { after: '/workers', notice: named('is removed. Nothing is left of it here.') }),
  post('/workers/:id/confirm',              '/api/servers/:id/confirm',             workers.confirmWorker,    { after: '/workers/:id/setup', notice: named('is trusted with this host key.') }),
  post('/workers/:id/test',                 '/api/servers/:id/test',                workers.testWorker,       { view: 'workers/checks' }),
  post(null,                                '/api/servers/:id/probe',               workers.probeWorker),
  post('/workers/:id/benchmark',            '/api/servers/:id/benchmark',           workers.benchmarkWorker,  { notice: measured }),
  post('/workers/:id/find-shared',          '/api/servers/:id/find-shared',         workerPaths.findSharedFolders, { view: 'workers/found' }),
  post('/workers/:id/use-shared',           '/api/servers/:id/use-shared',          workerPaths.useSharedFolder, { view: 'workers/used' }),
  post('/workers/:id/speed',                '/api/servers/:id/speed',               workers.measureSpeed,     { notice: named('is measured.') }),
  post('/workers/:id/pause',                '/api/servers/:id/pause',               workers.pauseWorker,      { notice: named('is paused. Running jobs go on to their end.') }),
  post('/workers/:id/drain',                '/api/servers/:id/drain',               workers.drainWorker,      { notice: named('finishes what it has and takes nothing new.') }),
  post('/workers/:id/resume',               '/api/servers/:id/resume',              workers.resumeWorker,     { notice: named('takes work again.') }),
  post('/workers/:id/enable',               '/api/servers/:id/enable',              workers.enableWorker,     { notice: named('is back in service.') }),
  post('/workers/:id/provision',            '/api/servers/:id/provision',           workerProvision.provisionWorker, { after: '/workers/:id', notice: ({ name }: { name: string }) => `ffmpeg is being installed on ${name}.` }),
  read('/api/servers/:id/provision',        workerProvision.showProvision),
  read('/api/servers/:id/metrics',          workers.showMetrics),

  // ---- rules
  page('/rules',                            '/api/rules',                           rules.listRules,          'rules/list', KEPT),
  page('/rules/:id',                        '/api/rules/:id',                       rules.showRule,           'rules/rule'),
  put ('/api/rules/:id',                    rules.saveRule),
  post('/rules/:id',                        null,                                   rules.saveRule,           { notice: say('Saved.') }),
  post('/rules/:id/try',                    '/api/rules/:id/try',                   rules.tryRule,            { view: 'rules/try' }),

  // ---- presets
  page('/presets',                          '/api/presets',                         presets.listPresets,      'presets/list', KEPT),
  read('/api/presets/:id',                  presets.showPreset),
];
