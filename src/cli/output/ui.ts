import type { ColourLevel } from './colour.js';
import { createPaint } from './paint.js';
import { renderRecord } from './record.js';
import type { Formatter, StyledText } from './result.js';
import { renderTable } from './table.js';
import { relativeTime, utcTime } from './time.js';
import { visible } from './visible.js';

export interface UiFacts {
  readonly width: number;
  readonly level: ColourLevel;
  readonly now: Date;
}

const NUMBERS = new Intl.NumberFormat('en-US');

/** The pieces that views for people are composed of, for one terminal at one moment. */
export function createUi({ width, level, now }: UiFacts): Formatter {
  const chalk = createPaint(level);
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
    relative: (date) => relativeTime(date, now),
    when: (date) => (date === null ? 'never' : `${utcTime(date)} (${relativeTime(date, now)})`),
    number: (value) => NUMBERS.format(value),
    status: (status) => ({ text: status, style: colours.get(status) ?? ((text) => text) }),
    dim: (text) => ({ text, style: chalk.dim }),
    bold: (text) => ({ text, style: chalk.bold }),
    table: (columns, rows) => renderTable({ columns, rows, ui }).text,
    record: (view) => renderRecord(view, ui),
  };
  return ui;
}
