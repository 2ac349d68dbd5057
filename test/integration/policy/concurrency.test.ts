import { expect, test } from 'vitest';
import { onServer } from '../../helpers/engines.js';
import { request, unique } from '../service/stored.js';

const actor = 'security';

onServer((db) => {
  test('creates run side by side, and none that is against a policy is committed after its change was acknowledged', async () => {
    const tenant = unique('tenant');
    let narrowed = false;
    const late: string[] = [];
    const refused: string[] = [];
    const one = async (n: number): Promise<void> => {
      for (let round = 0; round < 25; round++) {
        const after = narrowed;
        try {
          const { key } = await db.service.create(
            request({ tenant, owner: `owner-${n}-${round}`, expires: 'never', scopes: ['admin'] }),
          );
          if (after) late.push(key.id);
        } catch (error) {
          refused.push((error as { code: string }).code);
        }
      }
    };
    const creating = Promise.all(Array.from({ length: 6 }, (_, n) => one(n)));
    await new Promise((resolve) => setTimeout(resolve, 40));
    await db.service.setPolicy({ maxLifetime: '1d', scopes: ['read'], tenant, actor });
    narrowed = true;
    const [acknowledged] = await db.rows('SELECT clock_timestamp() AS now');
    await creating;
    expect(late).toEqual([]);
    expect(refused.length).toBeGreaterThan(0);
    expect(new Set(refused)).toEqual(new Set(['POLICY_VIOLATION']));
    const now = acknowledged?.now as Date;
    const [{ count } = { count: -1 }] = (await db.rows(
      `SELECT count(*)::int AS count FROM apikeys.keys WHERE tenant_id = '${tenant}' AND created_at > '${now.toISOString()}'`,
    )) as { count: number }[];
    expect(count).toBe(0);
  });

  test('a change waits for a create that has read the policy, and what comes after it is held to the new one', async () => {
    const tenant = unique('tenant');
    let revealed = (): void => undefined;
    const waiting = new Promise<void>((resolve) => {
      revealed = resolve;
    });
    let goOn = (): void => undefined;
    const shown = new Promise<void>((resolve) => {
      goOn = resolve;
    });
    const slow = db.service.create(request({ tenant, scopes: ['admin'] }), async () => {
      revealed();
      await shown;
    });
    await waiting;
    // Others are not kept by it.
    await db.service.create(request({ tenant, scopes: ['admin'] }));
    let set = false;
    const setting = db.service.setPolicy({ scopes: ['read'], tenant, actor }).then(() => {
      set = true;
    });
    const blocked = async () =>
      (await db.rows(
        `SELECT FROM pg_locks WHERE relation = 'apikeys.policy_lock'::regclass AND NOT granted`,
      )) as unknown[];
    while ((await blocked()).length === 0) await new Promise((resolve) => setTimeout(resolve, 5));
    const next = db.service.create(request({ tenant, scopes: ['admin'] }));
    next.catch(() => undefined);
    while ((await blocked()).length < 2) await new Promise((resolve) => setTimeout(resolve, 5));
    expect(set).toBe(false);
    goOn();
    await slow;
    await setting;
    await expect(next).rejects.toMatchObject({ code: 'POLICY_VIOLATION' });
  });

  test('a backup that reads everything keeps nobody from changing a policy', async () => {
    const tenant = unique('tenant');
    await db.engine.use(async (connection) => {
      await connection.script(
        'BEGIN ISOLATION LEVEL REPEATABLE READ; LOCK TABLE apikeys.policies, apikeys.policy_lock IN ACCESS SHARE MODE',
      );
      expect(await db.service.setPolicy({ maxKeys: 3, tenant, actor })).toMatchObject({ changed: 1 });
      await connection.script('ROLLBACK');
    });
  });

  test('several changes at once are all made, one after the other', async () => {
    const tenant = unique('tenant');
    await Promise.all(
      Array.from({ length: 8 }, (_, n) => db.service.setPolicy({ maxKeys: n + 1, tenant, actor })),
    );
    expect(await db.service.verifyAudit({ tenant })).toMatchObject({ valid: true, chains: 1, events: 8 });
  });
});
