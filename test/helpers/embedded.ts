import { cp } from 'node:fs/promises';
import { join } from 'node:path';
import { inject } from 'vitest';
import { temporaryFolder } from './folders.js';

/**
 * The folder of a migrated embedded database of the caller's own, which is removed after the tests of the file. To copy
 * one takes a tenth of the time of making it.
 *
 * @example
 * const folder = await embeddedDatabase();
 * await runApikeys(['list'], { env: { APIKEYS_DATABASE_URL: `embedded:${folder}` } });
 */
export async function embeddedDatabase(
  folder = join(temporaryFolder('embedded'), 'database'),
): Promise<string> {
  await cp(inject('embedded'), folder, { recursive: true });
  return folder;
}

/** An XDG_DATA_HOME, removed after the tests of the file, whose user has an embedded database already. */
export async function dataHome(): Promise<string> {
  const home = temporaryFolder('home');
  await embeddedDatabase(join(home, 'apikeys'));
  return home;
}
