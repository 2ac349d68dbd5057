import type { Command, Option } from 'commander';
import type { ApiKeysError } from '../../errors.js';
import { CliError } from '../cli-error.js';

/**
 * Throws `INVALID_USAGE` where an option would take the option behind it for its value: a variable that is unset would
 * turn `--actor $ACTOR --dry-run` into the real thing. The parser itself takes whatever follows. `--actor=--x` is a value.
 */
export function refuseSwallowedOptions(program: Command, argv: readonly string[]): void {
  let command = program;
  for (let index = 0; index < argv.length; index++) {
    const word = argv[index] ?? '';
    if (word === '--') return;
    const option = optionWaiting(word, command);
    if (option !== undefined) {
      index++;
      const value = argv[index];
      if (value === undefined || isOption(value, command)) throw missingValue(option, value);
    } else if (!word.startsWith('-')) {
      command = command.commands.find((one) => one.name() === word) ?? command;
    }
  }
}

/** The option of this word whose value is the next word: `--limit`, `-o`, or the last letter of `-qo`. */
function optionWaiting(word: string, command: Command): Option | undefined {
  if (word.startsWith('--'))
    return optionsOf(command).find(({ long, required }) => required && long === word);
  if (!word.startsWith('-')) return undefined;
  const letters = Array.from(word.slice(1));
  // What follows the first letter that takes a value is the value.
  const at = letters.findIndex((letter) => shortOption(letter, command)?.required ?? true);
  return at === letters.length - 1 ? shortOption(letters[at] ?? '', command) : undefined;
}

/**
 * Whatever is written as a long option, known or not: a slip of `--dry-run` must not become a name either. Of one letter
 * only what is known: other values may begin with a `-`, such as a number.
 */
const isOption = (word: string, command: Command): boolean =>
  /^--(?:[A-Za-z][\w-]*(?:=.*)?)?$/s.test(word) ||
  (/^-[^-]/.test(word) && (word[1] === 'h' || shortOption(word[1] ?? '', command) !== undefined));

const shortOption = (letter: string, command: Command): Option | undefined =>
  optionsOf(command).find(({ short }) => short === `-${letter}`);

/** Its own, and those of the commands that it is part of. */
const optionsOf = (command: Command): readonly Option[] => [
  ...command.options,
  ...(command.parent === null ? [] : optionsOf(command.parent)),
];

/** In the parser's own words, which it has for an option at the end of the line. */
function missingValue({ flags, long }: Option, value: string | undefined): ApiKeysError {
  const [name] = value?.split('=') ?? [];
  return new CliError('INVALID_USAGE', `option '${flags}' argument missing`, {
    hint:
      name === undefined
        ? `Write ${long} and its value.`
        : `${name.slice(0, 40)} behind it is read as an option. If it is the value, write ${long}=${name.slice(0, 40)}`,
  });
}
