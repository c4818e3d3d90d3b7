import { all, boxes, isTicked } from './page.js';

type Field = HTMLInputElement | HTMLSelectElement | HTMLTextAreaElement;

/** Fields of a region, by what names them. A search says in its own fields what is shown; its answer is right. */
function fieldsOf(region: Element | null): Map<string, Field> {
  const named = new Map<string, Field>();
  const fields = region ? all<Field>('input:not([type="hidden"]), select, textarea', region) : [];
  for (const field of fields) {
    if (field.form?.getAttribute('role') === 'search') continue;
    // "All that match" is one box, however many rows the address asks for.
    const value = isTicked(field) && !field.matches('[data-pick-everything]') ? field.value : '';
    const form = field.form?.id === '' ? field.form.action : field.form?.id;
    const name = field.id || `${form ?? ''} ${field.name} ${value}`;
    named.set(named.has(name) ? `${name} ${named.size}` : name, field);
  }
  return named;
}

function drawnValueOf(field: Field): string | undefined {
  if (!(field instanceof HTMLSelectElement)) return field.defaultValue;
  const options = [...field.options];
  return (options.find(({ defaultSelected }) => defaultSelected) ?? options[0])?.value;
}

/** What was typed, chosen or ticked and is not sent yet. Returns what puts it back once the region is drawn anew. */
export function typedIn(region: Element): (drawn: Element | null) => void {
  const beyond = all('[data-beyond] > input', region);
  const typed = [...fieldsOf(region)]
    .filter(([, field]) =>
      isTicked(field) ? field.checked !== field.defaultChecked : field.value !== drawnValueOf(field),
    )
    .map(([name, field]) => ({ name, value: field.value, checked: isTicked(field) && field.checked }));
  const isAll = region.querySelector('[data-pick-everything]:checked') !== null;
  return (drawn) => {
    const now = fieldsOf(drawn);
    // Once all that match stand on the page there is no box for all of them: then each is ticked.
    if (isAll && drawn && !drawn.querySelector('[data-pick-everything]'))
      for (const box of boxes('input[form="bulk"]', drawn)) box.checked = true;
    for (const { name, value, checked } of typed) {
      const field = now.get(name);
      if (field && isTicked(field)) field.checked = checked;
      else if (field) field.value = value;
    }
    drawn?.querySelector('[data-beyond]')?.append(...beyond);
  };
}
