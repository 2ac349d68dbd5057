import { ApiKeysError } from '../../errors.js';
import { CliError } from '../cli-error.js';
import { hintOf } from '../hints.js';

/** What decides whether a person may be asked. */
export interface PromptFacts {
  readonly stdinIsTTY: boolean;
  readonly stderrIsTTY: boolean;
  readonly noInput: boolean;
  readonly machine: boolean;
  readonly env: Readonly<Record<string, string | undefined>>;
}

/** Set and neither empty nor `false`: nobody watches. */
export function isCi(env: PromptFacts['env']): boolean {
  return env.CI !== undefined && env.CI !== '' && env.CI !== 'false';
}

export function canPrompt({ stdinIsTTY, stderrIsTTY, noInput, machine, env }: PromptFacts): boolean {
  return stdinIsTTY && stderrIsTTY && !noInput && !machine && !isCi(env);
}

/** Where a question is put, and what takes it back. */
export interface PromptIo {
  readonly output: NodeJS.WritableStream;
  readonly signal: AbortSignal;
}

/**
 * Asks y/N on stderr; anything but a yes is no. Ask `canPrompt` first: the prompt library takes a piped `y`
 * for an answer. Ctrl-C throws `INTERRUPTED`.
 */
export async function confirm(message: string, io: PromptIo): Promise<boolean> {
  const prompts = await import('@inquirer/prompts');
  return orInterrupted(prompts.confirm({ message, default: false }, { ...io }));
}

export interface Question {
  readonly message: string;
  /** Throws an ApiKeysError where the text will not do; its message is shown, and the question stays. */
  readonly check?: (text: string) => unknown;
}

/** Asks for a line of text on stderr. As `confirm` does. */
export async function ask({ message, check }: Question, io: PromptIo): Promise<string> {
  const prompts = await import('@inquirer/prompts');
  const validate = (text: string): true | string => (check === undefined ? true : verdict(check, text));
  return orInterrupted(prompts.input({ message, validate }, { ...io }));
}

/** Asks for a secret on stderr; what is typed is masked. As `confirm` does. */
export async function askSecret(message: string, io: PromptIo): Promise<string> {
  const prompts = await import('@inquirer/prompts');
  return orInterrupted(prompts.password({ message, mask: true }, { ...io }));
}

/** Node itself prints what comes through a stream if NODE_DEBUG says so, and a prompt has to read one. */
export function refuseIfNodeTells(debug: string | undefined): void {
  const sections = (debug ?? '').split(',').map((section) => section.trim().toLowerCase());
  const tells = sections.some((section) =>
    new RegExp(`^${section.replace(/[^a-z0-9*]/g, '.').replaceAll('*', '.*')}$`).test('stream'),
  );
  if (!tells) return;
  throw new CliError('INVALID_USAGE', 'with this NODE_DEBUG, Node would print the raw key as it is typed', {
    hint: 'Unset NODE_DEBUG, or pass the key on stdin or in a file with --key-file.',
  });
}

export interface Choice {
  readonly name: string;
  readonly value: string;
}

/** Lets a person choose, the first unless they move. As `confirm` does. */
export async function choose(message: string, choices: readonly Choice[], io: PromptIo): Promise<string> {
  const prompts = await import('@inquirer/prompts');
  return orInterrupted(prompts.select({ message, choices: [...choices] }, { ...io }));
}

function verdict(check: (text: string) => unknown, text: string): true | string {
  try {
    check(text);
    return true;
  } catch (error) {
    if (!(error instanceof ApiKeysError)) throw error;
    const hint = hintOf(error);
    return hint === null ? error.message : `${error.message}. ${hint}`;
  }
}

async function orInterrupted<T>(answer: Promise<T>): Promise<T> {
  try {
    return await answer;
  } catch (error) {
    if (error instanceof Error && ['ExitPromptError', 'AbortPromptError'].includes(error.name)) {
      throw new ApiKeysError('INTERRUPTED', 'interrupted; nothing was changed');
    }
    throw error;
  }
}
