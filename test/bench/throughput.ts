import { type BenchOptions, type Result, spread } from './bench.js';

/** One call of one caller; `turn` counts the calls of all. */
export type Caller = (turn: number) => Promise<unknown>;

export interface Contest {
  readonly what: string;
  /** The highest ratio that keeps the promise: 0.25 for "four times as many". */
  readonly goal: number;
  /** Callers, each of which calls again as soon as it is answered. */
  readonly callers: number;
  readonly measured: Caller;
  readonly yardstick: Caller;
  /** After the calls of one side, within its time: what has to be done for them to count. */
  readonly finish?: () => Promise<unknown>;
  /**
   * How long one side works at a time, in milliseconds; 400 unless told otherwise, which is long enough for a garbage
   * collection, and short enough for the noise to hit both.
   */
  readonly stretch?: number;
}

const STRETCHES = 3;

/** Time per call of two things that many callers do at once, by turns. Each run gives the ratio of its medians. */
export async function contest(
  { runs }: Pick<BenchOptions, 'runs'>,
  { what, goal, callers, measured, yardstick, finish, stretch = 400 }: Contest,
): Promise<Result> {
  await work(stretch, callers, measured, finish);
  await work(stretch, callers, yardstick);
  const made: { measured: number; yardstick: number }[] = [];
  for (let run = 0; run < runs; run++) {
    const times: { measured: number[]; yardstick: number[] } = { measured: [], yardstick: [] };
    for (let turn = 0; turn < STRETCHES; turn++) {
      times.measured.push(await work(stretch, callers, measured, finish));
      times.yardstick.push(await work(stretch, callers, yardstick));
    }
    made.push({ measured: spread(times.measured).median, yardstick: spread(times.yardstick).median });
  }
  return {
    what,
    goal,
    measured: spread(made.map((run) => run.measured)),
    yardstick: spread(made.map((run) => run.yardstick)),
    ratio: spread(made.map((run) => run.measured / run.yardstick)),
  };
}

/** Milliseconds a call. */
async function work(
  stretch: number,
  callers: number,
  call: Caller,
  finish?: () => Promise<unknown>,
): Promise<number> {
  const start = performance.now();
  const end = start + stretch;
  let calls = 0;
  await Promise.all(
    Array.from({ length: callers }, async () => {
      while (performance.now() < end) await call(calls++);
    }),
  );
  await finish?.();
  return (performance.now() - start) / calls;
}
