import type { Report, Spread } from './bench.js';

/** The figures of a report for people, one line each. */
export function table(results: Report['results']): string {
  const rows = results.map(({ bench, what, measured, yardstick, ratio, goal }) => [
    `${bench}: ${what}`,
    figure(yardstick.median),
    figure(measured.median),
    figure(ratio.median),
    range(ratio),
    figure(goal),
    ratio.median <= goal ? 'kept' : 'MISSED',
  ]);
  const all = [['', 'yardstick ms', 'measured ms', 'ratio', 'min-max', 'goal', ''], ...rows];
  const widths = all[0]?.map((_, column) => Math.max(...all.map((row) => row[column]?.length ?? 0))) ?? [];
  return all
    .map((row) =>
      row
        .map((cell, column) =>
          column === 0 ? cell.padEnd(widths[column] ?? 0) : cell.padStart(widths[column] ?? 0),
        )
        .join('  '),
    )
    .join('\n');
}

const range = ({ min, max }: Spread): string => `${figure(min)}-${figure(max)}`;

/** Says something of a fortieth, too. */
const figure = (number: number): string => number.toFixed(number < 0.1 ? 4 : 2);
