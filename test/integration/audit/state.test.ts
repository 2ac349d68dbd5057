import { beforeAll, describe, expect, test } from 'vitest';
import type { AuditVerdict } from '../../../src/service/audit/verify.js';
import { eachEngine } from '../../helpers/engines.js';
import { request } from '../service/stored.js';
import { keepCopy, type Population, populate } from './population.js';

/** Each is what a role that may write the tables can do in plain SQL, the trail untouched. */
eachEngine((db) => {
  let made: Population;
  let rotating: string;
  let graceless: string;
  let graceEnded: string;
  let restore: () => Promise<void>;

  beforeAll(async () => {
    made = await populate(db);
    const { key } = await db.service.create({
      name: 'rotating',
      owner: made.owner,
      tenant: made.tenant,
      actor: 'tester',
    });
    rotating = key.id;
    await db.service.rotate({ key: rotating, grace: '1h', actor: 'tester' });
    await db.service.freeze({ keys: [rotating], until: '2h', actor: 'tester' });
    await db.service.freezeOwner({ owner: made.owner, tenant: made.tenant, until: '3h', actor: 'tester' });
    const two = [await db.service.create(request()), await db.service.create(request())].map(
      ({ key: { id } }) => id,
    );
    [graceless = '', graceEnded = ''] = two;
    await db.service.rotate({ key: graceless, grace: '0', actor: 'tester' });
    await db.service.rotate({ key: graceEnded, grace: '1h', actor: 'tester' });
    await db.service.endGrace({ key: graceEnded, actor: 'tester' });
    restore = await keepCopy(db.rows);
  });

  async function tampered(statements: readonly string[], chainOnly = false): Promise<AuditVerdict> {
    try {
      for (const statement of statements) await db.rows(statement);
      return await db.service.verifyAudit({ chainOnly });
    } finally {
      await restore();
    }
  }

  const differences = ({ broken }: AuditVerdict): string[] =>
    broken.map(({ keyId, fault, field }) => `${keyId === null ? 'owner' : 'key'} ${fault} ${field}`);

  test('what the service wrote is what its events say', async () => {
    expect(await db.service.verifyAudit()).toMatchObject({ valid: true, broken: [] });
  });

  const update = (what: string) => (id: string) => [`UPDATE apikeys.keys SET ${what} WHERE id = '${id}'`];
  const unfrozen = 'frozen_at = NULL, frozen_until = NULL, frozen_by = NULL, frozen_reason = NULL';
  const secrets = (what: string) => (id: string) => [
    `UPDATE apikeys.secrets SET ${what} WHERE key_id = '${id}' AND version = 1`,
  ];

  test.each<[string, () => string, (id: string) => readonly string[], readonly string[]]>([
    [
      'a revoke undone',
      () => made.revoked,
      update('revoked_at = NULL, revoked_by = NULL, revoked_reason = NULL'),
      ['revoked_at'],
    ],
    [
      'a revoke dated back',
      () => made.revoked,
      update(`revoked_at = revoked_at - interval '1 ms'`),
      ['revoked_at'],
    ],
    ['a revoke that no event tells of', () => made.quiet, update('revoked_at = created_at'), ['revoked_at']],
    ['a freeze lifted', () => rotating, update(unfrozen), ['frozen_at', 'frozen_until']],
    [
      'a freeze shortened',
      () => rotating,
      update(`frozen_until = frozen_until - interval '1 ms'`),
      ['frozen_until'],
    ],
    ['a freeze that no event tells of', () => made.quiet, update('frozen_at = created_at'), ['frozen_at']],
    ['scopes widened', () => made.busy, update(`scopes = '{*}'`), ['scopes']],
    ['scopes removed', () => made.busy, update(`scopes = '{}'`), ['scopes']],
    [
      'an expiry taken away',
      () => made.busy,
      update('expires_at = NULL, lifetime_ms = NULL'),
      ['expires_at', 'lifetime_ms'],
    ],
    [
      'an expiry later by a millisecond',
      () => made.busy,
      update(`expires_at = expires_at + interval '1 ms'`),
      ['expires_at'],
    ],
    [
      'an infinite expiry',
      () => made.busy,
      update(`expires_at = '9999-12-31 23:59:59.999+00'`),
      ['expires_at'],
    ],
    ['the lifetime of the next rotation', () => made.busy, update('lifetime_ms = 10 ^ 15'), ['lifetime_ms']],
    ['another name', () => made.busy, update(`name = 'harmless'`), ['name']],
    ['a description', () => made.busy, update(`description = 'x'`), ['description']],
    ['metadata', () => made.busy, update(`metadata = '{"team": "admins"}'`), ['metadata']],
    ['another current secret', () => made.quiet, update(`secret_hash = sha256('mine')`), ['current_secret']],
    ['a secret put in the place of another', () => rotating, secrets(`hash = sha256('mine')`), ['secrets']],
    [
      'a secret that lives longer',
      () => rotating,
      secrets(`valid_until = valid_until + interval '1 h'`),
      ['secrets'],
    ],
    [
      'a secret that never ends',
      () => rotating,
      secrets(`valid_until = '9999-12-31 23:59:59.999+00'`),
      ['secrets'],
    ],
    [
      'a secret that a rotation ended, only for as long as the clock runs on',
      () => graceless,
      secrets('ended = false'),
      ['secrets'],
    ],
    [
      'a secret whose grace period was ended, likewise',
      () => graceEnded,
      secrets('ended = false'),
      ['secrets'],
    ],
    [
      'a planted secret',
      () => made.quiet,
      (id) => [
        `INSERT INTO apikeys.secrets (hash, key_id, version, key_prefix, created_at, valid_until)
         VALUES (sha256('mine'), '${id}', 2, 'rv_00000000', now(), '2999-01-01')`,
      ],
      ['secrets'],
    ],
    [
      'a secret removed',
      () => rotating,
      (id) => [`DELETE FROM apikeys.secrets WHERE key_id = '${id}' AND version = 1`],
      ['secrets'],
    ],
    [
      'a key given to another owner',
      () => made.quiet,
      (id) => [
        `INSERT INTO apikeys.owners (tenant_id, owner_id, created_at) VALUES ('${made.tenant}', 'mallory', now())`,
        `UPDATE apikeys.keys SET owner_id = 'mallory' WHERE id = '${id}'`,
      ],
      ['owner_id'],
    ],
    [
      'a key moved to another tenant',
      () => made.quiet,
      (id) => [
        `INSERT INTO apikeys.owners (tenant_id, owner_id, created_at) VALUES ('elsewhere', 'mallory', now())`,
        `UPDATE apikeys.keys SET tenant_id = 'elsewhere', owner_id = 'mallory' WHERE id = '${id}'`,
      ],
      ['tenant_id', 'owner_id'],
    ],
  ])('%s', async (_what, key, statements, fields) => {
    const verdict = await tampered(statements(key()));
    expect(differences(verdict)).toEqual(fields.map((field) => `key state ${field}`));
    expect(verdict.broken[0]).toMatchObject({ keyId: key() });
    // The chains alone do not show it.
    expect(await tampered(statements(key()), true)).toMatchObject({ valid: true });
  });

  test.each([
    ['lifted', unfrozen, ['frozen_at', 'frozen_until']],
    ['shortened', `frozen_until = frozen_until - interval '1 ms'`, ['frozen_until']],
    ['that no event tells of', `frozen_at = frozen_at - interval '1 ms'`, ['frozen_at']],
  ])('a freeze of an owner %s', async (_what, change, fields) => {
    const verdict = await tampered([
      `UPDATE apikeys.owners SET ${change} WHERE owner_id = '${made.owner}' AND tenant_id = '${made.tenant}'`,
    ]);
    expect(differences(verdict)).toEqual(fields.map((field) => `owner state ${field}`));
  });

  test('a key whose chain does not begin with its making', async () => {
    const verdict = await tampered([
      `DELETE FROM apikeys.audit_events WHERE key_id = '${made.revoked}' AND seq = 1`,
      `UPDATE apikeys.audit_events SET seq = 1, prev_hash = NULL WHERE key_id = '${made.revoked}'`,
    ]);
    expect(verdict.valid).toBe(false);
  });

  test('a field that is not told of behind a broken place is not compared, and what is told of is', async () => {
    const altered = `UPDATE apikeys.audit_events SET actor = 'x' WHERE key_id = '${rotating}' AND seq = 2`;
    const update = (what: string) => `UPDATE apikeys.keys SET ${what} WHERE id = '${rotating}'`;
    expect(differences(await tampered([altered]))).toEqual(['key hash null']);
    expect(differences(await tampered([altered, update(unfrozen)]))).toEqual([
      'key hash null',
      'key state frozen_at',
      'key state frozen_until',
    ]);
  });

  describe('a trail whose beginning was pruned', () => {
    const pruned = async (statements: readonly string[]): Promise<AuditVerdict> => {
      try {
        await db.service.cleanup({ olderThan: '0', auditOlderThan: '0', actor: 'pruner' });
        for (const statement of statements) await db.rows(statement);
        return await db.service.verifyAudit();
      } finally {
        await restore();
      }
    };

    test('is still what the rows are', async () => {
      expect(differences(await pruned([]))).toEqual([]);
    });

    test.each([
      ['scopes', `scopes = '{*}'`],
      ['frozen_until', `frozen_until = frozen_until - interval '1 ms'`],
      ['current_secret', `secret_hash = sha256('mine')`],
    ])('shows that %s was changed', async (field, change) => {
      const verdict = await pruned([`UPDATE apikeys.keys SET ${change} WHERE id = '${rotating}'`]);
      expect(differences(verdict)).toEqual([`key state ${field}`]);
    });

    test('shows that the state that was kept was changed with the row', async () => {
      const verdict = await pruned([
        `UPDATE apikeys.keys SET scopes = '{*}' WHERE id = '${made.busy}'`,
        `UPDATE apikeys.audit_anchors SET state = regexp_replace(state, '"scopes":.[^]]*.', '"scopes":["*"]')
          WHERE key_id = '${made.busy}'`,
      ]);
      expect(verdict.valid).toBe(false);
      expect(verdict.broken[0]).toMatchObject({ keyId: made.busy, fault: 'seq' });
    });

    test('shows a deleted key that was put back, and one that was removed without a word', async () => {
      const back = await pruned([
        `INSERT INTO apikeys.keys (id, tenant_id, owner_id, name, key_prefix, secret_hash, created_at, created_by, audit_seq, audit_hash)
         SELECT key_id, tenant_id, owner_id, 'back', 'rv_00000000', hash, pruned_at, 'x', seq, hash
           FROM apikeys.audit_anchors WHERE key_id = '${made.deleted}'`,
      ]);
      expect(differences(back)).toEqual(['key head null']);
      const removed = await pruned([
        `DELETE FROM apikeys.secrets WHERE key_id = '${made.quiet}'`,
        `DELETE FROM apikeys.keys WHERE id = '${made.quiet}'`,
      ]);
      expect(differences(removed)).toEqual(['key head null']);
    });
  });
});
