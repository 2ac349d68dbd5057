import { randomBytes } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import pg from 'pg';
import type { TestProject } from 'vitest/node';
import type { PostgresVersion } from './binaries.js';
import { startCluster } from './cluster.js';
import { makeEmbeddedTemplate, makeTemplate } from './template.js';

/** A server that test files may use, or why there is none. */
export type ProvidedServer =
  | { readonly adminUrl: string; readonly template: string }
  | { readonly missing: string };

declare module 'vitest' {
  export interface ProvidedContext {
    /** `main` is PostgreSQL 18, or whatever TEST_DATABASE_URL or PG_BIN names. */
    servers: { readonly main: ProvidedServer; readonly postgres15: ProvidedServer };
    /** The folder of a migrated embedded database, to be copied. */
    embedded: string;
  }
}

interface Prepared {
  readonly server: ProvidedServer;
  readonly tearDown: () => Promise<void>;
}

/** One throw-away server of each version for the whole run, and a migrated database of each kind to copy. */
export default async function setUp(project: TestProject): Promise<() => Promise<void>> {
  const existing = process.env.TEST_DATABASE_URL;
  const folder = await mkdtemp(join(tmpdir(), 'apikeys-template-'));
  const embedded = join(folder, 'database');
  const [main, old] = await Promise.all([
    settle(existing ? useExisting(existing) : startThrowAway(18)),
    settle(startThrowAway(15)),
    makeEmbeddedTemplate(embedded),
  ]);
  const tearDown = async () => {
    await Promise.all([main, old].map((one) => one.tearDown()));
    await rm(folder, { recursive: true, force: true });
  };
  if ('missing' in main.server) {
    await tearDown();
    throw new Error(`no PostgreSQL to test with: ${main.server.missing}`);
  }
  project.provide('servers', { main: main.server, postgres15: old.server });
  project.provide('embedded', embedded);
  return tearDown;
}

/** Without the older server only the tests that ask for it fail. */
async function settle(prepared: Promise<Prepared>): Promise<Prepared> {
  try {
    return await prepared;
  } catch (error) {
    const missing = error instanceof Error ? (error.stack ?? error.message) : String(error);
    return { server: { missing }, tearDown: async () => undefined };
  }
}

async function startThrowAway(version: PostgresVersion): Promise<Prepared> {
  const cluster = await startCluster({ version });
  const template = 'apikeys_template';
  try {
    await makeTemplate(cluster.adminUrl, template);
  } catch (error) {
    await cluster.stop();
    throw error;
  }
  return { server: { adminUrl: cluster.adminUrl, template }, tearDown: () => cluster.stop() };
}

/** On a server that outlives the run the template has a name of its own, and goes at the end. */
async function useExisting(adminUrl: string): Promise<Prepared> {
  const template = `apikeys_template_${randomBytes(6).toString('hex')}`;
  const tearDown = async () => {
    const admin = new pg.Client({ connectionString: adminUrl });
    await admin.connect();
    await admin.query(`DROP DATABASE IF EXISTS ${template} WITH (FORCE)`).finally(() => admin.end());
  };
  try {
    await makeTemplate(adminUrl, template);
  } catch (error) {
    await tearDown().catch(() => undefined);
    throw error;
  }
  return { server: { adminUrl, template }, tearDown };
}
