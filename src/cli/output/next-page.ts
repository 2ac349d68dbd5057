import { shellWord } from './shell-word.js';

/** Counting ends there beside a page: it would cost more than the page. */
export const MOST_COUNTED = 10_000;

const NUMBERS = new Intl.NumberFormat('en-US');

interface PageFacts {
  readonly shown: number;
  /** Of all pages, counted up to `MOST_COUNTED`. */
  readonly total: number;
  /** `keys`. */
  readonly what: string;
  readonly argv: readonly string[];
  readonly nextCursor: string;
}

/** What stands under a page that others follow: `50 of 302 keys; --all shows the rest, and this the next page:`. */
export function nextPage({ shown, total, what, argv, nextCursor }: PageFacts): {
  footer: string;
  next: string;
} {
  const of = `${NUMBERS.format(total)}${total < MOST_COUNTED ? '' : '+'}`;
  return {
    footer: `${NUMBERS.format(shown)} of ${of} ${what}; all of them with --all, and the next page with:`,
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
