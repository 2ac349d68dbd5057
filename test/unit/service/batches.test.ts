import { afterEach, describe, expect, test, vi } from 'vitest';
import { OtherCleanupRunning } from '../../../src/service/cleanup/run.js';
import { type BatchOptions, type CleanupTask, runBatches } from '../../../src/service/cleanup/run-batches.js';

afterEach(() => vi.restoreAllMocks());

interface Done {
  readonly size: number;
  /** For how many milliseconds it held what others wait for; `other`: another cleanup is at work. */
  readonly held: number | 'other';
}

/** Answers with these batches one after the other, and keeps the limits it was asked with. */
function taskOf(batches: readonly Done[]) {
  const limits: number[] = [];
  const rest = [...batches];
  const task: CleanupTask = {
    next(limit) {
      const batch = rest.shift();
      // Also when nothing is left: the walk cannot know before it has looked.
      limits.push(limit);
      return Promise.resolve(batch && { size: batch.size, run: () => lockMsOf(batch) });
    },
  };
  return { task, limits };
}

async function lockMsOf({ size, held }: Done): Promise<number> {
  if (held === 'other') throw new OtherCleanupRunning();
  ran.push(size);
  return held;
}

/** The sizes of the batches that were run. */
let ran: number[] = [];

async function run(all: readonly (readonly Done[])[], terms: Partial<BatchOptions> = {}) {
  const tasks = all.map(taskOf);
  ran = [];
  let told = 0;
  const end = await runBatches(
    tasks.map(({ task }) => task),
    { most: 500, maxRuntime: undefined, onBatch: () => told++, ...terms },
  ).then(
    (complete) => (complete ? 'done' : 'stopped'),
    (error: unknown) => (error instanceof OtherCleanupRunning ? 'other' : error),
  );
  expect(told).toBe(ran.length);
  return { end, sizes: ran, limits: tasks.map(({ limits }) => limits) };
}

/** As many as were asked for, each time. */
const full = (...batches: [size: number, held: number][]): Done[] =>
  batches.map(([size, held]) => ({ size, held }));

describe('how many a batch has', () => {
  test.each<[string, Done[], number[]]>([
    [
      'twice as many after a quick one, at most 500',
      full([100, 1], [200, 0], [400, 1], [500, 1]),
      [100, 200, 400, 500, 500],
    ],
    ['as many as take 20 ms', full([100, 5], [200, 16], [250, 25], [200, 20]), [100, 200, 250, 200, 200]],
    ['never fewer than 100', full([100, 10], [200, 400], [100, 400]), [100, 200, 100, 100]],
    ['as before, after fewer than were asked for', full([100, 5], [50, 1], [200, 5]), [100, 200, 200, 400]],
    ['fewer, after a few that took long', full([100, 5], [120, 20]), [100, 200, 120]],
  ])('%s', async (_, batches, limits) => {
    expect(await run([batches])).toMatchObject({ end: 'done', limits: [limits] });
  });

  test.each([1, 40])('never more than %d, if so told', async (most) => {
    const batches = full([most, 0.001], [most, 100]);
    expect(await run([batches], { most })).toMatchObject({ limits: [[most, most, most]] });
  });

  test('each task begins with few', async () => {
    expect(await run([full([100, 1], [200, 1]), full([100, 1])])).toEqual({
      end: 'done',
      sizes: [100, 200, 100],
      limits: [
        [100, 200, 400],
        [100, 200],
      ],
    });
  });
});

test('another cleanup at work ends everything, and its batch is not told of', async () => {
  const second = [...full([100, 1]), { size: 200, held: 'other' as const }];
  expect(await run([second, full([100, 1])])).toEqual({
    end: 'other',
    sizes: [100],
    limits: [[100, 200], []],
  });
});

test('with its time up it stops before the next batch, and only if there is one', async () => {
  vi.spyOn(performance, 'now').mockReturnValue(3_600_000);
  expect(await run([full([100, 1])], { maxRuntime: 0 })).toMatchObject({ end: 'stopped', sizes: [] });
  expect(await run([[], []], { maxRuntime: 0 })).toMatchObject({ end: 'done', sizes: [] });
  expect(await run([full([100, 1])], { maxRuntime: 60_000 })).toMatchObject({ end: 'done', sizes: [100] });
});
