import { readFile } from 'node:fs/promises';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type TestDatabase, testDatabase } from '../../helpers/database.js';
import { exampleFile, runCode } from './example.js';

let forQuickStart: TestDatabase;
let forDocstrings: TestDatabase;
beforeAll(async () => {
  forQuickStart = await testDatabase();
  forDocstrings = await testDatabase();
});
afterAll(async () => {
  await forQuickStart.drop();
  await forDocstrings.drop();
});

const read = (path: string) => readFile(new URL(`../../../${path}`, import.meta.url), 'utf8');

describe('README', () => {
  for (const name of ['quick-start', 'express', 'fastify', 'hono']) {
    test(`quotes the example ${name} as it is run`, async () => {
      const blocks = [...(await read('README.md')).matchAll(/```ts\n([\s\S]*?)```/g)].map(([, code]) => code);
      expect(blocks).toContain(await readFile(exampleFile(name), 'utf8'));
    });
  }

  test('the quick start prints what it says', async () => {
    const printed = await runCode(await readFile(exampleFile('quick-start'), 'utf8'), forQuickStart.url);
    expect(printed.split('\n')).toEqual([
      expect.stringMatching(/^rv_[0-9a-f]{64}$/),
      'true VALID',
      'REVOKED',
    ]);
  });
});

/** In the order in which their examples build on each other. */
const INTERFACES = ['src/library/changing-keys.ts', 'src/library/reading-keys.ts', 'src/library/api-keys.ts'];

describe('docstrings', () => {
  test('every method has an example', async () => {
    const sources = await Promise.all(INTERFACES.map(read));
    const bodies = sources.map((source) => /export interface \w+Keys [^{]*\{([\s\S]*)\n\}/.exec(source)?.[1]);
    expect(bodies).not.toContain(undefined);
    const body = bodies.join('\n');
    const documented = [...body.matchAll(/@example(?:(?!\*\/)[\s\S])*\*\/\s+(\w+)\(/g)].map(
      ([, name]) => name,
    );
    const methods = new Set([...body.matchAll(/^ {2}(\w+)\(/gm)].map(([, name]) => name));
    expect(new Set(documented)).toEqual(methods);
    expect(methods.size).toBeGreaterThan(35);
  });

  test('their examples run, one after the other', async () => {
    const examples = [
      ...examplesOf(await read('src/library/create-api-keys.ts')).map(inCopy),
      ...(await Promise.all(INTERFACES.map(read))).flatMap(examplesOf),
      ...examplesOf(await read('src/service/verify/authenticate.ts')),
    ];
    expect(examples.length).toBeGreaterThan(20);
    const printed = await runCode(
      [SETTING, ...examples.map((code) => `{ ${code} }`), END].join('\n'),
      forDocstrings.url,
    );
    expect(printed).toContain('true VALID alice');
    expect(printed).toContain("{ ok: false, missing: [ 'users:read' ] }");
    expect(printed).toContain("[ 'deploy:read', 'deploy:write' ]");
    expect(printed.endsWith('401')).toBe(true);
  });
});

/** What the examples find in place. */
const SETTING = `
  import { createApiKeys, refusalResponse } from 'apikeys';
  const keys = createApiKeys({ connectionString: process.env.DATABASE_URL });
  const made = await keys.as({ actor: 'test' }).create({ name: 'orders', owner: 'alice', scopes: ['orders:read'] });
  const rawKey = made.apiKey;
  const keyId = made.key.id;
  await keys.as({ actor: 'test' }).create({ name: 'nightly report', owner: 'reports' });`;

const END = `
  await keys.close();
  console.log(refusalResponse(await keys.authenticate(new Request('http://localhost/'))).status);`;

/** The example that makes an instance names a database that is not here. */
const inCopy = (code: string): string => code.replace(/'postgres:[^']*'/, 'process.env.DATABASE_URL');

function examplesOf(source: string): string[] {
  return [...source.matchAll(/@example\n((?: *\*(?!\/).*\n)+)/g)].map(([, lines = '']) =>
    lines.replaceAll(/^ *\* ?/gm, ''),
  );
}
