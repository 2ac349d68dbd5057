import type { Argument, Command, Help, Option } from 'commander';
import { pathOf, rootOf } from '../command-tree.js';

/** How wide help gets on a terminal that is wider. */
export const HELP_WIDTH = 80;

/** More choices than this read better with room between them, over several lines. */
const FEW = 6;

/**
 * Help that fits one screen of 24 lines by 80 columns. Of the program: its commands, grouped. Of a command: its own
 * arguments and options; the global ones have a topic of their own. Examples are the command's `addHelpText`.
 */
export function formatHelp(command: Command, helper: Help): string {
  if (command.parent === null) return overview(command, helper);
  const lists = sections(command, helper);
  return `${[`Usage: ${usage(command)}`, sentence(command.description()), ...lists].join('\n\n')}\n`;
}

/** The commands alone take nearly all of a screen. */
const overview = (program: Command, helper: Help): string =>
  `Usage: ${usage(program)}     More: apikeys help <command>\n\n${groups(program, helper)}\n`;

/** One line a command; the name of a group stands before its first one. */
function groups(program: Command, helper: Help): string {
  const commands = helper.visibleCommands(program);
  const groupWidth = widest(commands.map((command) => command.helpGroup()));
  const nameWidth = widest(commands.map((command) => command.name()));
  return commands
    .map((command, index) => {
      const group = command.helpGroup();
      const heading = group === commands[index - 1]?.helpGroup() ? '' : group;
      const name = command.name().padEnd(nameWidth);
      return `${heading.padEnd(groupWidth)}  ${name}  ${helper.subcommandDescription(command)}`;
    })
    .join('\n');
}

function sections(command: Command, helper: Help): string[] {
  const globals = globalFlags(command);
  const own = helper.visibleOptions(command).filter(({ flags }) => !globals.has(flags));
  const lists: readonly (readonly [heading: string, items: readonly Item[]])[] = [
    [
      'Commands:',
      helper.visibleCommands(command).map((one) => [one.name(), helper.subcommandDescription(one)]),
    ],
    ['Arguments:', helper.visibleArguments(command).map((one) => [asUsed(one, command), described(one)])],
    ['Options (those of every command: apikeys help options):', own.map(optionItem)],
  ];
  const filled = lists.filter(([, items]) => items.length > 0);
  const width = widest(filled.flatMap(([, items]) => items.map(([term]) => term)));
  const blocks = filled.map(([heading, items]) =>
    [heading, ...items.map(([term, text]) => helper.formatItem(term, width, text, helper))].join('\n'),
  );
  return own.length > 0 ? blocks : [...blocks, 'Options: apikeys help options'];
}

type Item = readonly [term: string, text: string];

/** The options of the program as the lines of a list. */
export function globalOptions(program: Command, helper: Help): string {
  const items = helper.visibleOptions(program).map(optionItem);
  const width = widest(items.map(([term]) => term));
  return items.map(([term, text]) => helper.formatItem(term, width, text, helper)).join('\n');
}

const optionItem = (option: Option): Item => [option.flags, described(option)];

/** `-h` belongs to every command, and is listed with the options of the program. */
function globalFlags(command: Command): ReadonlySet<string> {
  const program = rootOf(command);
  return new Set(
    program
      .createHelp()
      .visibleOptions(program)
      .map(({ flags }) => flags),
  );
}

/** `apikeys rotate <key> [options]`, or as the command has it: what cannot be left out comes first. */
function usage(command: Command): string {
  const path = pathOf(command);
  if (hasOwnUsage(command)) return [...path, command.usage()].join(' ');
  const required = command.options.filter(({ mandatory }) => mandatory).map(({ flags }) => flags);
  const optional = command.options.length > required.length ? ['[options]'] : [];
  return [...path, ...command.registeredArguments.map(placeholder), ...required, ...optional].join(' ');
}

/** The parser makes one up for a command that has none. */
const hasOwnUsage = (command: Command): boolean => !/^\[options\]/.test(command.usage());

/** As the command's usage has it: what can be left out where somebody can be asked is needed elsewhere. */
function asUsed(argument: Argument, command: Command): string {
  const needed = `<${argument.name()}>`;
  return usage(command).includes(needed) ? needed : placeholder(argument);
}

function placeholder(argument: Argument): string {
  const name = `${argument.name()}${argument.variadic ? '...' : ''}`;
  return argument.required ? `<${name}>` : `[${name}]`;
}

function described({
  description,
  argChoices,
}: {
  description: string;
  argChoices?: string[] | undefined;
}): string {
  if (argChoices === undefined) return description;
  return `${description} (${argChoices.join(argChoices.length > FEW ? ', ' : '|')})`;
}

/** Descriptions are written for a list: `make a key and show its secret, once`. */
function sentence(text: string): string {
  return `${text.charAt(0).toUpperCase()}${text.slice(1)}${text.endsWith('.') ? '' : '.'}`;
}

function widest(texts: readonly string[]): number {
  return Math.max(0, ...texts.map(({ length }) => length));
}
