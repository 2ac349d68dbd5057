/** Eighths of a cell, so that small differences show. */
const EIGHTHS = ['', '▏', '▎', '▍', '▌', '▋', '▊', '▉'];
const MOST_CELLS = 40;

/** A bar for one number among others; half of the terminal at most, and never nothing for something. */
export function bar(value: number, most: number, width: number): string {
  if (value <= 0 || most <= 0) return '';
  const cells = Math.min(MOST_CELLS, Math.floor(width / 2));
  const eighths = Math.max(1, Math.round((value / most) * cells * 8));
  return '█'.repeat(Math.floor(eighths / 8)) + (EIGHTHS[eighths % 8] ?? '');
}
