import { createHash } from 'node:crypto';
import { cpSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { loadMigrations, type Migration } from '../../../src/db/schema/migrations.js';
import { temporaryFolder } from '../../helpers/folders.js';

const ROOT = fileURLToPath(new URL('../../..', import.meta.url));

/** An installed copy of the built program that ships `sql` as one more migration; gives the path of its executable. It is removed after the tests of the file. */
export function newerProgram(sql: string): string {
  const folder = temporaryFolder('newer');
  for (const part of ['bin', 'dist', 'migrations', 'package.json']) {
    cpSync(join(ROOT, part), join(folder, part), { recursive: true });
  }
  symlinkSync(join(ROOT, 'node_modules'), join(folder, 'node_modules'));
  const { version } = nextMigration(sql);
  writeFileSync(join(folder, 'migrations', `${String(version).padStart(6, '0')}_next.sql`), sql);
  return join(folder, 'bin', 'apikeys.js');
}

/** What would be shipped after all that is shipped now. */
export function nextMigration(sql: string, after: readonly Migration[] = loadMigrations()): Migration {
  return {
    version: after.length + 1,
    name: 'next',
    sql,
    checksum: createHash('sha256').update(sql).digest(),
  };
}
