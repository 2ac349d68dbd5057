import { randomInt } from 'node:crypto';
import { availableParallelism } from 'node:os';
import { fileURLToPath } from 'node:url';
import { defineConfig } from 'vitest/config';
import { SlowestFirst } from './helpers/slowest-first.js';

// What is random in the tests follows from it; a failure prints it.
process.env.APIKEYS_TEST_SEED ??= String(randomInt(2 ** 32));

export default defineConfig({
  root: fileURLToPath(new URL('..', import.meta.url)),
  test: {
    pool: 'forks',
    // Two even on one core: tests mostly wait for a server or a program. Eight at most: each opens connections.
    maxWorkers: Math.min(Math.max(availableParallelism(), 2), 8),
    sequence: { sequencer: SlowestFirst },
    // To start a process and load the modules again takes a second or two of each of some 150 files, longer than many of
    // them run. What a file changes in its process it puts back.
    isolate: false,
    setupFiles: ['test/helpers/each-file.ts'],
    // A busy machine can outlast a deadline that a test waits for; what is wrong fails every time.
    retry: process.env.CI ? 2 : 0,
    testTimeout: 60_000,
    hookTimeout: 120_000,
    projects: [
      { extends: true, test: { name: 'unit', include: ['test/unit/**/*.test.ts'] } },
      {
        extends: true,
        test: {
          name: 'database',
          include: ['test/{integration,cli,reliability}/**/*.test.ts'],
          globalSetup: ['test/helpers/global-setup.ts'],
        },
      },
    ],
  },
});
