import type { KeyReference } from '../../domain/key-reference.js';
import { flawOf, flawWords, pastedKey } from '../../domain/pasted-key.js';
import { CliError } from '../cli-error.js';
import type { Context } from '../context.js';
import { readPastedText } from './secret-input.js';

/** What stands for the raw key that comes on stdin. */
const STDIN = '-';

/** What an argument names: `-` is a raw key, on stdin or by a masked prompt. */
export async function keyReference(context: Context, argument: string): Promise<KeyReference> {
  if (argument !== STDIN) return argument;
  const rawKey = await readPastedText(context);
  await noteFlaw(context, rawKey);
  return { rawKey };
}

/** {@link keyReference}, where the argument may be left out. */
export const optionalKeyReference = async (
  context: Context,
  argument: string | undefined,
): Promise<KeyReference | undefined> =>
  argument === undefined ? undefined : keyReference(context, argument);

/** {@link keyReference} of several; one raw key may be among them. */
export async function keyReferences(context: Context, given: readonly string[]): Promise<KeyReference[]> {
  if (given.filter((argument) => argument === STDIN).length > 1) {
    throw new CliError('INVALID_USAGE', '- was given twice, and one raw key is read from stdin', {
      hint: 'Name the others by their key prefixes.',
    });
  }
  const references: KeyReference[] = [];
  for (const argument of given) references.push(await keyReference(context, argument));
  return references;
}

/** Says that a key is not whole before any database is asked: it may be down, or know an imported key of that shape. */
export async function noteFlaw(context: Context, text: string): Promise<void> {
  const { settings } = await context.config();
  const pasted = pastedKey(text, settings);
  const flaw = pasted.kind === 'key' ? flawOf(pasted.rawKey, settings) : null;
  if (flaw !== null) await context.renderer.note(`warning: ${flaw.keyPrefix}…: ${flawWords(flaw)}`);
}
