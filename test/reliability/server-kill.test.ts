import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type Cluster, startCluster } from '../helpers/cluster.js';
import { runApikeys } from '../helpers/program.js';
import { random } from '../helpers/random.js';
import { overUrl } from '../helpers/run-sql.js';
import { makeTemplate } from '../helpers/template.js';
import { Acknowledged } from './acknowledged.js';
import { bundleFixture, startChild } from './children.js';
import { faultsIn } from './consistency.js';
import { inLanes, patience, scale } from './scale.js';

const CLIENT_KILLS = scale('CLIENT_KILLS', { short: 16, long: 10_000 });
const SERVER_KILLS = scale('SERVER_KILLS', { short: 2, long: 100 });
const WRITERS = scale('SERVER_WRITERS', { short: 4, long: 4 });

let cluster: Cluster;
let url: string;
let script: string;
beforeAll(async () => {
  cluster = await startCluster({ durable: true });
  script = await bundleFixture('make-keys');
});
afterAll(() => cluster.stop());

/** A database with the schema, for one test. */
async function newDatabase(name: string): Promise<void> {
  await makeTemplate(cluster.adminUrl, name);
  await overUrl(cluster.adminUrl, (run) => run(`ALTER DATABASE ${name} ALLOW_CONNECTIONS true`));
  url = cluster.url(name);
}

async function expectAllWell(said: Acknowledged): Promise<void> {
  expect(await overUrl(url, (run) => said.contradictions(run))).toEqual([]);
  expect(await overUrl(url, faultsIn)).toEqual([]);
  const list = await runApikeys(['list', '--limit', '1', '--json'], { env: { APIKEYS_DATABASE_URL: url } });
  expect(list).toMatchObject({ exitCode: 0, stderr: '' });
}

test('kill -9 of a writer loses no acknowledged key and leaves nothing half-done', {
  timeout: patience(CLIENT_KILLS, 2_000),
}, async () => {
  await newDatabase('client_kills');
  const said = new Acknowledged();
  await inLanes(WRITERS, CLIENT_KILLS, async (round) => {
    const child = startChild(script, [url]);
    if (round % 5 === 4) await sleep(random(150));
    else await child.next('made').then(() => sleep(random(60)));
    child.process.kill('SIGKILL');
    expect((await child.ended).stderr).toBe('');
    said.read(child.lines());
  });
  expect(said.made).toBeGreaterThan(CLIENT_KILLS / 2);
  expect([said.notMade, said.unknown]).toEqual([0, 0]);
  await expectAllWell(said);
});

test('kill -9 of the server loses no acknowledged key, and a failure that was reported is one', {
  timeout: patience(SERVER_KILLS, 20_000),
}, async () => {
  await newDatabase('server_kills');
  const said = new Acknowledged();
  const children = Array.from({ length: WRITERS }, () => startChild(script, [url]));
  await Promise.all(children.map((child) => child.next('made')));
  for (let round = 0; round < SERVER_KILLS; round++) {
    await sleep(random(400));
    await cluster.kill9();
    await sleep(random(200));
    await cluster.restart();
    await Promise.all(children.map((child) => child.next('made')));
  }
  for (const child of children) child.process.kill('SIGKILL');
  for (const child of children) {
    expect((await child.ended).stderr).toBe('');
    said.read(child.lines());
  }
  expect(said.made).toBeGreaterThan(SERVER_KILLS);
  expect(said.notMade).toBeGreaterThan(0);
  await expectAllWell(said);
});
