import fs from 'node:fs';
import path from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { beforeAll, expect, test } from 'vitest';
import { openEmbedded } from '../../../src/db/embedded/engine.js';
import { bundle } from '../../helpers/bundle.js';
import { embeddedDatabase } from '../../helpers/embedded.js';
import { random } from '../../helpers/random.js';
import { roundsOf, run } from './child.js';
import { newFolder, template, timeouts } from './folders.js';

let copy: () => string;

beforeAll(async () => {
  copy = await template();
}, 60_000);

const fixture = (name: string): Promise<string> => bundle(new URL(`./fixtures/${name}.ts`, import.meta.url));

function numbers(lines: string[], word: string): number[] {
  return lines.filter((line) => line.startsWith(word)).map((line) => Number(line.split(' ')[1]));
}

function found(lines: string[]): Set<number> {
  const line = lines.find((each) => each.startsWith('found '));
  return new Set(line === undefined ? [] : (JSON.parse(line.slice('found '.length)) as number[]));
}

/** Kills writers at random moments; gives the rows that were acknowledged and later missed, and how many were stored. */
async function killWriters(script: string, rounds: number): Promise<{ lost: number[]; stored: number }> {
  const folder = copy();
  const acknowledged: number[] = [];
  const lost = new Set<number>();
  for (let round = 0; round <= rounds; round++) {
    const last = round === rounds;
    const child = run(script, last ? [folder, 'once'] : [folder]);
    if (!last) {
      // Some are killed while they open, most while they write.
      const writing = round % 5 !== 4;
      const enough = 1 + random(6);
      const written = () => numbers(child.lines(), 'stored').length;
      while (writing && child.process.exitCode === null && written() < enough) await pause(2);
      await pause(random(writing ? 20 : 400));
      child.process.kill('SIGKILL');
    }
    const ended = await child.ended;
    expect(ended).toMatchObject({ stderr: '', ...(last ? { code: 0 } : { signal: 'SIGKILL' }) });
    const lines = ended.stdout.split('\n').slice(0, -1);
    const rows = found(lines);
    if (lines.length > 0) for (const id of acknowledged) if (!rows.has(id)) lost.add(id);
    acknowledged.push(...numbers(lines, 'stored'));
  }
  return { lost: [...lost], stored: acknowledged.length };
}

test('kill -9 at random moments loses no acknowledged row', { timeout: 3_600_000 }, async () => {
  const script = await fixture('write-rows');
  const lanes = 2;
  const rounds = Math.ceil(roundsOf({ short: 6, long: 50 }) / lanes);
  const results = await Promise.all(Array.from({ length: lanes }, () => killWriters(script, rounds)));
  for (const { lost, stored } of results) {
    expect(lost).toEqual([]);
    expect(stored).toBeGreaterThanOrEqual(rounds - Math.floor(rounds / 5));
  }
});

test('a first run that is killed does not stand in the way of the next', { timeout: 600_000 }, async () => {
  const script = await fixture('first-run');
  const folder = path.join(newFolder(), 'new');
  const unfinished = path.join(folder, 'data.new');
  for (const moment of ['early', 'while writing']) {
    const child = run(script, [folder]);
    if (moment === 'early') await pause(random(1_000));
    else
      while (!fs.existsSync(path.join(unfinished, 'PG_VERSION')) && child.process.exitCode === null)
        await pause(2);
    await pause(random(200));
    child.process.kill('SIGKILL');
    await child.ended;
    if (fs.existsSync(path.join(folder, 'data'))) break;
  }
  const engine = await openEmbedded({ folder, timeouts });
  await engine.use((connection) => connection.script('CREATE TABLE IF NOT EXISTS public.item (id integer)'));
  await engine.close();
  expect(fs.readdirSync(folder)).toEqual(['data']);
});

test('the exit code of the program survives, and nothing is printed', { timeout: 60_000 }, async () => {
  const script = await fixture('first-run');
  expect(await run(script, [await embeddedDatabase(), '7']).ended).toEqual({
    code: 7,
    signal: null,
    stdout: '',
    stderr: '',
  });
});

test('eight processes share one folder and lose nothing', { timeout: 600_000 }, async () => {
  const script = await fixture('share');
  const folder = copy();
  const times = 1;
  const children = Array.from({ length: 8 }, (_, i) =>
    run(script, [folder, String(i * times), String(times)]),
  );
  for (const child of children) expect(await child.ended).toMatchObject({ code: 0, stderr: '' });
  const check = await run(await fixture('write-rows'), [folder, 'once']).ended;
  expect([...found(check.stdout.split('\n'))]).toEqual(Array.from({ length: 8 * times }, (_, i) => i));
});
