import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { beforeAll, describe, expect, test } from 'vitest';
import type { SCHEMAS } from '../../../src/representation/schemas.js';
import { faultsByJsonSchema, faultsByZod } from '../../helpers/json-schemas.js';
import { newOwner, useCli } from '../apikeys.js';

const KEY_FIELDS =
  'id tenant_id owner_id name description key_prefix status scopes metadata is_frozen frozen_by_owner frozen_at frozen_until frozen_reason created_at created_by expires_at last_used_at total_requests revoked_at revoked_by revoked_reason limits'.split(
    ' ',
  );
const CHANGE = ['keys', 'changed', 'dry_run', 'owner', 'impact', 'broken_chains'];
const ROTATE = [...KEY_FIELDS, 'api_key', 'message', 'changed', 'previous', 'lifetime_cut', 'broken_chains'];
const SCOPES = [...KEY_FIELDS, 'changed', 'has'];

/** The names that each document has, in their order. */
const FIELDS: Readonly<Record<string, readonly string[]>> = {
  rotate: ROTATE,
  'rotate --out-file': ROTATE,
  'rotate --end-grace': ROTATE,
  'rotate --end-grace again': ROTATE,
  update: [...KEY_FIELDS, 'changed'],
  'update again': [...KEY_FIELDS, 'changed'],
  scopes: SCOPES,
  'scopes --add': SCOPES,
  'scopes --has': SCOPES,
  freeze: CHANGE,
  'freeze --owner': CHANGE,
  'freeze --owner --dry-run': CHANGE,
  unfreeze: CHANGE,
  'unfreeze --owner': CHANGE,
  'revoke --owner --dry-run': CHANGE,
  'revoke --owner': CHANGE,
  'create again': [...KEY_FIELDS, 'api_key', 'message', 'changed', 'first_key', 'lifetime_cut'],
};

const cli = useCli();
const documents = new Map<string, Record<string, unknown>>();
const schemas = new Map<string, unknown>();
const schemaName = (run: string): string => run.split(' ')[0] ?? '';

beforeAll(async () => {
  const folder = await mkdtemp(join(tmpdir(), 'apikeys-json-'));
  const owner = newOwner();
  const { id } = await cli.create('ci', ['--owner', owner, '--scope', 'read', '--expires', 'never']);
  const run = async (name: string, ...args: string[]) => {
    documents.set(name, await cli.json([...args]));
  };
  await run('rotate', 'rotate', id);
  await run('rotate --out-file', 'rotate', id, '--out-file', join(folder, 'key'));
  await run('rotate --end-grace', 'rotate', id, '--end-grace');
  await run('rotate --end-grace again', 'rotate', id, '--end-grace');
  await run('update', 'update', id, '--description', 'two\nlines', '--metadata', 'a=\u{1f511}');
  await run('update again', 'update', id, '--name', 'ci');
  await run('scopes', 'scopes', id);
  await run('scopes --add', 'scopes', id, '--add', 'write');
  await run('scopes --has', 'scopes', id, '--has', 'read');
  await run('freeze', 'freeze', id, '--until', '2h', '--reason', 'why');
  await run('freeze --owner --dry-run', 'freeze', '--owner', owner, '--dry-run');
  await run('freeze --owner', 'freeze', '--owner', owner);
  await run('unfreeze', 'unfreeze', id);
  await run('unfreeze --owner', 'unfreeze', '--owner', owner);
  const again = ['create', 'ci', '--owner', owner, '--idempotency-key', 'k'];
  await run('create', ...again);
  await run('create again', ...again);
  documents.delete('create');
  await run('revoke --owner --dry-run', 'revoke', '--owner', owner, '--dry-run');
  await run('revoke --owner', 'revoke', '--owner', owner, '--yes');
  for (const name of new Set(Object.keys(FIELDS).map(schemaName))) {
    schemas.set(name, await cli.json(['schema', name]));
  }
  await rm(folder, { recursive: true });
});

describe.each(Object.entries(FIELDS))('the JSON of %s', (run, fields) => {
  test('is what the schema says, in the program and as printed', () => {
    expect(faultsByZod(schemaName(run) as keyof typeof SCHEMAS, documents.get(run))).toEqual([]);
    expect(faultsByJsonSchema(schemas.get(schemaName(run)), documents.get(run))).toEqual([]);
  });

  test('has its names, in their order, and its schema lets none be added or left out', () => {
    const document = documents.get(run) ?? {};
    expect(Object.keys(document)).toEqual(fields);
    const schema = schemas.get(schemaName(run));
    expect(faultsByJsonSchema(schema, { ...document, extra: 1 })).not.toEqual([]);
    for (const name of fields) {
      const { [name]: _left, ...rest } = document;
      expect(faultsByJsonSchema(schema, rest), `without ${name}`).not.toEqual([]);
    }
  });
});

test('the keys within a change have the names of a key', () => {
  for (const [run, { keys }] of documents) {
    for (const key of (keys as object[] | undefined) ?? []) expect(Object.keys(key), run).toEqual(KEY_FIELDS);
  }
});

test('the parts of a change and a rotation have their names', () => {
  expect(documents.get('rotate')?.previous).toEqual([
    { key_prefix: expect.any(String), valid_until: expect.any(String) },
  ]);
  expect(documents.get('freeze --owner')?.owner).toEqual({
    tenant_id: 'default',
    owner_id: expect.any(String),
    is_frozen: true,
    frozen_at: expect.any(String),
    frozen_until: null,
    frozen_by: expect.any(String),
    frozen_reason: null,
  });
  expect(documents.get('freeze')).toMatchObject({ owner: null, impact: null, dry_run: false });
  expect(documents.get('scopes --has')?.has).toEqual({ granted: true, missing: [] });
  const impact = { last_used_at: null, request_count: 0, spend_cents: 0, key_id: expect.any(String) };
  expect(documents.get('revoke --owner --dry-run')?.impact).toEqual([impact, impact]);
});
