import { afterAll, beforeAll, describe } from 'vitest';
import { openEmbedded } from '../../src/db/embedded/engine.js';
import type { Engine, Timeouts } from '../../src/db/engine.js';
import { openServer } from '../../src/db/server/server.js';
import { serverSettings } from '../../src/db/server/server-settings.js';
import type { Settings } from '../../src/service/settings.js';
import { type TestDatabase, testDatabase } from './database.js';
import { embeddedDatabase } from './embedded.js';
import { type TestCalls, testKeysOn } from './named-caller.js';
import { overEngine, type RunSql } from './run-sql.js';

const TIMEOUTS: Timeouts = { connect: 10_000, lock: 10_000, statement: 10_000, answer: 20_000 };

/** A service on a migrated database of the test file's own. Usable inside tests and hooks alone. */
export interface TestService {
  readonly kind: Engine['kind'];
  readonly engine: Engine;
  /** With the default settings. */
  readonly service: TestCalls;
  /** Another service on the same engine. */
  serviceWith(settings: Partial<Settings>): TestCalls;
  /** Runs one statement with the types that the product's own queries get. */
  readonly rows: RunSql;
}

/** What only a server has beside it. */
export interface TestServerService extends TestService {
  readonly database: TestDatabase;
}

/**
 * Runs the same tests on PostgreSQL 18, over a pool of 8 connections, and on the embedded engine.
 *
 * @example
 * eachEngine((db) => {
 *   test('a new key is active', async () => {
 *     const { key } = await db.service.create({ name: 'ci', owner: 'alice', actor: 'test' });
 *     expect(key.status).toBe('active');
 *   });
 * });
 */
export function eachEngine(suite: (db: TestService) => void): void {
  onServer(suite);
  describe('on the embedded engine', () => {
    let opened: TestService | undefined;
    beforeAll(async () => {
      const folder = await embeddedDatabase();
      // None of these tests cuts the power.
      opened = serviceOn(await openEmbedded({ folder, timeouts: TIMEOUTS, fsync: () => undefined }));
    });
    afterAll(() => opened?.engine.close());
    suite(whenOpen(() => opened));
  });
}

/** The server half of {@link eachEngine}, for what needs several connections. */
export function onServer(suite: (db: TestServerService) => void): void {
  describe('on a server', () => {
    let opened: TestServerService | undefined;
    beforeAll(async () => {
      const database = await testDatabase();
      const engine = openServer({ settings: serverSettings(database.url, {}), timeouts: TIMEOUTS, max: 8 });
      opened = { ...serviceOn(engine), database };
    });
    afterAll(async () => {
      await opened?.engine.close();
      await opened?.database.drop();
    });
    suite(whenOpen(() => opened));
  });
}

function serviceOn(engine: Engine): TestService {
  const serviceWith = (settings: Partial<Settings>): TestCalls => testKeysOn(engine, settings);
  return { kind: engine.kind, engine, service: serviceWith({}), serviceWith, rows: overEngine(engine) };
}

/** Stands for what the hooks open later, so that a suite can name it while its tests are still being declared. */
function whenOpen<T extends object>(opened: () => T | undefined): T {
  return new Proxy({} as T, {
    get(_target, property) {
      const service = opened();
      if (service === undefined) throw new Error('the database is open only while tests run');
      return Reflect.get(service, property);
    },
  });
}
