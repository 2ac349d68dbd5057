import { ApiKeysError } from '../errors.js';

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

/**
 * Asks y/N on stderr; anything but a yes is no. Ask `canPrompt` first: the prompt library takes a piped `y`
 * for an answer. Ctrl-C throws `INTERRUPTED`.
 */
export async function confirm(
  message: string,
  output: NodeJS.WritableStream,
  signal: AbortSignal,
): Promise<boolean> {
  const { confirm: ask } = await import('@inquirer/prompts');
  try {
    return await ask({ message, default: false }, { output, signal, clearPromptOnDone: false });
  } catch (error) {
    if (error instanceof Error && ['ExitPromptError', 'AbortPromptError'].includes(error.name)) {
      throw new ApiKeysError('INTERRUPTED', 'interrupted; nothing was changed');
    }
    throw error;
  }
}
