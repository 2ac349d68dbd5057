import type { Command } from 'commander';
import type { SchemaName } from '../../representation/schemas.js';
import type { Context } from '../context.js';
import type { UsageRules } from './rules.js';
import type { ArgumentSpecs, Input, None, OptionSpecs } from './values.js';

/** The groups of the help, in its order. */
export const GROUPS = ['Keys', 'Stopping keys', 'Checking and usage', 'Operations', 'Tools'] as const;

type NameOf<Specs> = Extract<keyof Specs, string>;

/** What a command does: with a context, or, if it needs neither configuration nor database, with the program alone. */
export type Action<Values> =
  | {
      /** Resolves to the exit code, 0 unless it says so. */
      run(context: Context, input: Values): Promise<number | undefined>;
    }
  | {
      /** Resolves to what is printed. */
      print(input: Values, program: Command): Promise<string>;
    };

/** All that the program, its help, its completion and its tests know of a command. */
export interface CommandFacts<Arguments, Options>
  extends UsageRules<NoInfer<NameOf<Arguments> | NameOf<Options>>> {
  readonly name: string;
  /** A command of a command has none. */
  readonly group?: (typeof GROUPS)[number];
  /** In the words of a list: `list keys, newest first`. */
  readonly description: string;
  /** Shorter, where the commands are listed. */
  readonly summary?: string;
  /** In place of what arguments and required options make: `<name> --owner <owner> [options]`. */
  readonly usage?: string;
  /** In the order of the line. */
  readonly arguments?: Arguments;
  readonly options?: Options;
  readonly commands?: readonly CommandDefinition[];
  /** What the help says beside its lists. */
  readonly notes?: string;
  /** Lines of shell. */
  readonly examples: readonly string[];
  /** The schema of what it prints with `--json`; null where that is no JSON of its own. */
  readonly result: SchemaName | null;
  /** Whether it asks, on a terminal, for what it needs. */
  readonly prompts?: true;
}

/** Any command. */
export type CommandDefinition = CommandFacts<ArgumentSpecs, OptionSpecs> &
  Action<Readonly<Record<string, unknown>>>;

/**
 * Defines a command: what its action is given has the types that its arguments and options say.
 *
 * @example
 * defineCommand({
 *   name: 'show',
 *   group: 'Keys',
 *   description: 'show everything about one key',
 *   arguments: { key: { value: '<key>', description: "the key's id, key prefix or name" } },
 *   examples: ['apikeys show rv_1a2b3c4d'],
 *   result: 'show',
 *   async run({ renderer, use }, { key }) { … },
 * });
 */
export function defineCommand<
  const Arguments extends ArgumentSpecs = None,
  const Options extends OptionSpecs = None,
>(
  definition: CommandFacts<Arguments, Options> & Action<Input<NoInfer<Arguments>, NoInfer<Options>>>,
): CommandDefinition {
  return definition;
}
