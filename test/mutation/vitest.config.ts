import { fileURLToPath } from 'node:url';
import { defineConfig } from 'vitest/config';

/** What needs no database, without the limits of time: code that counts what it runs is slower. */
export default defineConfig({
  root: fileURLToPath(new URL('../..', import.meta.url)),
  test: {
    include: ['test/unit/{domain,service}/**/*.test.ts'],
    testNamePattern: /^(?!.*takes less than 100 ms)/,
    testTimeout: 60_000,
  },
});
