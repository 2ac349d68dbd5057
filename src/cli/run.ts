import { CommanderError } from 'commander';
import { databaseError } from '../db/pg-errors.js';
import { DEFAULT_PREFIX, isSecretPrefix, looksLikeSecret } from '../domain/secret.js';
import { ApiKeysError } from '../errors.js';
import { createContext, type GlobalOptions, type Host } from './context.js';
import { EXIT, exitCodeOf } from './exit-codes.js';
import { ClosedOutput, writeOut } from './output/streams.js';
import { buildProgram } from './program.js';

/** Runs one command line and gives its exit code. Never throws. */
export async function run(host: Host): Promise<number> {
  let text = '';
  const program = buildProgram(
    async (options, action) => {
      await action(createContext(host, options));
    },
    { out: (part) => (text += part) },
  );
  try {
    refuseSecrets(host);
    if (host.argv.length === 0) program.outputHelp();
    else await program.parseAsync([...host.argv], { from: 'user' });
    return EXIT.done;
  } catch (error) {
    return await settle(error, host, program.opts());
  } finally {
    await writeOut(host.streams.stdout, text).catch(() => undefined);
  }
}

/** A raw secret in argv is in the shell's history and in the list of processes by now; it goes no further. */
function refuseSecrets({ argv, env }: Host): void {
  const configured = env.APIKEYS_PREFIX ?? '';
  const prefix = isSecretPrefix(configured) ? configured : DEFAULT_PREFIX;
  const suspects = argv.flatMap((argument) => [argument, argument.slice(argument.indexOf('=') + 1)]);
  if (!suspects.some((suspect) => looksLikeSecret(suspect, prefix))) return;
  throw new ApiKeysError(
    'SECRET_IN_ARGUMENT',
    'a raw key does not belong on the command line: by now it is in the history of your shell; nothing was done',
    {
      hint: 'Name a key by its id, key prefix or name. A command that needs the raw key reads it from stdin: pass -.',
    },
  );
}

async function settle(error: unknown, host: Host, options: GlobalOptions): Promise<number> {
  if (error instanceof ClosedOutput) return EXIT.done;
  if (error instanceof CommanderError && error.exitCode === 0) return EXIT.done;
  const shown = asApiKeysError(error);
  const debug = options.debug ?? false;
  await rendererFor(host, options).error(shown, { debug });
  return exitCodeOf(shown.code);
}

/** The options may be what is wrong, so the error is printed with as many of them as hold together. */
function rendererFor(host: Host, options: GlobalOptions) {
  const { json, output, color } = options;
  return createContext(host, json ? { json, color } : { output, color }).renderer;
}

function asApiKeysError(error: unknown): ApiKeysError {
  if (error instanceof CommanderError) return usageError(error);
  return databaseError(error);
}

/** `error: unknown option '--ownr'\n(Did you mean --owner?)` */
function usageError({ message }: CommanderError): ApiKeysError {
  const [first = '', suggestion] = message.replace(/^error: /, '').split('\n');
  const hint = suggestion?.replace(/^\((.*)\)$/, '$1') ?? '`apikeys --help` shows what there is.';
  return new ApiKeysError('INVALID_USAGE', first, { hint });
}
