/** What JSON.stringify leaves as it is although a terminal acts on it. */
const ACTIVE = /[\u007f-\u009f\u2028\u2029\p{Bidi_Control}]/gu;

/**
 * A value as JSON text, indented by two spaces or on one line. DEL, C1, bidi and line
 * separators are escaped: the same data to a parser, harmless on a terminal.
 *
 * @example
 * ```ts
 * jsonText({ name: 'ci' }, 'line'); // '{"name":"ci"}'
 * ```
 */
export function jsonText(value: unknown, form: 'line' | 'indented'): string {
  const text: string | undefined = JSON.stringify(value, null, form === 'indented' ? 2 : 0);
  if (text === undefined) return 'null';
  return withoutActive(text);
}

/** JSON text that was made elsewhere, with the same characters escaped. */
export function withoutActive(text: string): string {
  return text.replace(ACTIVE, (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`);
}
