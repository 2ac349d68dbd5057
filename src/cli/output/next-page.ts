import { formatNumber } from './number.js';
import type { Renderer } from './renderer.js';
import { shellWord } from './shell-word.js';

/** Counting ends there beside a page: it would cost more than the page. */
const MOST_COUNTED = 10_000;

interface PageFacts {
  readonly shown: number;
  /** Of all pages, counted up to `MOST_COUNTED`. */
  readonly total: number;
  /** `keys`. */
  readonly what: string;
  readonly argv: readonly string[];
  readonly nextCursor: string;
}

/** How many there are of all pages, counted up to `MOST_COUNTED`: where others follow a page, and a person reads it. */
export const totalOf = async (
  { nextCursor }: { readonly nextCursor: string | null },
  { tells }: Pick<Renderer, 'tells'>,
  count: (options: { readonly most: number }) => Promise<number>,
): Promise<number> => (nextCursor !== null && tells ? await count({ most: MOST_COUNTED }) : 0);

/** What stands under a page that others follow: `50 of 302 keys; --all shows the rest, and this the next page:`. */
export function nextPage({ shown, total, what, argv, nextCursor }: PageFacts): {
  footer: string;
  next: string;
} {
  const of = `${formatNumber(total)}${total < MOST_COUNTED ? '' : '+'}`;
  return {
    footer: `${formatNumber(shown)} of ${of} ${what}; all of them with --all, and the next page with:`,
    next: withCursor(argv, nextCursor),
  };
}

/** The command line that was typed, with another cursor, for a shell. */
export function withCursor(argv: readonly string[], cursor: string): string {
  const kept = argv.filter(
    (word, index) => word !== '--cursor' && !word.startsWith('--cursor=') && argv[index - 1] !== '--cursor',
  );
  return ['apikeys', ...kept, '--cursor', cursor].map(shellWord).join(' ');
}
