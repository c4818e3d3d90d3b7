import { all, isTicked, one } from './page.js';

function isChanged(field: Element): boolean {
  if (field instanceof HTMLSelectElement)
    return [...field.options].some((option) => option.defaultSelected && !option.selected);
  if (!(field instanceof HTMLInputElement)) return false;
  if (isTicked(field) && field.type === 'checkbox') return field.checked !== field.defaultChecked;
  return field.type !== 'hidden' && field.value !== field.defaultValue;
}

/** A form of settings says how many of its fields were changed. */
export function startChangedForms(): void {
  for (const form of all<HTMLFormElement>('form[data-dirty]')) {
    const text = one('[data-dirty-text]', form);
    if (!text) continue;
    const calm = text.textContent;
    const count = (): void => {
      const changed = [...form.elements].filter(isChanged).length;
      form.classList.toggle('is-dirty', changed > 0);
      text.textContent = changed > 0 ? `${changed} ${changed === 1 ? 'change' : 'changes'} not saved.` : calm;
    };
    form.addEventListener('input', count);
    form.addEventListener('reset', () => window.setTimeout(count));
  }
}
