/** What a shell takes as it stands. */
const PLAIN = /^[A-Za-z0-9_@%+=:,./-]+$/;

/**
 * One argument of a command that somebody may copy into a POSIX shell; in quotes only where it needs them.
 *
 * @example
 * shellWord('billing-api') // billing-api
 * shellWord("O'Brien & Co") // 'O'\''Brien & Co'
 */
export const shellWord = (text: string): string =>
  PLAIN.test(text) ? text : `'${text.replaceAll("'", "'\\''")}'`;
