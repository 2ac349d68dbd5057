import { formatNumber } from './number.js';
import type { OutputStream } from './streams.js';

/** Shows how far long work has come, on one line of a terminal that it takes back at the end. */
export interface Progress {
  /** `total` may be an estimate; more than all is shown as all. */
  update(done: number, total: number): void;
  /** Erases the line, if one was drawn. Nothing is drawn after it. */
  end(): void;
}

export interface ProgressOptions {
  /** Where it is drawn: stderr. */
  readonly stream: OutputStream;
  /** What is being done: `Deleting`. */
  readonly label: string;
  /** What is counted, where the label does not say it: `bytes`. */
  readonly unit?: string | undefined;
  /** Columns of the terminal. */
  readonly width: number;
  /** Milliseconds of any clock that runs on. */
  readonly clock: () => number;
}

/** Work that is done sooner is not worth a flicker. */
const DELAY = 500;
const INTERVAL = 100;
const MOST_CELLS = 30;
/** Draws nothing, for where nobody would see it. */
export const NO_PROGRESS: Progress = { update: () => undefined, end: () => undefined };

/**
 * A bar that appears after half a second: `Deleting  █████░░░░░  50%  52,500 of 105,000`. It is drawn where it is called
 * from, so it stands still while nothing is reported.
 *
 * @example
 * ```ts
 * const progress = createProgress({ stream: process.stderr, label: 'Deleting', width: 80, clock: performance.now });
 * progress.update(52_500, 105_000);
 * progress.end();
 * ```
 */
export function createProgress({ stream, label, unit, width, clock }: ProgressOptions): Progress {
  const start = clock();
  let drawn: number | undefined;
  let ended = false;
  const draw = (text: string): void => {
    // Whether anyone sees it is no concern of the work's.
    stream.write(`\r${text}\u001b[K`, () => undefined);
  };
  return {
    update(done, total) {
      const now = clock();
      if (ended || total <= 0 || now - start < DELAY || (drawn !== undefined && now - drawn < INTERVAL))
        return;
      drawn = now;
      draw(progressLine({ label, unit, width }, Math.min(done, total), total));
    },
    end() {
      if (drawn !== undefined && !ended) draw('');
      ended = true;
    },
  };
}

type Line = Pick<ProgressOptions, 'label' | 'unit' | 'width'>;

/** Leaves the last column free: a terminal that wraps there would keep what was erased. */
function progressLine({ label, unit, width }: Line, done: number, total: number): string {
  const all = `${formatNumber(total)}${unit === undefined ? '' : ` ${unit}`}`;
  const digits = formatNumber(total).length;
  const percent = `${Math.floor((100 * done) / total)}%`.padStart(4);
  const numbers = `${percent}  ${formatNumber(done).padStart(digits)} of ${all}`;
  const cells = Math.min(MOST_CELLS, width - 1 - label.length - numbers.length - 4);
  if (cells < 3) return `${formatNumber(done)} of ${all}`.slice(0, Math.max(0, width - 1));
  const full = Math.floor((cells * done) / total);
  return `${label}  ${'█'.repeat(full)}${'░'.repeat(cells - full)}  ${numbers}`;
}
