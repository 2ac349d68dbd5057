/**
 * The first of the names that is at most a slip away, for "did you mean".
 *
 * @example
 * nearest('sslmod', ['sslcert', 'sslmode']) // 'sslmode'
 */
export function nearest(name: string, among: Iterable<string>): string | undefined {
  for (const known of among) if (isSlipFrom(name, known)) return known;
  return undefined;
}

/** Whether one becomes the other by a letter that is wrong, missing or too many, or by two neighbours changing places. */
function isSlipFrom(one: string, other: string): boolean {
  let start = 0;
  while (start < one.length && one[start] === other[start]) start++;
  const [a, b] = [one.slice(start), other.slice(start)];
  return (
    a.slice(1) === b.slice(1) ||
    a.slice(1) === b ||
    a === b.slice(1) ||
    (a.slice(2) === b.slice(2) && a[0] === b[1] && a[1] === b[0])
  );
}
