/** A text without the characters of `ending` at its end, however many there are; in time that grows no faster than the text. */
export function withoutEnd(text: string, ending: string): string {
  let end = text.length;
  while (end > 0 && ending.includes(text.charAt(end - 1))) end--;
  return text.slice(0, end);
}
