import type { Context } from '../../src/actions/action.js';
import { conflict } from '../../src/domain/errors.js';
import type { LibraryItem } from '../../src/domain/library/library.js';
import { resolutionOf } from '../../src/domain/library/media.js';
import type { QuarantineEntry } from '../../src/domain/replace/quarantine.js';
import type { Recommendation } from '../../src/domain/recommendations/recommendation.js';
import type { Subject } from '../../src/domain/rules/rule.js';
import { aFile, aRecommendation } from './builders.js';

/** A film that is held twice. */
export const HELD_TWICE = 'Nine Doors to Monday';

/** Gives one film a second, poorer file. */
export function withSurplusCopy(items: readonly LibraryItem[]): LibraryItem[] {
  return items.map((item) => {
    const [file] = item.files;
    if (item.title !== HELD_TWICE || !file?.video) return item;
    const poorer = aFile({
      ...file,
      id: `${file.id}9`,
      mediaId: `${file.mediaId}9`,
      path: file.path.replace(/(\.\w+)$/, ' HDTV$1'),
      localPath: file.localPath?.replace(/(\.\w+)$/, ' HDTV$1') ?? null,
      sizeBytes: 2_310_000_000,
      video: { ...file.video, height: 480, width: 1152, bitrateKbps: 2700 },
    });
    return { ...item, files: [file, poorer] };
  });
}

/** A finding about a surplus copy, and one about many files at once. */
export function specialFindings(items: readonly LibraryItem[]): Recommendation[] {
  const twice = items.find(({ title }) => title === HELD_TWICE);
  const [better, poorer] = twice?.files ?? [];
  const alike = membersIn(items, { codec: 'h264', resolution: '1080' });
  const bytes = alike.reduce((sum, { file }) => sum + file.sizeBytes, 0);
  const rows: Recommendation[] = [];
  if (twice && better && poorer)
    rows.push(
      aRecommendation({
        id: `${twice.id}.${poorer.id}.duplicate-detection`,
        itemId: twice.id,
        fileId: poorer.id,
        keep: { itemId: twice.id, fileId: better.id },
        ruleId: 'duplicate-detection',
        kind: 'review',
        presetId: null,
        reason: 'Held 2 times; the version that stays has 720p instead of 480p, and this one takes 2.3 GB',
        severity: 'low',
        priority: 48,
        savesBytes: poorer.sizeBytes,
        savesLowBytes: poorer.sizeBytes,
        savesHighBytes: poorer.sizeBytes,
        fileSizeBytes: poorer.sizeBytes,
        confidence: 'high',
        basis: 'exact',
      }),
    );
  rows.push(
    aRecommendation({
      id: 'group.h264-1080.batch-similar',
      itemId: '',
      fileId: '',
      group: { codec: 'h264', resolution: '1080', files: alike.length },
      ruleId: 'batch-similar',
      reason: `${alike.length} H.264 files in 1080p could be queued together`,
      severity: 'low',
      priority: 66,
      savesBytes: Math.round(bytes * 0.5),
      savesLowBytes: Math.round(bytes * 0.4),
      savesHighBytes: Math.round(bytes * 0.6),
      fileSizeBytes: bytes,
      basis: 'pair',
    }),
  );
  return rows;
}

function membersIn(items: Iterable<LibraryItem>, group: { codec: string; resolution: string }): Subject[] {
  const found: Subject[] = [];
  for (const item of items) {
    for (const file of item.files) {
      const { video } = file;
      if (video?.codec === group.codec && resolutionOf(video) === group.resolution) found.push({ item, file });
    }
  }
  return found;
}

/** Stands in for what carries out decisions about groups and copies. */
export function decisionsOf({ store, bus, now }: Context): Pick<Context, 'groups' | 'copies'> & {
  membersOf: Context['analyzer']['membersOf'];
} {
  const membersOf = (group: { codec: string; resolution: string }): Subject[] =>
    membersIn(store.library.values(), group);
  const approve = async (row: Recommendation): Promise<void> => {
    if (store.recommendations.get(row.id).state !== 'open') throw conflict('This recommendation was already approved');
    await store.recommendations.patch(row.id, { state: 'approved', changedAt: now().toISOString() });
    bus.emit('recommendation.changed', { ids: [row.id] });
  };
  return {
    membersOf,
    groups: {
      queue: async (row) => {
        await approve(row);
        return { items: [], refused: [] };
      },
    },
    copies: {
      setAside: async (row): Promise<QuarantineEntry> => {
        await approve(row);
        const item = store.library.get(row.itemId);
        const kept = [...store.quarantine.values()][0];
        if (!kept) throw conflict('The preview has no kept original to copy');
        const entry = { ...kept, id: 'q-copy', kind: 'surplus' as const, title: item.title, sizeBytes: row.fileSizeBytes, state: 'kept' as const }; // prettier-ignore
        await store.quarantine.put(entry);
        bus.emit('quarantine.changed', { ids: [entry.id] });
        return entry;
      },
    },
  };
}
