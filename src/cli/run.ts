import { Command, CommanderError } from 'commander';
import { databaseError } from '../db/pg-errors.js';
import { DEFAULT_PREFIX, isSecretPrefix, looksLikeSecret, shownPrefixIn } from '../domain/secret.js';
import type { ApiKeysError } from '../errors.js';
import { CliError } from './cli-error.js';
import { createContext, type Host } from './context.js';
import { refuseSwallowedOptions } from './definition/swallowed.js';
import { EXIT, exitCodeOf } from './exit-codes.js';
import type { GlobalOptions } from './global-options.js';
import { START } from './help/start.js';
import { COLOUR_MODES } from './output/colour.js';
import { FORMATS } from './output/format.js';
import { ClosedOutput, writeOut } from './output/streams.js';
import { buildProgram } from './program.js';
import { usageError } from './usage-error.js';

/** Runs one command line and gives its exit code. Never throws. */
export async function run(host: Host): Promise<number> {
  let text = '';
  let exitCode: number = EXIT.done;
  const program = buildProgram(
    async (options, action) => {
      exitCode = (await action(createContext(host, options))) ?? EXIT.done;
    },
    { out: (part) => (text += part), width: host.width() },
  );
  try {
    refuseSecrets(host);
    if (host.argv.length === 0) text = START;
    else await parse(program, host.argv);
    await writeOut(host.streams.stdout, text);
    return exitCode;
  } catch (error) {
    return await reportError(error, host, program);
  }
}

type Program = ReturnType<typeof buildProgram>;

const USER = { from: 'user' } as const;

/** Help and version end the parser by an error that is none. */
async function parse(program: Program, argv: readonly string[]): Promise<void> {
  refuseSwallowedOptions(program, argv);
  try {
    await program.parseAsync([...argv], USER);
  } catch (error) {
    if (!(error instanceof CommanderError) || error.exitCode !== 0) throw error;
    // `apikeys lst --help` got help on everything; alone, the word is refused.
    const [word] = program.args;
    const isCommand = program.commands.some((command) => command.name() === word);
    if (word !== undefined && !word.startsWith('-') && !isCommand) await program.parseAsync([word], USER);
  }
}

/** A raw secret in argv is in the shell's history and in the list of processes by now; it goes no further. */
function refuseSecrets({ argv, env }: Host): void {
  const configured = env.APIKEYS_PREFIX ?? '';
  const prefix = isSecretPrefix(configured) ? configured : DEFAULT_PREFIX;
  const suspects = argv.flatMap((argument) => [argument, argument.slice(argument.indexOf('=') + 1)]);
  const secret = suspects.find((suspect) => looksLikeSecret(suspect, prefix));
  if (secret === undefined) return;
  const keyPrefix = shownPrefixIn(secret, prefix);
  throw new CliError(
    'SECRET_IN_ARGUMENT',
    `a raw key${keyPrefix === undefined ? '' : ` (${keyPrefix}…)`} does not belong on the command line: by now it is in the history of your shell; nothing was done`,
    {
      hint:
        keyPrefix === undefined
          ? 'Name a key by its id, key prefix or name; or pass - in its place, and the raw key on stdin.'
          : `Name it by its key prefix, ${keyPrefix}; or pass - in its place, and the raw key on stdin.`,
    },
  );
}

async function reportError(error: unknown, host: Host, program: Program): Promise<number> {
  if (error instanceof ClosedOutput) return EXIT.done;
  const shown = asApiKeysError(error, program);
  const options = errorOptions(host.argv);
  const debug = options.debug ?? false;
  await rendererFor(host, options).error(shown, { debug });
  return exitCodeOf(shown.code);
}

/** The options may be what is wrong, so the error is printed with as many of them as hold together. */
function rendererFor(host: Host, options: GlobalOptions) {
  const { json, quiet, output, color } = options;
  return createContext(host, json ? { json, color } : { quiet, output, color }).renderer;
}

/** The program stops reading at what is wrong; whoever asked for JSON after it wants the error as JSON too. */
function errorOptions(argv: readonly string[]): GlobalOptions {
  const reader = new Command()
    .exitOverride()
    .configureOutput({ writeErr: () => undefined })
    .option('--json')
    .option('-q, --quiet')
    .option('-o, --output <format>')
    .option('--color <when>')
    .option('--debug');
  try {
    reader.parseOptions([...argv]);
  } catch (error) {
    if (!(error instanceof CommanderError)) throw error;
  }
  const { json, quiet, output, color, debug } = reader.opts<Record<string, unknown>>();
  return {
    json: json === true,
    quiet: quiet === true,
    debug: debug === true,
    output: FORMATS.find((format) => format === output),
    color: COLOUR_MODES.find((mode) => mode === color),
  };
}

function asApiKeysError(error: unknown, program: Program): ApiKeysError {
  if (error instanceof CommanderError) return usageError(error, program);
  return databaseError(error);
}
