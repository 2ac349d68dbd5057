/** Of the whole run; to repeat one, set it to what a failure printed. `vitest.config.ts` gives it a value. */
export const SEED = Number(process.env.APIKEYS_TEST_SEED ?? 0) >>> 0;

let state = SEED;

/** Begins the numbers anew, so that those of a test do not depend on the tests before it. */
export function restartRandom(): void {
  state = SEED;
}

/** A number from 0 to 1, that one left out. */
export function randomFraction(): number {
  // Mulberry32: 32 bits of state, and every seed is as good as another.
  state = (state + 0x6d2b79f5) >>> 0;
  let mixed = Math.imul(state ^ (state >>> 15), state | 1);
  mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
  return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
}

/** A whole number from 0 to `below`, that one left out. */
export const random = (below: number): number => Math.floor(randomFraction() * below);

/** The environment of a child process: another seed for each child, the same in each run with the same seed. */
export const seededEnvironment = (): NodeJS.ProcessEnv => ({
  ...process.env,
  APIKEYS_TEST_SEED: String(random(2 ** 32)),
});
