import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type TestDatabase, testDatabase } from '../../helpers/database.js';
import { runApikeys } from '../../helpers/program.js';
import { type ExampleServer, startServer } from './example.js';

let database: TestDatabase;
beforeAll(async () => {
  database = await testDatabase();
});
afterAll(() => database.drop());

const apikeys = async (...args: string[]): Promise<string> => {
  const { exitCode, stdout, stderr } = await runApikeys(args, {
    env: { APIKEYS_DATABASE_URL: database.url },
  });
  if (exitCode !== 0) throw new Error(stderr);
  return stdout.trim();
};

for (const framework of ['express', 'fastify', 'hono']) {
  describe(`the recipe for ${framework}`, () => {
    let server: ExampleServer;
    let secret: string;
    beforeAll(async () => {
      secret = await apikeys('create', framework, '--owner', framework, '--scope', 'orders:read', '--quiet');
      server = await startServer(framework, database.url);
    });

    test('lets a key of the program through, in either header', async () => {
      for (const headers of [{ authorization: `Bearer ${secret}` }, { 'x-api-key': secret }]) {
        const response = await server.get('/orders', headers);
        expect(response.status).toBe(200);
        expect(await response.json()).toEqual({ owner: framework });
      }
    });

    test('answers 401 without a key, and names no error', async () => {
      const response = await server.get('/orders');
      expect(response.status).toBe(401);
      expect(response.headers.get('www-authenticate')).toBe('Bearer realm="api"');
      expect(response.headers.get('content-type')).toMatch(/^application\/json/);
      expect(await response.json()).toMatchObject({ error: 'missing_credentials' });
    });

    test('answers 401 to a key that does not exist', async () => {
      const response = await server.get('/orders', { authorization: 'Bearer rv_nothing' });
      expect(response.status).toBe(401);
      expect(response.headers.get('www-authenticate')).toMatch(/^Bearer realm="api", error="invalid_token"/);
    });

    test('answers 400 to two different keys', async () => {
      const response = await server.get('/orders', {
        authorization: `Bearer ${secret}`,
        'x-api-key': 'another',
      });
      expect(response.status).toBe(400);
      expect(await response.json()).toMatchObject({ error: 'invalid_request' });
    });

    test('answers 403 to a key without the scope', async () => {
      const other = await apikeys(
        'create',
        'other',
        '--owner',
        framework,
        '--scope',
        'users:read',
        '--quiet',
      );
      const response = await server.get('/orders', { 'x-api-key': other });
      expect(response.status).toBe(403);
      expect(response.headers.get('www-authenticate')).toMatch(
        /error="insufficient_scope".*scope="orders:read"$/,
      );
    });

    test('answers 401 right after the key was revoked, and ends in order', async () => {
      await apikeys('revoke', framework, '--yes');
      const response = await server.get('/orders', { 'x-api-key': secret });
      expect(response.status).toBe(401);
      expect(await server.stop()).toBe(0);
      // What was counted has been stored before the end.
      const [row] = await database.query(
        `SELECT total_requests, total_refused FROM apikeys.key_activity
           JOIN apikeys.keys ON keys.id = key_id WHERE name = $1`,
        [framework],
      );
      expect(row).toEqual({ total_requests: '2', total_refused: '1' });
    });
  });
}

test('a database that is away is 503, not 401', async () => {
  const server = await startServer('express', 'postgres://nobody@127.0.0.1:1/none');
  const response = await server.get('/orders', { 'x-api-key': 'rv_1' });
  expect(response.status).toBe(503);
  expect(await response.json()).toEqual({ error: 'unavailable' });
  await server.stop();
});
