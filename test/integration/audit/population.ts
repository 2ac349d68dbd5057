import type { TestService } from '../../helpers/engines.js';
import type { RunSql } from '../../helpers/run-sql.js';
import { request, unique } from '../service/stored.js';

export interface Population {
  /** Created, rotated, frozen, thawed, updated: six events. */
  readonly busy: string;
  /** Has one event. */
  readonly quiet: string;
  readonly revoked: string;
  /** Deleted by cleanup: two events or more, and no row. */
  readonly deleted: string;
  /** Of `busy`; frozen and thawed as a whole: three events. */
  readonly owner: string;
  readonly tenant: string;
}

/** Does everything that writes an event, in two tenants. */
export async function populate({ service }: Pick<TestService, 'service'>): Promise<Population> {
  const [owner, tenant, actor] = [unique('owner'), unique('tenant'), 'tester'];
  const make = async (more: Parameters<typeof request>[0] = {}): Promise<string> =>
    (await service.create(request({ tenant, owner, ...more }))).key.id;

  const deleted = await make({ name: 'to be deleted' });
  await service.revoke({ keys: [deleted], actor, reason: 'left' });
  await service.cleanup({ olderThan: '0', tenant, actor });

  const busy = await make({ name: 'busy “é”\u{1f511}', metadata: { team: 'core' }, scopes: ['read'] });
  await service.rotate({ key: busy, grace: '1h', actor });
  await service.freeze({ keys: [busy], until: '2h', actor, reason: 'incident – 42' });
  await service.unfreeze({ keys: [busy], actor });
  await service.update({ key: busy, name: 'busier', metadata: { team: 'edge' }, actor });
  await service.updateScopes({ key: busy, add: ['orders:write'], actor });
  const quiet = await make();
  const revoked = await make();
  await service.revoke({ keys: [revoked], actor });
  await service.freezeOwner({ owner, tenant, actor, reason: 'audit' });
  await service.unfreezeOwner({ owner, tenant, actor });

  const elsewhere = await service.create(request({ owner, actor: 'someone else' }));
  await service.endGrace({ key: busy, actor });
  await service.rotate({ key: elsewhere.key.id, grace: '0', actor });
  return { busy, quiet, revoked, deleted, owner, tenant };
}

const TABLES = ['owners', 'keys', 'secrets', 'audit_events', 'audit_anchors'];

/** Keeps a copy of everything that `verify` reads, and gives a function that puts it back. */
export async function keepCopy(rows: RunSql): Promise<() => Promise<void>> {
  await rows('DROP SCHEMA IF EXISTS kept CASCADE');
  await rows('CREATE SCHEMA kept');
  for (const table of TABLES) await rows(`CREATE TABLE kept.${table} AS TABLE apikeys.${table}`);
  return async () => {
    for (const table of TABLES.toReversed()) await rows(`DELETE FROM apikeys.${table}`);
    for (const table of TABLES) {
      const written = await columnsOf(rows, table);
      await rows(`INSERT INTO apikeys.${table} (${written}) SELECT ${written} FROM kept.${table}`);
    }
  };
}

/** Those that are not generated from others. */
async function columnsOf(rows: RunSql, table: string): Promise<string> {
  const columns = await rows(`
    SELECT attname::text AS name FROM pg_attribute
     WHERE attrelid = 'apikeys.${table}'::regclass AND attnum > 0 AND NOT attisdropped AND attgenerated = ''`);
  return columns.map(({ name }) => name).join(', ');
}

/** Items, as lines of a file that is read. */
export async function* each<Item>(items: readonly Item[]): AsyncGenerator<Item> {
  yield* items;
}
