import { COMMANDS } from '../commands.js';
import type { CommandDefinition } from '../definition/command.js';
import { flagOf } from '../definition/parser.js';

/** The commands as the README shows them: a table of Markdown, one row each, in the order of the help. */
export function commandTable(): string {
  const rows = [['command', 'does', 'options'], ...COMMANDS.flatMap((command) => rowsOf(command, ''))];
  // What comes last need not be padded.
  const widths = [0, 1].map((column) => Math.max(...rows.map((row) => row[column]?.length ?? 0)));
  const lines = rows.map((row) => row.map((cell, column) => cell.padEnd(widths[column] ?? 0)));
  const rule = [...widths, 7].map((width) => '-'.repeat(width));
  const [heading = [], ...body] = lines;
  return [heading, rule, ...body].map((cells) => `| ${cells.join(' | ')} |`).join('\n');
}

/** A command's own row, and those of its commands. */
function rowsOf(command: CommandDefinition, before: string): string[][] {
  const { name, description, options = {}, commands = [] } = command;
  const flags = Object.entries(options).map(([key, spec]) => code(flagOf(key, spec)));
  return [
    [code(`${before}${usageOf(command)}`), description, flags.join(' ')],
    ...commands.flatMap((child) => rowsOf(child, `${before}${name} `)),
  ];
}

function usageOf({ name, usage, arguments: args = {}, options = {} }: CommandDefinition): string {
  if (usage !== undefined) return `${name} ${usage.replace(/ \[options\]$/, '')}`;
  const required = Object.entries(options).filter(([, { required = false }]) => required);
  return [
    name,
    ...Object.values(args).map(({ value }) => value),
    ...required.map(([key, spec]) => `${flagOf(key, spec)} ${spec.value}`),
  ].join(' ');
}

/** A bar would end the cell. */
const code = (text: string): string => `\`${text.replaceAll('|', '\\|')}\``;
