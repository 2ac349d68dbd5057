import { cpSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll } from 'vitest';
import { openEmbedded } from '../../../src/db/embedded/engine.js';
import type { Timeouts } from '../../../src/db/engine.js';

export const timeouts: Timeouts = { connect: 10_000, lock: 10_000, statement: 10_000, answer: 20_000 };

const made: string[] = [];

afterAll(() => {
  for (const folder of made) rmSync(folder, { recursive: true, force: true });
});

/** A new temporary folder, removed after the tests of the file. */
export function newFolder(): string {
  const folder = mkdtempSync(path.join(tmpdir(), 'apikeys-embedded-'));
  made.push(folder);
  return folder;
}

/** Makes one database, with the table `item (id integer PRIMARY KEY)`, and gives a function that copies it into a new folder. */
export async function template(): Promise<() => string> {
  const original = path.join(newFolder(), 'template');
  const engine = await openEmbedded({
    folder: original,
    timeouts,
    migrate: (opened) =>
      opened.use((connection) => connection.script('CREATE TABLE public.item (id integer PRIMARY KEY)')),
  });
  await engine.close();
  return () => {
    const folder = path.join(newFolder(), 'copy');
    cpSync(original, folder, { recursive: true });
    return folder;
  };
}
