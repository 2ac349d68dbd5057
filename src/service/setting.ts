import { quote } from '../domain/quote.js';
import { ApiKeysError } from '../errors.js';

/** How values of one kind are read and written. `Option` is what an application gives for it. */
interface Kind<Value, Option> {
  /** Reads the text of a variable or a file. Throws `INVALID_INPUT`, which the caller completes with where it came from. */
  parse(text: string): Value;
  /** Checks the option of an application. Throws `INVALID_INPUT`. */
  check(option: Option): Value;
  /** The value as its text would be. */
  show(value: Value): string;
}

/** One thing that can be configured: its names, its default, what it means, and how its values are read. */
export interface Setting<Value, Option = string> extends Kind<Value, Option> {
  /** The name that operators know it by. */
  readonly name: string;
  /** The option of the library; null where it is none. */
  readonly option: string | null;
  readonly fallback: Value;
  /** What documentation says in place of the default, where that depends on who runs it. */
  readonly fallbackWords?: string;
  /** For one line of help: 33 characters at most. */
  readonly meaning: string;
}

export interface Bounds {
  readonly least: number;
  readonly most: number;
}

export const textOf = <Value>(
  parse: (text: string) => Value,
  show: (value: Value) => string = String,
): Kind<Value, string> => ({ parse, check: parse, show });

export const wholeNumber = (bounds: Bounds): Kind<number, number> => ({
  parse(text) {
    const number = /^\d{1,9}$/.test(text) ? Number(text) : Number.NaN;
    if (isWithin(number, bounds)) return number;
    throw invalid(`${quote(text)} is not a whole number from ${bounds.least} to ${bounds.most}`);
  },
  check: (option) => checkWhole(option, bounds),
  show: String,
});

export const YES_OR_NO: Kind<boolean, boolean> = {
  parse(text) {
    if (/^(true|1|yes|on)$/i.test(text)) return true;
    if (/^(false|0|no|off)$/i.test(text)) return false;
    throw invalid(`${quote(text)} is neither true nor false`);
  },
  check: (option) => option,
  show: String,
};

/** Seconds are not among the durations of keys, yet they are what one waits for a database. An option is milliseconds. */
export const waitingTime = (bounds: Bounds): Kind<number, number> => ({
  parse(text) {
    const [, digits, unit] = /^(\d{1,4})(s|m)$/.exec(text) ?? [];
    const ms = Number(digits) * (unit === 'm' ? 60_000 : 1_000);
    if (ms >= 1_000 && isWithin(ms, bounds)) return ms;
    throw invalid(`${quote(text)} is not a time such as 10s or 1m, from one second to one hour`);
  },
  check: (option) => checkWhole(option, bounds),
  show: (ms) => `${ms / 1_000}s`,
});

/** Throws `INVALID_INPUT`. */
export function checkWhole(number: number, bounds: Bounds): number {
  if (isWithin(number, bounds)) return number;
  throw invalid(`it is not a whole number from ${bounds.least} to ${bounds.most}`);
}

const isWithin = (number: number, { least, most }: Bounds): boolean =>
  Number.isInteger(number) && number >= least && number <= most;

const invalid = (message: string): ApiKeysError => new ApiKeysError('INVALID_INPUT', message);
