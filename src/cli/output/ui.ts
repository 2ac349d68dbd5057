import type { ColourLevel } from './colour.js';
import { formatNumber } from './number.js';
import { createPaint } from './paint.js';
import { renderRecord } from './record.js';
import type { Formatter, StyledText } from './result.js';
import { renderTable } from './table.js';
import { relativeTime, type TimeStyle, utcTime } from './time.js';
import { visible } from './visible.js';

export interface UiFacts {
  /** How times are written; relative to now unless told otherwise. */
  readonly time?: TimeStyle | undefined;
  readonly width: number;
  readonly level: ColourLevel;
  readonly now: Date;
}

const DAY = 24 * 3_600_000;

/** An end within two weeks is near, and one within a day, or one that has come, is what somebody has to look at now. */
function nearness(date: Date | null, now: Date, chalk: Formatter['chalk']): StyledText['style'] {
  const left = date === null ? Number.POSITIVE_INFINITY : date.getTime() - now.getTime();
  if (left > 14 * DAY) return (text) => text;
  return left > DAY ? chalk.yellow : chalk.red;
}

/** The pieces that views for people are composed of, for one terminal at one moment. */
export function createUi({ width, level, now, time = 'relative' }: UiFacts): Formatter {
  const chalk = createPaint(level);
  const relative = (date: Date | null): string =>
    time === 'relative' || date === null ? relativeTime(date, now) : utcTime(date);
  const colours: ReadonlyMap<string, StyledText['style']> = new Map([
    ['active', chalk.green],
    ['frozen', chalk.cyan],
    ['expired', chalk.yellow],
    ['revoked', chalk.red],
  ]);
  const ui: Formatter = {
    width,
    now,
    chalk,
    text: visible,
    relative,
    when: (date) =>
      date === null || time === 'absolute' ? relative(date) : `${utcTime(date)} (${relativeTime(date, now)})`,
    end: (date) => ({ text: relative(date), style: nearness(date, now, chalk) }),
    number: formatNumber,
    status: (status) => ({ text: status, style: colours.get(status) ?? ((text) => text) }),
    dim: (text) => ({ text, style: chalk.dim }),
    bold: (text) => ({ text, style: chalk.bold }),
    table: (columns, rows) => renderTable({ columns, rows, ui }).text,
    record: (view) => renderRecord(view, ui),
  };
  return ui;
}
