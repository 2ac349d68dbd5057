import { look } from './lock-file.js';

/** How often a holder shows that it lives, in milliseconds. */
export const BEAT = 1_000;

/** How long a holder that cannot be seen has to be silent to count as gone, in milliseconds. */
export const SILENCE = 10_000;

/**
 * Tells by the heartbeat whether a holder that nobody can see is gone. What counts is that the beat stays the same for
 * {@link SILENCE} of this process's own time: no clocks of two machines are compared.
 */
export class SilenceWatch {
  readonly #seen = new Map<
    string,
    { readonly beat: bigint; readonly since: number; readonly lives: boolean }
  >();
  readonly #silence: number;

  constructor(silence = SILENCE) {
    this.#silence = silence;
  }

  /** Looks at the file of `token`'s holder; true once it has been silent for long enough. */
  hasFallenSilent(file: string, token: string): boolean {
    const now = performance.now();
    const beat = look(file)?.beat ?? 0n;
    const before = this.#seen.get(token);
    if (before === undefined || before.beat !== beat) {
      this.#seen.set(token, { beat, since: now, lives: before !== undefined });
      return false;
    }
    return now - before.since >= this.#silence;
  }

  /**
   * Milliseconds until the silence of `token`'s holder may have lasted long enough; 0 for one that was seen to live. Never 0
   * while that is not found out: between a look and this question its last moment may have passed.
   */
  left(token: string): number {
    const seen = this.#seen.get(token);
    return seen === undefined || seen.lives
      ? 0
      : Math.max(1, this.#silence - (performance.now() - seen.since));
  }
}
