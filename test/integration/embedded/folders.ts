import { cpSync } from 'node:fs';
import path from 'node:path';
import { openEmbedded } from '../../../src/db/embedded/engine.js';
import type { Timeouts } from '../../../src/db/engine.js';
import { embeddedDatabase } from '../../helpers/embedded.js';
import { temporaryFolder } from '../../helpers/folders.js';

export const timeouts: Timeouts = { connect: 10_000, lock: 10_000, statement: 10_000, answer: 20_000 };

/** A new temporary folder, removed after the tests of the file. */
export const newFolder = (): string => temporaryFolder('embedded');

/** Makes one database, with the table `item (id integer PRIMARY KEY)`, and gives a function that copies it into a new folder. */
export async function template(): Promise<() => string> {
  const original = await embeddedDatabase();
  const engine = await openEmbedded({ folder: original, timeouts });
  await engine.use((connection) => connection.script('CREATE TABLE public.item (id integer PRIMARY KEY)'));
  await engine.close();
  return () => {
    const folder = path.join(newFolder(), 'copy');
    cpSync(original, folder, { recursive: true });
    return folder;
  };
}
