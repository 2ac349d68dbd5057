import { afterAll } from 'vitest';
import { removeTemporaryFolders } from './folders.js';

// Runs before each test file. A module is loaded once per worker, so a hook at its top would see to the first file alone.
afterAll(removeTemporaryFolders);
