/**
 * npm run test:mutation -- [--mutate src/domain/text.ts]
 *
 * Changes the code that has unit tests in every small way there is, and tells which changes no test notices. `profiles.ts` is a
 * table of privileges; what it says is tried on a server, role by role.
 *
 * @type {import('@stryker-mutator/api/core').PartialStrykerOptions}
 */
export default {
  mutate: ['src/domain/*.ts', '!src/domain/profiles.ts', 'src/service/cleanup/run-batches.ts'],
  testRunner: 'vitest',
  plugins: ['@stryker-mutator/vitest-runner'],
  vitest: { configFile: 'test/mutation/vitest.config.ts', related: false },
  // It would be read by an interface that the native TypeScript no longer has.
  tsconfigFile: 'none',
  ignorePatterns: ['dist'],
  tempDirName: 'node_modules/.cache/apikeys/mutation',
  reporters: ['clear-text', 'progress'],
  clearTextReporter: { allowColor: false, logTests: false },
  thresholds: { high: 95, low: 90, break: 90 },
};
