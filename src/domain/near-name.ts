/** The name that was meant, if only a letter or two are wrong, or only case and the marks between words. */
export function nearName(name: string, among: Iterable<string>): string | undefined {
  const names = [...among];
  return (
    names.find((known) => plain(known) === plain(name)) ??
    names.find((known) => differBySmall(plain(name), plain(known)))
  );
}

/** `; did you mean retention?`, or nothing. */
export function didYouMean(name: string, among: Iterable<string>): string {
  const near = nearName(name, among);
  return near === undefined ? '' : `; did you mean ${near}?`;
}

const plain = (name: string): string => name.toLowerCase().replaceAll(/[-_]/g, '');

/** Whether one becomes the other by a letter that is wrong, missing or too many, or by two neighbours changing places. */
function differBySmall(one: string, other: string): boolean {
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
