/**
 * How often something is tried: a few times in `npm test`, as often as it was promised in `npm run test:long`, which
 * sets APIKEYS_TEST_LONG. A variable of its own comes first: `APIKEYS_TEST_LIMIT_ROUNDS=50`. Each file is a part of
 * less than 80 minutes, which can be run, and run again, by itself:
 *
 *     APIKEYS_TEST_LONG=1 npx vitest run --config test/vitest.config.ts --project database test/reliability/limit
 */
export function scale(
  name: string,
  { short, long }: { readonly short: number; readonly long: number },
): number {
  const own = process.env[`APIKEYS_TEST_${name}`];
  if (own) return Number(own);
  return isLong() ? long : short;
}

/** For a test that takes `long` many rounds: how long it may take, in milliseconds. */
export const patience = (rounds: number, perRound: number): number => 60_000 + rounds * perRound;

export const isLong = (): boolean => process.env.APIKEYS_TEST_LONG === '1';

/** Works on `rounds` with `lanes` at once. */
export async function inLanes(
  lanes: number,
  rounds: number,
  work: (round: number, lane: number) => Promise<void>,
): Promise<void> {
  let next = 0;
  const lane = async (number: number): Promise<void> => {
    for (let round = next++; round < rounds; round = next++) await work(round, number);
  };
  await Promise.all(Array.from({ length: lanes }, (_, number) => lane(number)));
}
