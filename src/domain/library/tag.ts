import { z } from 'zod';

/** Colours that are told apart in the dark and in the light. */
export const TagColor = z.enum(['blue', 'teal', 'green', 'amber', 'rose', 'slate']);
export type TagColor = z.infer<typeof TagColor>;

const Name = z.string().trim().min(1, 'Give the tag a name').max(40, 'A name has at most 40 letters');
const Category = z.string().trim().max(40, 'A category has at most 40 letters');

/** What the owner may choose of a tag. */
export const TagChoice = z.object({ name: Name, color: TagColor, category: Category });
export type TagChoice = z.infer<typeof TagChoice>;

/** A mark the owner puts on films and episodes. Items hold its id, so a new name changes no item. */
export const Tag = TagChoice.extend({
  /** Made of the first name, readable, never changed. */
  id: z.string().min(1),
  createdAt: z.string(),
});
export type Tag = z.infer<typeof Tag>;

/** `Kids' films` -> `kids-films`, or `kids-films-2` when that is taken. Never holds a comma, slash or space. */
export function tagIdFor(name: string, isTaken: (id: string) => boolean): string {
  const words = name
    .normalize('NFKC')
    .toLowerCase()
    .replaceAll(/['\u2019]/g, '')
    .match(/[\p{L}\p{N}]+/gu);
  const id = words?.join('-') ?? 'tag';
  if (!isTaken(id)) return id;
  for (let number = 2; ; number++) if (!isTaken(`${id}-${number}`)) return `${id}-${number}`;
}

/** Whether people would read the two as one name. */
export const isSameName = (a: string, b: string): boolean =>
  a.normalize('NFKC').toLocaleLowerCase('en') === b.normalize('NFKC').toLocaleLowerCase('en');

/** A list of tags after a change: what was there stays in its order, new ones come last, none twice. */
export function retag(
  tags: readonly string[],
  change: { add: readonly string[]; remove: readonly string[] },
): string[] {
  const left = tags.filter((id) => !change.remove.includes(id));
  return [...new Set([...left, ...change.add.filter((id) => !change.remove.includes(id))])];
}
