import { onAnswer, onHtmx } from './htmx-events.js';
import { boxes, closeMenus, elementOf, one } from './page.js';

const question = one<HTMLDialogElement>('#confirm');

function write(selector: string, text: string): void {
  const place = question && one(selector, question);
  if (place) place.textContent = text;
}

/** Asks in a dialog, and goes on after a yes. While another question is open nothing is asked. */
export function ask(
  { text, yes = 'Yes', no = 'Go back' }: { text: string; yes?: string | undefined; no?: string },
  go: () => void,
): void {
  if (!question || question.open) return;
  write('[data-confirm-text]', text);
  write('[data-confirm-yes]', yes);
  write('[data-confirm-no]', no);
  question.returnValue = 'no';
  const answer = (): void => {
    if (question.returnValue === 'yes') go();
  };
  question.addEventListener('close', answer, { once: true });
  question.showModal();
}

/** What cannot be undone is asked once more. */
export function startConfirming(): void {
  if (!question) return;
  onHtmx('htmx:confirm', (detail, event) => {
    const { confirm, yes } = detail.elt.dataset;
    if (!confirm) return;
    event.preventDefault();
    ask({ text: confirm, yes }, () => {
      detail.issueRequest(true);
    });
  });
  document.addEventListener('submit', (event) => {
    const form = event.target;
    if (!(form instanceof HTMLFormElement)) return;
    const { confirm, yes, confirmed } = form.dataset;
    // htmx asks for its own forms.
    if (!confirm || confirmed || form.hasAttribute('hx-post')) return;
    // A button that leads elsewhere is not what the form asks about.
    if (event.submitter?.hasAttribute('formaction')) return;
    event.preventDefault();
    ask({ text: confirm, yes }, () => {
      form.dataset['confirmed'] = 'yes';
      form.requestSubmit();
    });
  });
}

/** A question that the server draws lies over the page it is about. */
export function startQuestions(): void {
  onHtmx('htmx:afterSwap', (_, event) => {
    if (elementOf(event).id !== 'question-body') return;
    closeMenus();
    one<HTMLDialogElement>('#question')?.showModal();
  });
  document.addEventListener('click', (event) => {
    const dialog = elementOf(event).closest('[data-close-question]')?.closest('dialog');
    if (!dialog) return;
    event.preventDefault();
    dialog.close();
  });
  for (const name of ['mf:done', 'mf:refused'] as const) {
    onAnswer(name, () => {
      const dialog = one<HTMLDialogElement>('dialog#question[open]');
      if (!dialog) return;
      dialog.close();
      for (const everything of boxes('[data-pick-everything]')) everything.checked = false;
    });
  }
}
