import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { readConfigFile } from '../../../src/cli/config/config-file.js';
import { temporaryFolder } from '../../helpers/folders.js';

const folder = temporaryFolder('config');
let files = 0;

async function read(yaml: string): Promise<Record<string, string>> {
  const path = join(folder, `a-folder-whose-name-is-longer-than-forty-characters-${++files}.yaml`);
  await writeFile(path, yaml);
  const file = await readConfigFile(path, {}, { within: 5_000 });
  return Object.fromEntries(file?.values ?? []);
}

const TEXTS = [
  '012345678901',
  '0123',
  '12345678901234567890',
  '1e3',
  '0x1F',
  '0o17',
  '0b11',
  '1.10',
  '-0',
  '+1',
  '1_000',
  'True',
  'no',
  'on',
  'y',
  '.nan',
  '.inf',
  '~',
  'null',
  'NULL',
  '2026-01-01',
  '2026-01-01T00:00:00Z',
  '12:30:45',
  '=',
];

describe('a value is what stands there', () => {
  test.each(TEXTS)('%s', async (text) => {
    for (const written of [
      text,
      `'${text}'`,
      `"${text}"`,
      `${text} # why`,
      `|-\n    ${text}`,
      `>-\n    ${text}`,
    ]) {
      expect(await read(`apikeys:\n  tenant: ${written}\n`), written).toEqual({ tenant: text });
    }
    expect(await read(`apikeys: { tenant: ${text} }`)).toEqual({ tenant: text });
    expect(await read(`%YAML 1.1\n---\napikeys:\n  tenant: ${text}\n`)).toEqual({ tenant: text });
    expect(await read(`apikeys:\n  tenant: &t ${text}\n  actor: *t\n`)).toEqual({
      tenant: text,
      actor: text,
    });
  });
});

test.each(['', '\n', '# nothing\n', '---\n', 'apikeys:\n', '\ufeffapikeys:\n'])(
  '%j says nothing',
  async (yaml) => {
    expect(await read(yaml)).toEqual({});
  },
);

test.each([
  ['tenant: acme\n', 'beside "apikeys:"'],
  ['apikey:\n  tenant: acme\n', 'did you mean apikeys?'],
  ['apikeys:\n  tenant: acme\nretention: 1d\n', 'names "retention" beside'],
  ['apikeys:\n  retenton: 1d\n', 'did you mean retention?'],
  ['apikeys:\n  Tenant: acme\n', 'did you mean tenant?'],
  ['apikeys:\n  tenant:\n    name: acme\n', 'no single value'],
  ['apikeys:\n  tenant: [acme]\n', 'no single value'],
  ['apikeys:\n  tenant:\n', 'no value for "tenant"'],
  ['apikeys:\n  tenant: ""\n', 'no value for "tenant"'],
  ['apikeys:\n  tenant: a\n  tenant: b\n', 'not valid YAML'],
  ['apikeys:\n  tenant: a\napikeys:\n  actor: b\n', 'not valid YAML'],
  ['apikeys:\n  enable-api-key-management: false\n  enable_api_key_management: true\n', 'twice'],
  ['apikeys:\n  database-url: postgres://a/b\n  database_url: postgres://a/c\n', 'twice'],
  ['apikeys: tenant\n', 'no mapping'],
  ['apikeys: [tenant]\n', 'no mapping'],
  ['- apikeys\n', 'no mapping'],
  ['acme\n', 'no mapping'],
  ['apikeys:\n  tenant: a\n---\napikeys:\n  tenant: b\n', 'several documents'],
  ['apikeys:\n  tenant: a\n---\n', 'several documents'],
  ['apikeys:\n  <<: { tenant: a }\n', 'no setting'],
  ['apikeys:\n  tenant: !!int 7\n', 'tag'],
  ['apikeys:\n  tenant: !env TENANT\n', 'tag'],
])('%j is refused', async (yaml, message) => {
  await expect(read(yaml)).rejects.toMatchObject({
    code: 'INVALID_CONFIG',
    message: expect.stringContaining(message),
    hint: expect.stringContaining('apikeys help environment'),
  });
  // The path is whole, however long.
  await expect(read(yaml)).rejects.toThrow(/forty-characters-\d+\.yaml"/);
});
