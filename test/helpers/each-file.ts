import fc from 'fast-check';
import { afterAll, afterEach, beforeEach } from 'vitest';
import { removeTemporaryFolders } from './folders.js';
import { restartRandom, SEED } from './random.js';

// Runs before each test file. A module is loaded once per worker, so a hook at its top would see to the first file alone.
afterAll(removeTemporaryFolders);

fc.configureGlobal({ ...fc.readConfigureGlobal(), seed: SEED | 0 });
beforeEach(restartRandom);
afterEach(({ task }) => {
  if (task.result?.state === 'fail') {
    process.stderr.write(`To draw the same random numbers again: APIKEYS_TEST_SEED=${SEED} (${task.name})\n`);
  }
});
