import { createHash } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { packageFolder } from '../../package.js';

/** One file of the folder `migrations`: forward only, and never edited once it has landed. */
export interface Migration {
  readonly version: number;
  readonly name: string;
  readonly sql: string;
  /** SHA-256 of the text, with line ends as `\n` (a checkout may have rewritten them). */
  readonly checksum: Buffer;
}

const FILE_NAME = /^(\d{6})_([a-z0-9_]+)\.sql$/;

/** Reads the shipped migrations, in order. Throws if their numbers have a gap: the package is broken then. */
export function loadMigrations(folder = join(packageFolder(), 'migrations')): Migration[] {
  const migrations = readdirSync(folder)
    .sort()
    .flatMap((file) => {
      const [, version, name] = FILE_NAME.exec(file) ?? [];
      if (version === undefined || name === undefined) return [];
      const sql = readFileSync(join(folder, file), 'utf8').replaceAll('\r\n', '\n');
      return [{ version: Number(version), name, sql, checksum: createHash('sha256').update(sql).digest() }];
    });
  const gap = migrations.findIndex(({ version }, index) => version !== index + 1);
  if (migrations.length === 0 || gap !== -1) throw new Error(`the migrations in ${folder} are not complete`);
  return migrations;
}
