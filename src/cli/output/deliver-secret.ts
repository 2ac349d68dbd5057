import { open, unlink } from 'node:fs/promises';
import { dirname } from 'node:path';
import { quote, quotePath } from '../../domain/quote.js';
import { ApiKeysError } from '../../errors.js';
import { CliError } from '../cli-error.js';
import type { Context } from '../context.js';
import type { Result } from './result.js';

export const SHOWN_ONCE = "Store this key securely. It won't be shown again.";

/** The option that names the file. */
export const OUT_FILE = {
  value: '<file>',
  description: 'write the secret to this new file, not to stdout',
  parse: outFileOf,
} as const;

/** `-` is stdout everywhere else, so that nobody who writes it means a file of that name. */
function outFileOf(text: string): string {
  if (text !== '-' && text !== '') return text;
  throw new CliError(
    'INVALID_USAGE',
    `${quote(text)} is not the name of a file for a secret; nothing was made`,
    {
      hint: 'Leave --out-file out, and add -q, to have the secret alone on stdout; or name a new file.',
    },
  );
}

export interface Delivery<Made> {
  /** A new file for the secret, in place of stdout. */
  readonly outFile?: string | undefined;
  /** Makes the secret; calls `reveal` before it commits. */
  act(reveal: (made: Made & { readonly apiKey: string }) => Promise<void>): Promise<Made>;
  /** What is printed; `apiKey` is null where the secret does not belong on stdout. */
  view(made: Made, apiKey: string | null, message: string): Result<unknown>;
}

/**
 * Hands a new secret over before its commit, on stdout or in a file of its own. What was made by an earlier run
 * (`apiKey` null) has no secret to give: with `-q` or a file, which ask for nothing else, that is a failure.
 */
export async function deliverSecret<Made extends { readonly apiKey: string | null }>(
  context: Context,
  { outFile, act, view }: Delivery<Made>,
): Promise<Made> {
  const made =
    outFile === undefined
      ? await act((fresh) => context.reveal(view(fresh, fresh.apiKey, SHOWN_ONCE)))
      : await intoFile(outFile, act);
  if (made.apiKey === null) {
    if (outFile !== undefined || context.options.quiet) throw notAvailable();
    await context.renderer.result(view(made, null, 'Made by an earlier run; its secret was shown then.'));
  } else if (outFile !== undefined) {
    await context.renderer.result(view(made, null, `The key is in ${outFile} and in no other place.`), {
      done: `the key was made, and its secret is in ${quotePath(outFile)}`,
    });
  }
  return made;
}

async function intoFile<Made>(path: string, act: Delivery<Made>['act']): Promise<Made> {
  let written = false;
  try {
    return await act(async ({ apiKey }) => {
      await writeSecretFile(path, apiKey);
      written = true;
    });
  } catch (error) {
    const unknown = error instanceof ApiKeysError && error.code === 'OUTCOME_UNKNOWN';
    // A dead key in a file would be taken for a live one.
    if (written && !unknown) await unlink(path).catch(() => undefined);
    throw error;
  }
}

/**
 * Writes a secret and a line end to a new file that only this user may read, and resolves once both the file and
 * its folder are on the disk. A file that exists is never touched. Leaves nothing behind when it fails.
 */
export async function writeSecretFile(path: string, secret: string): Promise<void> {
  const file = await open(path, 'wx', 0o600).catch((error: unknown) => {
    throw fileError(path, error);
  });
  try {
    await file.writeFile(`${secret}\n`);
    await file.sync();
    await file.close();
    const folder = await open(dirname(path), 'r');
    await folder.sync().finally(() => folder.close());
  } catch (error) {
    await file.close().catch(() => undefined);
    await unlink(path).catch(() => undefined);
    throw fileError(path, error);
  }
}

const REASONS: Readonly<Record<string, string>> = {
  EEXIST: 'it exists already',
  ENOENT: 'its folder does not exist',
  ENOTDIR: 'its folder does not exist',
  EISDIR: 'it is a folder',
  EACCES: 'this user may not write there',
  EPERM: 'this user may not write there',
  EROFS: 'its file system is read-only',
};

function fileError(path: string, error: unknown): ApiKeysError {
  const code = error instanceof Error && 'code' in error ? String(error.code) : '';
  const reason = REASONS[code];
  if (reason === undefined) {
    return new ApiKeysError(
      'OUTPUT_FAILED',
      `the file ${quote(path)} could not be written; nothing was made`,
    );
  }
  return new CliError(
    'INVALID_INPUT',
    `the file ${quote(path)} cannot be made: ${reason}; nothing was made`,
    {
      hint: 'Name a new file in a folder that this user may write to.',
    },
  );
}

function notAvailable(): ApiKeysError {
  return new CliError(
    'SECRET_NOT_AVAILABLE',
    'this was done by an earlier run with the same idempotency key, and its secret was shown then',
    { hint: 'If nobody has the secret, give the key a new one: `apikeys rotate <key> --grace 0`.' },
  );
}
