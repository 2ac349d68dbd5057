import { Argument, Option } from 'commander';
import { ApiKeysError } from '../../errors.js';
import { CliError } from '../cli-error.js';
import { hintOf } from '../hints.js';
import type { ArgumentSpec, OptionSpec } from './values.js';

/** Gathers the values of an option that may be given more than once. */
export const collect = (value: string, all: readonly string[] | undefined): string[] => [
  ...(all ?? []),
  value,
];

/** `outFile` as one types it: `--out-file`. */
export function flagOf(name: string, { negated }: OptionSpec): string {
  const words = name.replaceAll(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);
  return `--${negated ? 'no-' : ''}${words}`;
}

/** An option whose completion offers words that its help does not list. */
export class OfferingOption extends Option {
  readonly offers: readonly string[] | undefined;

  constructor(flags: string, description: string, offers: readonly string[] | undefined) {
    super(flags, description);
    this.offers = offers;
  }
}

export function optionOf(name: string, spec: OptionSpec): Option {
  const { short, value, description, choices, offers, parse, repeatable, required } = spec;
  const flag = flagOf(name, spec);
  const flags = [short === undefined ? flag : `-${short}, ${flag}`, value].filter(
    (part) => part !== undefined,
  );
  const option = new OfferingOption(flags.join(' '), description, offers).makeOptionMandatory(
    required ?? false,
  );
  if (value === undefined) return option;
  if (repeatable) return option.argParser(collect);
  if (choices !== undefined) option.choices(choices);
  const read = parse ?? option.parseArg ?? ((text: string) => text);
  return option.argParser((text: string, before: unknown) => {
    if (before !== undefined) throw givenTwice(flag);
    return naming(flag, () => read(text, undefined));
  });
}

export function argumentOf({ value, description = '', choices, offers }: ArgumentSpec): Argument {
  const argument = new Argument(value, description);
  if (choices !== undefined) return argument.choices(choices);
  // The parser's own check would answer a slip with the whole list.
  return offers === undefined ? argument : argument.choices(offers).argParser((text) => text);
}

/** What is wrong with a value does not say of which option. */
function naming<T>(flag: string, read: () => T): T {
  try {
    return read();
  } catch (error) {
    if (!(error instanceof ApiKeysError)) throw error;
    throw new CliError(error.code, `${flag}: ${error.message}`, {
      hint: hintOf(error),
      details: error.details,
    });
  }
}

function givenTwice(flag: string): ApiKeysError {
  return new CliError('INVALID_USAGE', `${flag} was given twice`, {
    hint: 'It takes one value: give it once.',
  });
}
