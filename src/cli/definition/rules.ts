import type { ApiKeysError } from '../../errors.js';
import { CliError } from '../cli-error.js';

/** How what is given goes together, by the names of arguments and options. */
export interface UsageRules<Name extends string> {
  /** What each of these does not go with: `{ all: ['limit', 'cursor'] }`. */
  readonly excludes?: { readonly [Each in Name]?: readonly (Name | 'dryRun')[] };
  /** What each of these would have no effect without: `{ timeout: 'wait' }`. */
  readonly needs?: { readonly [Each in Name]?: Name };
  /** Of these at least one has to be given; `missing` says that none was. */
  readonly atLeastOne?: { readonly of: readonly Name[]; readonly missing: string };
  /**
   * `shown`: `--dry-run` shows what would change. `refused`: the command has none, and would make the change. A command
   * that says neither changes nothing, so that the option would have no effect.
   */
  readonly dryRun?: 'shown' | 'refused';
}

/** What a command line has, in the form that the rules ask for. */
export interface Given {
  /** The command, as it is typed: `usage record`. */
  readonly command: string;
  /** The arguments and options that are there. */
  readonly names: ReadonlySet<string>;
  /** What one types for a name: `--limit`, or the name itself for an argument. */
  typed(name: string): string;
}

/** Throws `INVALID_USAGE` where what is given does not go together. */
export function checkRules(rules: UsageRules<string>, given: Given): void {
  const { names, typed } = given;
  if (names.has('dryRun') && rules.dryRun !== 'shown') throw dryRunError(given.command, rules);
  for (const [name, other] of entriesOf(rules.needs)) {
    if (names.has(name) && !names.has(other)) throw needsError(typed(name), typed(other));
  }
  for (const [name, others] of entriesOf(rules.excludes)) {
    const other = names.has(name) ? others.find((one) => names.has(one)) : undefined;
    if (other !== undefined) throw exclusionError(typed(name), typed(other));
  }
  const { of: wanted = [], missing = '' } = rules.atLeastOne ?? {};
  if (wanted.length > 0 && !wanted.some((name) => names.has(name))) {
    throw new CliError('INVALID_USAGE', missing, { hint: `Give ${alternatives(wanted.map(typed))}.` });
  }
}

/** For two that exclude each other, as one types them. */
export function exclusionError(one: string, other: string): ApiKeysError {
  return new CliError('INVALID_USAGE', `${one} and ${other} exclude each other`, {
    hint: 'Use one of them.',
  });
}

/** For an option of another command, which this one would not heed. */
export function noSuchOptionError(command: string, option: string): ApiKeysError {
  return new CliError('INVALID_USAGE', `${command} has no ${option}`, {
    hint: 'It would have no effect here. Leave it out.',
  });
}

function dryRunError(command: string, { dryRun }: UsageRules<string>): ApiKeysError {
  return new CliError('INVALID_USAGE', `${command} has no --dry-run; nothing was changed`, {
    hint:
      dryRun === 'refused' ? 'Leave it out to make the change.' : 'It changes nothing anyway. Leave it out.',
  });
}

function needsError(option: string, other: string): ApiKeysError {
  return new CliError('INVALID_USAGE', `${option} goes with ${other}`, { hint: `Add ${other}.` });
}

function entriesOf<T>(record: Readonly<Record<string, T | undefined>> = {}): [string, T][] {
  return Object.entries(record).flatMap(([name, value]) => (value === undefined ? [] : [[name, value]]));
}

/** `--name, --expires or --metadata`. */
function alternatives(words: readonly string[]): string {
  return [words.slice(0, -1).join(', '), ...words.slice(-1)].filter((part) => part !== '').join(' or ');
}
