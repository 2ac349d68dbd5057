import { Command, type CommandUnknownOpts, Option } from '@commander-js/extra-typings';
import { packageVersion } from '../package.js';
import { auditCommand } from './commands/audit.js';
import { cleanupCommand } from './commands/cleanup.js';
import { completionCommand } from './commands/completion.js';
import { createCommand } from './commands/create.js';
import { doctorCommand } from './commands/doctor.js';
import { freezeCommand } from './commands/freeze.js';
import { grantsCommand } from './commands/grants.js';
import { helpCommand } from './commands/help.js';
import { listCommand } from './commands/list.js';
import { migrateCommand } from './commands/migrate.js';
import { revokeCommand } from './commands/revoke.js';
import { rotateCommand } from './commands/rotate.js';
import { schemaCommand } from './commands/schema.js';
import { scopesCommand } from './commands/scopes.js';
import { showCommand } from './commands/show.js';
import { unfreezeCommand } from './commands/unfreeze.js';
import { updateCommand } from './commands/update.js';
import { usageCommand } from './commands/usage.js';
import { verifyCommand } from './commands/verify.js';
import { formatHelp, HELP_WIDTH } from './help/format.js';
import { FORMATS } from './output/format.js';
import type { Runner } from './runner.js';

/** Takes what needs no database: help, the version, completion scripts. */
export interface ProgramOutput {
  out(text: string): void;
  /** Columns of the terminal. */
  readonly width?: number;
}

/** The commands by their group, both in the order of the help. */
const GROUPS: readonly (readonly [
  group: string,
  commands: readonly ((run: Runner) => CommandUnknownOpts)[],
])[] = [
  ['Keys', [createCommand, listCommand, showCommand, updateCommand, rotateCommand, scopesCommand]],
  ['Stopping keys', [revokeCommand, freezeCommand, unfreezeCommand]],
  ['Checking and usage', [verifyCommand, usageCommand]],
  ['Operations', [auditCommand, cleanupCommand, migrateCommand, doctorCommand, grantsCommand]],
  ['Tools', [schemaCommand, completionCommand]],
];

/** The command tree. It parses and hands over to `run`; nothing of it opens a database. */
export function buildProgram(run: Runner, output: ProgramOutput) {
  const program = new Command('apikeys')
    .description('Administers API keys that live in your own PostgreSQL.')
    .version(packageVersion(), '-V, --version', 'print the version')
    .helpOption('-h, --help', 'show help')
    .usage('<command> [options]')
    .option('--json', 'one JSON object on stdout; the same as -o json')
    .addOption(
      new Option('-o, --output <format>', 'table on a terminal, tsv elsewhere, unless named').choices(
        FORMATS,
      ),
    )
    .option('-q, --quiet', 'only what a script wants: the raw key, or ids')
    .option('-n, --dry-run', 'show what would change and change nothing')
    .option('--no-input', 'never ask; fail where a question would be needed')
    .option('-y, --yes', 'answer yes to the question whether to go on')
    .option('--tenant <tenant>', 'confine everything to this tenant')
    .option('--actor <name>', 'whom the audit trail names')
    .option('--config <file>', 'read this YAML file')
    .option('--database-url-file <file>', 'read the database URL from this file')
    .option('--embedded', 'use the built-in PostgreSQL')
    .option('--break-lock', 'take its lock from a process on a machine or in a container that is gone')
    .addOption(new Option('--color <when>', 'colour the output').choices(['auto', 'always', 'never']))
    .option('--debug', 'say more about a failure')
    .configureHelp({ formatHelp, minWidthToWrap: 20 })
    .configureOutput({
      writeOut: output.out,
      writeErr: () => undefined,
      getOutHelpWidth: () => Math.min(output.width ?? HELP_WIDTH, HELP_WIDTH),
    })
    .exitOverride()
    .showSuggestionAfterError(true);
  for (const [group, makers] of GROUPS) {
    for (const make of makers) program.addCommand(make(run).helpGroup(group));
  }
  program.addCommand(helpCommand(program).helpGroup('Tools'));
  for (const command of program.commands) inherit(command, program);
  return program;
}

/** How errors, output and help are handled holds for the commands of a command too. */
function inherit(command: CommandUnknownOpts, parent: CommandUnknownOpts): void {
  command.copyInheritedSettings(parent);
  for (const child of command.commands) inherit(child, command);
}
