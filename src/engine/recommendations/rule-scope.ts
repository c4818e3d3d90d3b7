import type { LibraryItem } from '../../domain/library/library.js';
import { EXCLUDED_REASON } from '../../domain/library/excluded-items.js';
import type { Store } from '../../store/store.js';

/** Why a rule may say nothing about a title, whatever it finds: the owner's word on the title or on its tags. Null when it may. */
export function outOfReach(store: Store, ruleId: string, item: LibraryItem): string | null {
  if (store.excluded.find(item.id) !== null) return EXCLUDED_REASON;
  const { onlyTags = [], exceptTags = [] } = store.rules.find(ruleId) ?? {};
  const nameOf = (id: string): string => store.tags.find(id)?.name ?? id;
  const exception = exceptTags.find((id) => item.tags.includes(id));
  if (exception !== undefined) return `This rule skips titles tagged ${nameOf(exception)}, as you chose.`;
  if (onlyTags.length === 0 || onlyTags.some((id) => item.tags.includes(id))) return null;
  return `This rule looks only at titles tagged ${onlyTags.map(nameOf).join(' or ')}, as you chose.`;
}
