import { Command, Option } from '@commander-js/extra-typings';
import { packageVersion } from '../package.js';
import { createCommand } from './commands/create.js';
import { freezeCommand } from './commands/freeze.js';
import { listCommand } from './commands/list.js';
import { migrateCommand } from './commands/migrate.js';
import { revokeCommand } from './commands/revoke.js';
import { rotateCommand } from './commands/rotate.js';
import { schemaCommand } from './commands/schema.js';
import { scopesCommand } from './commands/scopes.js';
import { showCommand } from './commands/show.js';
import { unfreezeCommand } from './commands/unfreeze.js';
import { updateCommand } from './commands/update.js';
import type { Context, GlobalOptions } from './context.js';
import { FORMATS } from './output/format.js';

/** Runs a command's action with the context that its global options make. */
export type Runner = (
  options: GlobalOptions,
  action: (context: Context) => Promise<number | undefined>,
) => Promise<void>;

/** In the order of the help. */
const COMMANDS = [
  createCommand,
  listCommand,
  showCommand,
  updateCommand,
  rotateCommand,
  revokeCommand,
  freezeCommand,
  unfreezeCommand,
  scopesCommand,
  migrateCommand,
  schemaCommand,
];

/** The command tree. It parses and hands over to `run`; nothing of it opens a database. */
export function buildProgram(run: Runner, output: { out(text: string): void }) {
  const program = new Command('apikeys')
    .description('Administers API keys that live in your own PostgreSQL.')
    .version(packageVersion(), '-V, --version', 'print the version')
    .helpOption('-h, --help', 'show help')
    .helpCommand('help [command]', 'show help for a command')
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
    .addOption(new Option('--color <when>', 'colour the output').choices(['auto', 'always', 'never']))
    .option('--debug', 'say more about a failure')
    .configureHelp({ showGlobalOptions: true, sortSubcommands: false })
    .configureOutput({ writeOut: output.out, writeErr: () => undefined })
    .exitOverride()
    .showSuggestionAfterError(true);
  for (const make of COMMANDS) {
    const command = make(run);
    command.copyInheritedSettings(program);
    program.addCommand(command);
  }
  return program;
}
