import { chownSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { sql } from 'kysely';
import pg from 'pg';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { hintOf } from '../../../src/cli/hints.js';
import { ApiKeysError } from '../../../src/errors.js';
import { type Cluster, startCluster } from '../../helpers/cluster.js';
import { serverUser } from '../../helpers/server-user.js';
import { selfSigned } from './certificate.js';
import { openEngine } from './opened.js';

let cluster: Cluster;
let authority: string;
let stranger: string;

beforeAll(async () => {
  cluster = await startCluster();
  const { certificate, key } = selfSigned('localhost');
  const user = await serverUser();
  const file = (name: string, content: string) => {
    const path = join(cluster.socketFolder, name);
    writeFileSync(path, content, { mode: 0o600 });
    if (user !== undefined) chownSync(path, user.uid, user.gid);
    return path;
  };
  authority = file('server.crt', certificate);
  stranger = file('stranger.crt', selfSigned('localhost').certificate);
  const keyFile = file('server.key', key);
  const admin = new pg.Client({ connectionString: cluster.adminUrl });
  await admin.connect();
  await admin.query(`ALTER SYSTEM SET ssl_cert_file = '${authority}'`);
  await admin.query(`ALTER SYSTEM SET ssl_key_file = '${keyFile}'`);
  await admin.query('ALTER SYSTEM SET ssl = on');
  await admin.end();
});
afterAll(() => cluster.stop());

/** Whether the connection is encrypted, by the server's word. */
async function connect(host: string, query: string): Promise<boolean | undefined> {
  const url = new URL(cluster.adminUrl);
  url.hostname = host;
  const engine = openEngine(`${url.href}?${query}`);
  try {
    const [row] = await engine.use((session) =>
      session.rows(sql<{ ssl: boolean }>`SELECT ssl FROM pg_stat_ssl WHERE pid = pg_backend_pid()`),
    );
    return row?.ssl;
  } finally {
    await engine.close();
  }
}

async function refusal(host: string, query: string): Promise<ApiKeysError> {
  const error: unknown = await connect(host, query).catch((reason: unknown) => reason);
  if (error instanceof ApiKeysError) return error;
  throw new Error(`connected, or failed in another way: ${String(error)}`);
}

test('a server that does not offer TLS is not spoken to without it', async () => {
  // The settings take effect with the restart below.
  const error = await refusal('localhost', 'sslmode=require');
  expect(error).toMatchObject({ code: 'DATABASE_UNREACHABLE' });
  expect(error.message).toMatch(/localhost:\d+\/postgres does not offer TLS/);
  expect(hintOf(error)).toContain('sslmode=disable');
  await cluster.restart();
});

test.each(['require', 'verify-ca', 'verify-full'])(
  'a certificate that nobody vouches for is refused with sslmode=%s',
  async (mode) => {
    const error = await refusal('localhost', `sslmode=${mode}`);
    expect(error).toMatchObject({ code: 'DATABASE_UNREACHABLE' });
    expect(error.message).toContain('the certificate of localhost:');
    expect(hintOf(error)).toContain('sslrootcert');
  },
);

test('a certificate of another authority is refused', async () => {
  expect((await refusal('localhost', `sslmode=require&sslrootcert=${stranger}`)).message).toContain(
    'certificate',
  );
});

test('a certificate for another name is refused', async () => {
  const error = await refusal('127.0.0.1', `sslmode=require&sslrootcert=${authority}`);
  expect(error.message).toContain('is not made for this host name');
  expect(hintOf(error)).not.toContain('sslrootcert');
});

test('the name of a host that is found by its hostaddr has to be in the certificate', async () => {
  const known = `sslmode=verify-full&sslrootcert=${authority}&hostaddr=127.0.0.1`;
  expect(await connect('localhost', known)).toBe(true);
  const error = await refusal('db.invalid', known);
  expect(error.message).toContain('is not made for this host name');
  expect((await refusal('10.0.0.1', known)).message).toContain('is not made for this host name');
});

test('a login is bound to its TLS connection where that is required, and refused where it cannot be', async () => {
  const verified = `sslmode=verify-full&sslrootcert=${authority}&channel_binding=require`;
  expect(await connect('localhost', verified)).toBe(true);
  const error = await refusal('localhost', 'sslmode=disable&channel_binding=require');
  expect(error).toMatchObject({ code: 'LOGIN_REFUSED', details: { reason: 'no_binding' } });
});

test('a certificate of the authority in sslrootcert is accepted', async () => {
  expect(await connect('localhost', `sslmode=require&sslrootcert=${authority}`)).toBe(true);
  expect(await connect('localhost', `sslmode=verify-full&sslrootcert=${authority}`)).toBe(true);
});

test('a local server is reached without TLS, unless it is asked for', async () => {
  expect(await connect('localhost', '')).toBe(false);
  expect(await connect('localhost', 'sslmode=disable')).toBe(false);
});
