import type { Command, CommanderError } from 'commander';
import type { ApiKeysError } from '../errors.js';
import { CliError } from './cli-error.js';

/** What other programs call what is here under another name, for whoever types it. */
const COMMANDS_ELSEWHERE: Readonly<Record<string, string>> = {
  ls: 'apikeys list',
  add: 'apikeys create',
  new: 'apikeys create',
  generate: 'apikeys create',
  get: 'apikeys show',
  describe: 'apikeys show',
  info: 'apikeys show',
  edit: 'apikeys update',
  set: 'apikeys update',
  rename: 'apikeys update',
  move: 'apikeys update',
  delete: 'apikeys revoke',
  remove: 'apikeys revoke',
  rm: 'apikeys revoke',
  del: 'apikeys revoke',
  disable: 'apikeys freeze',
  suspend: 'apikeys freeze',
  enable: 'apikeys unfreeze',
  thaw: 'apikeys unfreeze',
  roll: 'apikeys rotate',
  regenerate: 'apikeys rotate',
  check: 'apikeys verify',
  validate: 'apikeys verify',
  log: 'apikeys audit',
  logs: 'apikeys audit',
  history: 'apikeys audit',
  events: 'apikeys audit',
  stats: 'apikeys usage',
  prune: 'apikeys cleanup',
  config: 'apikeys doctor',
  whoami: 'apikeys doctor',
  status: 'apikeys doctor',
  init: 'apikeys migrate',
  version: 'apikeys --version',
};

const OPTIONS_ELSEWHERE: Readonly<Record<string, string>> = {
  '-v': '`apikeys --version` prints the version; --debug says more about a failure.',
  '--verbose': '--debug says more about a failure.',
  '--force': '--yes answers the question whether to go on.',
  '-f': '--yes answers the question whether to go on.',
  '--format': 'Write -o table, tsv, json, ndjson or csv.',
  '--database-url':
    'A password does not belong on the command line: write the URL into a file for --database-url-file, or into APIKEYS_DATABASE_URL.',
};

/** A failure of the parser in words of ours: `error: unknown option '--ownr'\n(Did you mean --owner?)`. */
export function usageError({ code, message }: CommanderError, program: Command): ApiKeysError {
  const look = whereToLook(message, program);
  // Options alone: the parser would show help, as an error without a message.
  if (code === 'commander.help') return new CliError('INVALID_USAGE', 'no command was given', { hint: look });
  const [, suggestion] = /\n\((Did you mean [^\n]*)\)$/.exec(message) ?? [];
  const first = message.replace(/^error: /, '').replace(/\n\(Did you mean [^\n]*\)$/, '');
  const hint = elsewhere(first) ?? suggestion ?? look;
  return new CliError('INVALID_USAGE', shortened(withoutValue(first)), { hint });
}

/** `Did you mean apikeys revoke?` */
function elsewhere(message: string): string | undefined {
  const [, what, word = ''] = /^unknown (command|option) '([^']*)'$/.exec(message) ?? [];
  if (what === 'option') return own(OPTIONS_ELSEWHERE, word.split('=')[0] ?? '');
  const command = what === 'command' ? own(COMMANDS_ELSEWHERE, word) : undefined;
  return command && `Did you mean \`${command}\`?`;
}

const own = (table: Readonly<Record<string, string>>, word: string): string | undefined =>
  Object.hasOwn(table, word) ? table[word] : undefined;

/** What was given to an option that does not exist may be a password: `--database-url=postgres://app:secret@db/app`. */
const withoutValue = (message: string): string => message.replace(/^(unknown option '[^'=]*)=.*'$/s, "$1'");

/** The help of the command that was meant, as far as the parser came; the options of the program have a page of their own. */
function whereToLook(message: string, { args, commands, options }: Command): string {
  if (options.some(({ flags }) => message.includes(`option '${flags}'`))) {
    return '`apikeys help options` shows what it takes.';
  }
  const command = commands.find((one) => one.name() !== 'help' && one.name() === args[0]);
  return `\`apikeys ${command === undefined ? '--help' : `help ${command.name()}`}\` shows what there is.`;
}

/** The parser repeats what it was given, however long. Which option it was comes first, what it takes last. */
function shortened(message: string): string {
  return message.length <= 300 ? message : `${message.slice(0, 120)}…${message.slice(-150)}`;
}
