import type { Receipt } from '../../domain/replace/receipt.js';
import type { Store } from '../../store/store.js';

/** What one replacement freed. */
export const freedBy = ({ before, after }: Pick<Receipt, 'before' | 'after'>): number =>
  before.sizeBytes - after.sizeBytes;

/** Replacements that still stand. One whose original was restored frees nothing any more. */
export function standingReceipts({ receipts, quarantine }: Pick<Store, 'receipts' | 'quarantine'>): Receipt[] {
  return receipts.where(({ quarantineId }) => stillStands({ quarantine }, quarantineId));
}

/** Whether a replacement stands: its original, kept under this id, was not restored. */
export const stillStands = ({ quarantine }: Pick<Store, 'quarantine'>, quarantineId: string | null): boolean =>
  quarantineId === null || quarantine.find(quarantineId)?.state !== 'restored';

/** Files that are smaller than they were, and by how much. */
export interface Freed {
  files: number;
  bytes: number;
  /** Of what these files took before; 0 to 100, not rounded. */
  percent: number;
}

/** The sum of what replacements freed. */
export function freedTogether(receipts: readonly Receipt[]): Freed {
  const beforeBytes = receipts.reduce((sum, { before }) => sum + before.sizeBytes, 0);
  const bytes = receipts.reduce((sum, receipt) => sum + freedBy(receipt), 0);
  return { files: receipts.length, bytes, percent: beforeBytes > 0 ? (bytes / beforeBytes) * 100 : 0 };
}
