/** `1 key`, `2 keys`; `count` may be written already. */
export const counted = (count: number, what: string, written = String(count)): string =>
  `${written} ${what}${count === 1 ? '' : 's'}`;
