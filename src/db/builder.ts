import { DummyDriver, Kysely, PostgresAdapter, PostgresIntrospector, PostgresQueryCompiler } from 'kysely';
import type { Tables } from './schema/tables.js';

/**
 * Builds queries and runs none: connections and transactions are ours (`engine.ts`, `transaction.ts`), since
 * Kysely's transaction reports the rollback's error in place of its cause, and takes a COMMIT that the
 * server answered with ROLLBACK for success.
 */
export const build = new Kysely<Tables>({
  dialect: {
    createAdapter: () => new PostgresAdapter(),
    createDriver: () => new DummyDriver(),
    createIntrospector: (db) => new PostgresIntrospector(db),
    createQueryCompiler: () => new PostgresQueryCompiler(),
  },
});
