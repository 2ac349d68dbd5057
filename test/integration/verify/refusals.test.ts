import { afterAll, beforeAll, expect, test } from 'vitest';
import { type TestDatabase, testDatabase } from '../../helpers/database.js';
import type { TestCalls } from '../../helpers/named-caller.js';
import { startProxy, type WireProxy } from '../../helpers/wire-proxy.js';
import { openEngine, openKeys } from '../db/opened.js';
import { makeKey, verifierOn } from './verifiers.js';

let database: TestDatabase;
let service: TestCalls;
let proxy: WireProxy;

beforeAll(async () => {
  database = await testDatabase();
  service = openKeys(database.url);
  const { hostname, port } = new URL(database.url);
  proxy = await startProxy({ target: { host: hostname, port: Number(port) } });
});
afterAll(async () => {
  await proxy.close();
  await service.close();
  await database.drop();
});

/** Raw keys of each kind, by the code that each is answered with. */
async function makeRaws(): Promise<Map<string, string>> {
  const make = () => makeKey({ service });
  const gone = await make();
  await database.query('DELETE FROM apikeys.secrets WHERE key_id = $1', [gone.id]);
  await database.query("UPDATE apikeys.keys SET secret_hash = sha256('gone') WHERE id = $1", [gone.id]);
  const revoked = await make();
  await service.revoke({ keys: [revoked.id], actor: 'test' });
  const frozen = await make();
  await service.freeze({ keys: [frozen.id], actor: 'test' });
  const ofFrozen = await make();
  await service.freezeOwner({ owner: ofFrozen.owner, actor: 'test' });
  const retired = await make();
  await service.rotate({ key: retired.id, grace: '0', actor: 'test' });
  const expired = await make();
  await database.query(
    "UPDATE apikeys.keys SET created_at = now() - interval '2 days', expires_at = now() - interval '1 day' WHERE id = $1",
    [expired.id],
  );
  return new Map([
    ['NOT_FOUND', gone.raw],
    ['REVOKED', revoked.raw],
    ['FROZEN', frozen.raw],
    ['FROZEN with its owner', ofFrozen.raw],
    ['RETIRED', retired.raw],
    ['EXPIRED', expired.raw],
    ['VALID', (await make()).raw],
  ]);
}

test('every refusal takes as many round trips as any other, two, and a valid key one', async () => {
  const raws = await makeRaws();
  const engine = openEngine(proxy.url(database.url), { max: 1 });
  const verifier = verifierOn(engine);
  // The first of each statement is prepared.
  for (const raw of raws.values()) await verifier.verify(raw);
  const sent: Record<string, string> = {};
  for (const [what, raw] of raws) {
    await proxy.reset();
    const { code } = await verifier.verify(raw);
    expect(what).toContain(code);
    const types = proxy.transcript
      .filter(({ direction }) => direction === 'frontend')
      .map(({ type }) => type);
    sent[what] = types.join('');
  }
  await engine.close();
  const { VALID, ...refusals } = sent;
  expect(VALID).toBe('BES');
  for (const types of Object.values(refusals)) expect(types).toBe('BESBES');
});
