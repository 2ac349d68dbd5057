export interface BenchOptions {
  /** Of the large database. */
  readonly keys: number;
  /** How often a comparison is made; each gives one ratio. */
  readonly runs: number;
  /** Calls of either side in a run. */
  readonly calls: number;
  readonly progress: (text: string) => void;
}

/** Shows one or more promises of speed. */
export interface Bench {
  readonly name: string;
  run(options: BenchOptions): Promise<readonly Result[]>;
}

export interface Spread {
  readonly min: number;
  readonly median: number;
  readonly max: number;
}

/** How long one thing took beside another, in the same run: only such ratios mean something on another machine. */
export interface Result {
  readonly what: string;
  /** Milliseconds a call. */
  readonly measured: Spread;
  readonly yardstick: Spread;
  /** Time of the measured by time of the yardstick. */
  readonly ratio: Spread;
  /** The highest ratio that keeps the promise. */
  readonly goal: number;
}

export interface Report {
  readonly node: string;
  readonly cpu: string;
  readonly keys: number;
  readonly results: readonly (Result & { readonly bench: string })[];
}

type Call = () => Promise<unknown>;

/**
 * Times two things by turns, call by call, so that whatever else the machine does hits both. Each run gives the ratio
 * of its medians.
 */
export async function sideBySide(
  { runs, calls }: Pick<BenchOptions, 'runs' | 'calls'>,
  { what, goal, measured, yardstick }: { what: string; goal: number; measured: Call; yardstick: Call },
): Promise<Result> {
  // The first calls open connections, fill caches and are compiled.
  for (let call = 0; call < WARM_UP; call++) await timeBoth(measured, yardstick, call);
  const made: { measured: number; yardstick: number }[] = [];
  for (let run = 0; run < runs; run++) {
    const times: (readonly [number, number])[] = [];
    for (let call = 0; call < calls; call++) times.push(await timeBoth(measured, yardstick, call));
    made.push({
      measured: spread(times.map(([first]) => first)).median,
      yardstick: spread(times.map(([, second]) => second)).median,
    });
  }
  return {
    what,
    goal,
    measured: spread(made.map((run) => run.measured)),
    yardstick: spread(made.map((run) => run.yardstick)),
    ratio: spread(made.map((run) => run.measured / run.yardstick)),
  };
}

const WARM_UP = 20;

/** Neither is always the first. */
async function timeBoth(measured: Call, yardstick: Call, call: number): Promise<readonly [number, number]> {
  if (call % 2 === 0) {
    const first = await time(measured);
    return [first, await time(yardstick)];
  }
  const second = await time(yardstick);
  return [await time(measured), second];
}

async function time(call: Call): Promise<number> {
  const start = performance.now();
  await call();
  return performance.now() - start;
}

export function spread(numbers: readonly number[]): Spread {
  const sorted = numbers.toSorted((a, b) => a - b);
  const at = (index: number): number => sorted[index] ?? Number.NaN;
  const middle = (sorted.length - 1) / 2;
  return {
    min: at(0),
    median: (at(Math.floor(middle)) + at(Math.ceil(middle))) / 2,
    max: at(sorted.length - 1),
  };
}

/** What is outside the range of the report before, and more than a fifth worse than its median. */
export function regressions(before: Report, now: Report): string[] {
  return now.results.flatMap(({ bench, what, ratio }) => {
    const old = before.results.find((result) => result.bench === bench && result.what === what)?.ratio;
    if (old === undefined || ratio.median <= old.max || ratio.median <= 1.2 * old.median) return [];
    return [`regression: ${bench}: ${what}: ${old.median.toFixed(2)} became ${ratio.median.toFixed(2)}`];
  });
}
