import { createHash } from 'node:crypto';
import { cpSync, readdirSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { loadMigrations, type Migration } from '../../../src/db/schema/migrations.js';
import { temporaryFolder } from '../../helpers/folders.js';

const ROOT = fileURLToPath(new URL('../../..', import.meta.url));

/** Each builds on the one before: `1_notes.sql`, `2_note_times.sql`. */
const TO_COME = fileURLToPath(new URL('migrations-to-come', import.meta.url));

/** An installed copy of the program. */
export interface LaterVersion {
  /** The path of its executable. */
  readonly program: string;
  /** All that it ships. */
  readonly migrations: readonly Migration[];
}

/** A copy of the built program that ships two small migrations after those of now. It is removed after the tests of the file. */
export function laterVersion(): LaterVersion {
  const folder = temporaryFolder('later');
  for (const part of ['bin', 'dist', 'migrations', 'package.json']) {
    cpSync(join(ROOT, part), join(folder, part), { recursive: true });
  }
  symlinkSync(join(ROOT, 'node_modules'), join(folder, 'node_modules'));
  const shipped = loadMigrations().length;
  for (const file of readdirSync(TO_COME)) {
    const number = String(shipped + Number.parseInt(file, 10)).padStart(6, '0');
    cpSync(join(TO_COME, file), join(folder, 'migrations', `${number}${file.slice(file.indexOf('_'))}`));
  }
  return {
    program: join(folder, 'bin', 'apikeys.js'),
    migrations: loadMigrations(join(folder, 'migrations')),
  };
}

/** What would be shipped after these. */
export function nextMigration(sql: string, after: readonly Migration[] = loadMigrations()): Migration {
  return {
    version: after.length + 1,
    name: 'next',
    sql,
    checksum: createHash('sha256').update(sql).digest(),
  };
}
