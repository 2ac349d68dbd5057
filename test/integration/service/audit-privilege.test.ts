import { afterAll, beforeAll, expect, test } from 'vitest';
import { openServer } from '../../../src/db/server/server.js';
import { serverSettings } from '../../../src/db/server/server-settings.js';
import { DEFAULT_SETTINGS } from '../../../src/service/settings.js';
import { type TestRole, testRole } from '../../helpers/database.js';
import { onServer } from '../../helpers/engines.js';
import { type TestCalls, testKeysOn } from '../../helpers/named-caller.js';
import { fingerprint, request } from './stored.js';

/** All that the daily work needs, save the right to add to the audit trail. */
const GRANTS = [
  'USAGE ON SCHEMA apikeys',
  'SELECT ON ALL TABLES IN SCHEMA apikeys',
  'INSERT, UPDATE ON apikeys.owners, apikeys.keys, apikeys.secrets, apikeys.key_activity',
];

onServer((db) => {
  let role: TestRole;
  let service: TestCalls;

  beforeAll(async () => {
    role = await testRole(db.database, { grants: GRANTS });
    const { timeouts } = db.engine;
    service = testKeysOn(openServer({ settings: serverSettings(role.url, {}), timeouts }), DEFAULT_SETTINGS);
  });
  afterAll(async () => {
    await service.close();
    await role.drop();
  });

  test('a role that may not add to the audit trail makes no key', async () => {
    const before = await fingerprint(db.rows);
    await expect(service.create(request())).rejects.toMatchObject({ code: 'PERMISSION_DENIED' });
    expect(await fingerprint(db.rows)).toEqual(before);
  });

  test('a role that may not add to the audit trail revokes no key, and may with the privilege', async () => {
    const { key } = await db.service.create(request());
    const revoke = () => service.revoke({ keys: [key.id], actor: 'bob' });
    await expect(revoke()).rejects.toMatchObject({ code: 'PERMISSION_DENIED' });
    expect((await db.service.get(key.id)).status).toBe('active');
    await db.database.query(`GRANT INSERT ON apikeys.audit_events TO ${role.name}`);
    expect(await revoke()).toMatchObject({ changed: 1 });
    expect((await db.service.show(key.id)).events[0]).toMatchObject({ dbRole: role.name, actor: 'bob' });
  });
});
