import { expect, test } from 'vitest';
import { loadMigrations } from '../../../src/db/schema/migrations.js';

/**
 * The checksum of each migration, as the runner computes it. Databases that have a migration refuse another one under its
 * number, so a line here is only ever added.
 */
const FROZEN: Readonly<Record<string, string>> = {
  '000001_init.sql': '74093f1d0be014fb178af86964f86baa42da5bcc747034aaab050d6f025aa9a9',
  '000002_limits.sql': 'e2a5bd1eb3a8270b0a713c7e54f44c8e84f5f2adae7005e8d74eab4543996e2a',
  '000003_policy.sql': 'c45326787a143dda52f526c820684d27e1d16d1886d36c72d3ed99d75310777a',
};

const SHIPPED = new Map(
  loadMigrations().map(({ version, name, checksum }) => [
    `${String(version).padStart(6, '0')}_${name}.sql`,
    checksum.toString('hex'),
  ]),
);

test.each(Object.entries(FROZEN))('migrations/%s is as it landed', (file, checksum) => {
  expect(SHIPPED.get(file), `migrations/${file} is frozen: add a new migration instead`).toBe(checksum);
});

test('every migration is frozen', () => {
  expect([...SHIPPED.keys()], 'a new migration has its checksum here').toEqual(Object.keys(FROZEN));
});
