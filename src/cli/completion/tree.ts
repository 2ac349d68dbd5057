import type { Argument, Command, Option } from 'commander';
import { collect, OfferingOption } from '../definition/parser.js';

/** What can stand in one place of the line: a word of a list, a file, or anything, for which nothing is offered. */
export type Value =
  | { readonly kind: 'words'; readonly words: readonly string[] }
  | { readonly kind: 'file' }
  | { readonly kind: 'anything' };

export interface OptionNode {
  /** `-o` and `--output`. */
  readonly names: readonly string[];
  readonly description: string;
  /** Undefined for a switch. */
  readonly value: Value | undefined;
  readonly placeholder: string;
  readonly repeatable: boolean;
}

export interface ArgumentNode {
  readonly name: string;
  readonly value: Value;
  readonly variadic: boolean;
}

export interface CommandNode {
  /** The words after the program's name: none for the program itself. */
  readonly path: readonly string[];
  readonly description: string;
  /** Its own; those of the program hold for every command. */
  readonly options: readonly OptionNode[];
  readonly arguments: readonly ArgumentNode[];
  readonly commands: readonly CommandNode[];
}

/** The command tree as data, without anything hidden. */
export function commandTree(program: Command): CommandNode {
  const globals = new Set(
    program
      .createHelp()
      .visibleOptions(program)
      .map(({ flags }) => flags),
  );
  return node(program, [], globals);
}

/** A command and all below it, parents first. */
export function withDescendants(command: CommandNode): CommandNode[] {
  return [command, ...command.commands.flatMap(withDescendants)];
}

function node(command: Command, path: readonly string[], globals: ReadonlySet<string>): CommandNode {
  const helper = command.createHelp();
  const options = helper.visibleOptions(command);
  return {
    path,
    description: helper.subcommandDescription(command),
    options: (path.length === 0 ? options : options.filter(({ flags }) => !globals.has(flags))).map(
      optionNode,
    ),
    arguments: command.registeredArguments.map(argumentNode),
    commands: helper.visibleCommands(command).map((child) => node(child, [...path, child.name()], globals)),
  };
}

function optionNode(option: Option): OptionNode {
  const placeholder = /[<[]([^>\]]+)/.exec(option.flags)?.[1] ?? '';
  const words = option.argChoices ?? (option instanceof OfferingOption ? option.offers : undefined);
  return {
    names: [option.short, option.long].filter((name) => name !== undefined && name !== null),
    description: option.description,
    value: option.required || option.optional ? value(placeholder, words) : undefined,
    placeholder,
    repeatable: option.parseArg === collect,
  };
}

function argumentNode(argument: Argument): ArgumentNode {
  const name = argument.name();
  return { name, value: value(name, argument.argChoices), variadic: argument.variadic };
}

/** What takes a file says so: `<file>`. */
function value(placeholder: string, choices: readonly string[] | undefined): Value {
  if (choices !== undefined) return { kind: 'words', words: choices };
  return { kind: placeholder === 'file' ? 'file' : 'anything' };
}
