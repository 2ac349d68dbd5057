import pg from 'pg';
import { openEmbedded } from '../../src/db/embedded/engine.js';
import { migrate } from '../../src/db/schema/migrate.js';
import { openServer } from '../../src/db/server/server.js';
import { serverSettings } from '../../src/db/server/server-settings.js';

const TIMEOUTS = { connect: 10_000, lock: 10_000, statement: 60_000, answer: 70_000 };

/** Makes the database `name`, migrated by the product's own runner and open to nobody, to be copied by each test file. */
export async function makeTemplate(adminUrl: string, name: string): Promise<void> {
  const admin = new pg.Client({ connectionString: adminUrl });
  await admin.connect();
  try {
    await admin.query(`CREATE DATABASE ${pg.escapeIdentifier(name)} TEMPLATE template0`);
    await migrateDatabase(databaseUrl(adminUrl, name));
    // A database that somebody is connected to cannot be copied.
    await admin.query(`ALTER DATABASE ${pg.escapeIdentifier(name)} ALLOW_CONNECTIONS false`);
  } finally {
    await admin.end();
  }
}

/** Makes a migrated embedded database in `folder`, to be copied by each test file. */
export async function makeEmbeddedTemplate(folder: string): Promise<void> {
  const engine = await openEmbedded({
    folder,
    timeouts: TIMEOUTS,
    migrate,
  });
  await engine.close();
}

/** The same server and login, another database. */
export function databaseUrl(url: string, database: string): string {
  const other = new URL(url);
  other.pathname = `/${encodeURIComponent(database)}`;
  return other.href;
}

async function migrateDatabase(url: string): Promise<void> {
  const engine = openServer({ settings: serverSettings(url, {}), timeouts: TIMEOUTS });
  try {
    await migrate(engine);
  } finally {
    await engine.close();
  }
}
