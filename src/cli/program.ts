import { Command } from 'commander';
import { packageVersion } from '../package.js';
import { pathOf, rootOf } from './command-tree.js';
import { COMMANDS } from './commands.js';
import type { CommandDefinition } from './definition/command.js';
import { argumentOf, flagOf, optionOf } from './definition/parser.js';
import { checkRules, noSuchOptionError } from './definition/rules.js';
import { GLOBAL_OPTIONS, type GlobalOptions } from './global-options.js';
import { formatHelp, HELP_WIDTH } from './help/format.js';
import type { Runner } from './runner.js';

/** Takes what needs no database: help, the version, completion scripts. */
export interface ProgramOutput {
  out(text: string): void;
  /** Columns of the terminal. */
  readonly width?: number;
}

/** The command tree, made of the definitions. It parses and hands over to `run`; nothing of it opens a database. */
export function buildProgram(run: Runner, output: ProgramOutput, commands = COMMANDS): Command {
  const program = new Command('apikeys')
    .description('Administers API keys that live in your own PostgreSQL.')
    .version(packageVersion(), '-V, --version', 'print the version')
    .helpOption('-h, --help', 'show help')
    .usage('<command> [options]')
    .configureHelp({ formatHelp, minWidthToWrap: 20 })
    .configureOutput({
      writeOut: output.out,
      writeErr: () => undefined,
      getOutHelpWidth: () => Math.min(output.width ?? HELP_WIDTH, HELP_WIDTH),
    })
    .exitOverride()
    .showSuggestionAfterError(true);
  for (const [name, spec] of Object.entries(GLOBAL_OPTIONS)) program.addOption(optionOf(name, spec));
  for (const definition of commands) addCommand(program, definition, { run, out: output.out });
  return program;
}

interface Surroundings extends ProgramOutput {
  readonly run: Runner;
}

function addCommand(parent: Command, definition: CommandDefinition, surroundings: Surroundings): void {
  const { name, group = '', description, summary = '', usage, commands = [] } = definition;
  const command = parent.command(name).description(description).summary(summary).helpGroup(group);
  command.configureHelp({
    ...parent.configureHelp(),
    formatHelp: (one, helper) => formatHelp(one, helper) + afterLists(definition),
  });
  if (usage !== undefined) command.usage(usage);
  for (const spec of Object.values(definition.arguments ?? {})) command.addArgument(argumentOf(spec));
  for (const [key, spec] of Object.entries(definition.options ?? {})) command.addOption(optionOf(key, spec));
  for (const child of commands) addCommand(command, child, surroundings);
  command.action(() => act(command, definition, surroundings));
}

function afterLists({ notes, examples }: CommandDefinition): string {
  const lines = examples.map((line) => `  $ ${line}`);
  return [...(notes === undefined ? [] : [notes]), ['Examples:', ...lines].join('\n')]
    .map((part) => `\n${part}\n`)
    .join('');
}

async function act(
  command: Command,
  definition: CommandDefinition,
  { run, out }: Surroundings,
): Promise<void> {
  const program = rootOf(command);
  const globals = program.opts<GlobalOptions>();
  const input = inputOf(command, definition);
  refuseOptionsOfParent(command);
  checkRules(definition, {
    command: typedName(command),
    names: new Set([
      ...Object.keys(input).filter((name) => isGiven(input[name])),
      ...(globals.dryRun ? ['dryRun'] : []),
    ]),
    typed: (name) => typed(name, definition),
  });
  if ('print' in definition) out(await definition.print(input, program));
  else await run(globals, (context) => definition.run(context, input));
}

/** By the names of the definition; what was not given is left out. */
function inputOf(command: Command, definition: CommandDefinition): Record<string, unknown> {
  // An option that the program has, too, gets its value there, wherever on the line it stood.
  const options: Readonly<Record<string, unknown>> = command.optsWithGlobals();
  const values = [
    ...Object.keys(definition.arguments ?? {}).map((name, index) => [name, command.processedArgs[index]]),
    ...Object.keys(definition.options ?? {}).map((name) => [name, options[name]]),
  ];
  return Object.fromEntries(values.filter(([, value]) => value !== undefined));
}

const isGiven = (value: unknown): boolean => !Array.isArray(value) || value.length > 0;

/** A command reads its own options also after the name of a command of it, which would not heed them. */
function refuseOptionsOfParent(command: Command): void {
  const { parent } = command;
  if (parent === null || parent.parent === null) return;
  const given = new Set(Object.keys(parent.opts()));
  const option = parent.options.find((one) => given.has(one.attributeName()));
  if (option !== undefined) throw noSuchOptionError(typedName(command), option.long ?? option.flags);
}

/** `usage record`. */
const typedName = (command: Command): string => pathOf(command).slice(1).join(' ');

function typed(name: string, { options = {} }: CommandDefinition): string {
  const spec = options[name] ?? (name === 'dryRun' ? GLOBAL_OPTIONS.dryRun : undefined);
  return spec === undefined ? name : flagOf(name, spec);
}
