import { beforeAll, describe, expect, test } from 'vitest';
import { SCHEMAS } from '../../src/representation/schemas.js';
import { faultsByJsonSchema, faultsByZod } from '../helpers/json-schemas.js';
import { newOwner, useCli } from './apikeys.js';

const KEY_FIELDS =
  'id tenant_id owner_id name description key_prefix status scopes metadata is_frozen frozen_by_owner frozen_at frozen_until frozen_reason created_at created_by expires_at last_used_at total_requests revoked_at revoked_by revoked_reason limits'.split(
    ' ',
  );

/** The names that the contract fixes, beside a key's own. */
const FIXED: Readonly<Record<string, readonly string[]>> = {
  create: [...KEY_FIELDS, 'api_key', 'message', 'changed', 'first_key'],
  show: [...KEY_FIELDS, 'secrets', 'usage_today', 'events'],
  list: ['keys', 'next_cursor'],
  'list --count': ['count'],
  revoke: ['keys', 'changed', 'dry_run'],
  'revoke --dry-run': ['keys', 'changed', 'dry_run'],
  migrate: ['state', 'version', 'target', 'changed', 'dry_run', 'migrations'],
  'migrate --status': ['state', 'version', 'target', 'changed', 'dry_run', 'migrations'],
  error: ['error'],
};

const cli = useCli();
const documents = new Map<string, unknown>();
const schemas = new Map<string, unknown>();

beforeAll(async () => {
  const owner = newOwner();
  const rich = [
    '--scope',
    'read',
    '--metadata',
    'team=core',
    '--description',
    'two\nlines',
    '--expires',
    'never',
  ];
  const { id } = await cli.create('sparse', ['--owner', owner]);
  documents.set('create', await cli.json(['create', 'rich', '--owner', owner, ...rich]));
  await cli.database.query(
    `UPDATE apikeys.keys SET frozen_at = now(), frozen_until = now() + interval '1 h', frozen_reason = 'r' WHERE id = $1`,
    [id],
  );
  await cli.database.query(`UPDATE apikeys.key_activity SET last_used_at = now(), total_requests = 3`);
  documents.set('list', await cli.json(['list', '--limit', '1']));
  documents.set('list --count', await cli.json(['list', '--count']));
  documents.set('list --all', await cli.json(['list', '--all']));
  documents.set('revoke --dry-run', await cli.json(['revoke', id, '--dry-run']));
  documents.set('revoke', await cli.json(['revoke', id, '--yes', '--reason', 'left']));
  documents.set('show', await cli.json(['show', id]));
  documents.set('migrate', await cli.json(['migrate']));
  documents.set('migrate --status', await cli.json(['migrate', '--status']));
  const failed = await cli.apikeys(['show', 'nobody', '--json']);
  documents.set('error', JSON.parse(failed.stderr));
  for (const name of new Set([...documents.keys()].map(schemaName))) {
    schemas.set(name, await cli.json(['schema', name]));
  }
});

const schemaName = (run: string): string => run.split(' ')[0] ?? '';

describe.each([...Object.keys(FIXED), 'list --all'])('the JSON of %s', (run) => {
  test('is what the schema in the program says', () => {
    expect(faultsByZod(schemaName(run) as keyof typeof SCHEMAS, documents.get(run))).toEqual([]);
  });

  test('is what `apikeys schema` says', () => {
    expect(faultsByJsonSchema(schemas.get(schemaName(run)), documents.get(run))).toEqual([]);
  });

  test.runIf(run in FIXED)('has the names that the contract fixes', () => {
    // Names may be added, and nothing else.
    expect(Object.keys(documents.get(run) as object)).toEqual(
      expect.arrayContaining([...(FIXED[run] ?? [])]),
    );
  });
});

test('every key of every document has the names of a key, in their order', () => {
  const keys = ['list', 'list --all', 'revoke', 'revoke --dry-run'].flatMap(
    (run) => (documents.get(run) as { keys: object[] }).keys,
  );
  expect(keys.length).toBeGreaterThan(4);
  for (const key of keys) expect(Object.keys(key)).toEqual(KEY_FIELDS);
});

test('the parts of show have the names that the contract fixes', () => {
  const show = documents.get('show') as { secrets: object[]; usage_today: object; events: object[] };
  expect(show.secrets.map(Object.keys)).toEqual([
    ['version', 'key_prefix', 'state', 'created_at', 'valid_until'],
  ]);
  expect(Object.keys(show.usage_today)).toEqual(['request_count', 'spend_cents']);
  expect(show.events.map((event) => (event as { action: string }).action)).toEqual([
    'key.revoked',
    'key.created',
  ]);
});

test('create gives the key itself, the secret and the words to keep it', () => {
  expect(documents.get('create')).toMatchObject({
    name: 'rich',
    description: 'two\nlines',
    scopes: ['read'],
    metadata: { team: 'core' },
    expires_at: null,
    status: 'active',
    api_key: expect.stringMatching(/^rv_[0-9a-f]{64}$/),
    message: "Store this key securely. It won't be shown again.",
    changed: 1,
    first_key: false,
  });
});

test('the schemas have teeth: a document with a name too many, too few or misspelt is refused', () => {
  for (const [run, document] of documents) {
    if (run === 'error') continue;
    const schema = schemas.get(schemaName(run));
    expect(faultsByJsonSchema(schema, { ...(document as object), extra: 1 })).not.toEqual([]);
    for (const name of FIXED[run] ?? []) {
      const { [name]: _left, ...rest } = document as Record<string, unknown>;
      expect(faultsByJsonSchema(schema, rest), `${run} without ${name}`).not.toEqual([]);
    }
  }
});

test('every schema that the program has is printed, and is JSON Schema 2020-12', async () => {
  for (const name of Object.keys(SCHEMAS)) {
    const schema = schemas.get(name) ?? (await cli.json(['schema', name]));
    expect(schema).toMatchObject({ $schema: 'https://json-schema.org/draft/2020-12/schema' });
  }
});

test('a schema is JSON without being asked to be', async () => {
  const { stdout, stderr, exitCode } = await cli.apikeys(['schema', 'list']);
  expect({ stderr, exitCode }).toEqual({ stderr: '', exitCode: 0 });
  expect(JSON.parse(stdout)).toEqual(schemas.get('list'));
});
