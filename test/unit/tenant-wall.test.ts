import { readdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';

const REPOSITORY = fileURLToPath(new URL('../../src/repository', import.meta.url));

const files = readdirSync(REPOSITORY).filter(
  (file) => file.endsWith('.ts') && file !== 'tenant-condition.ts',
);

/** Ways to say "this tenant, or all" beside `tenantIs`. */
const SECOND_WAYS: readonly RegExp[] = [
  // A condition on a tenant that may be missing. That of an owner's reference, `tenantId`, never is.
  /tenant_id"?\s*=\s*\$\{(?!(?:\w+\.)?tenantId\})[^}]*\}/g,
  /'(?:\w+\.)?tenant_id',\s*'=',\s*(?!\s|'|(?:\w+\.)?tenantId\b)[^)]*/g,
  /tenantId\s*(?:\?:|:\s*(?:TenantScope|string \| undefined))/g,
  // A condition that is there for some callers only.
  /\$if\(\s*[\w.]*tenant/gi,
  /tenant(?:Id)?\s*\?\?/gi,
  /if \(tenant(?:Id)? [!=]== undefined\)/g,
  /\btenant(?:Id)? [!=]== undefined\s*\?/g,
  /tenant(?:Id)?\b[^`\n]*::text IS NULL/gi,
];

const secondWays = (source: string): string[] =>
  SECOND_WAYS.flatMap((way) => [...source.matchAll(way)].map(([text]) => text));

test('a query is confined to a tenant in one way', () => {
  const found = files.flatMap((file) => secondWays(code(file)).map((text) => `${file}: ${text}`));
  expect(found).toEqual([]);
});

test('whoever takes a tenant confines the query to it, or hands it on', () => {
  const careless = files.filter((file) => {
    const source = code(file);
    return /\btenant\??: (?:TenantScope|string)/.test(source) && !/\btenantIs\(|[{,(] ?tenant\b/.test(source);
  });
  expect(careless).toEqual([]);
});

test.each([
  // biome-ignore lint/suspicious/noTemplateCurlyInString: these are texts of queries.
  'sql`WHERE key.tenant_id = ${tenant}`',
  // biome-ignore lint/suspicious/noTemplateCurlyInString: these are texts of queries.
  'sql`AND (${tenant ?? null}::text IS NULL OR tenant_id = ${tenant ?? null})`',
  "query.where('key.tenant_id', '=', tenant)",
  "query.$if(tenant !== undefined, (narrow) => narrow.where('tenant_id', '=', tenant ?? ''))",
  'tenant === undefined ? sql`true` : sql`false`',
  'if (tenant !== undefined) all.push(condition);',
  'function owners(tenantId: string | undefined) {}',
])('another way is found: %s', (source) => {
  expect(secondWays(source)).not.toEqual([]);
});

const code = (file: string): string =>
  readFileSync(`${REPOSITORY}/${file}`, 'utf8').replaceAll(/\/\*[\s\S]*?\*\/|(?<!:)\/\/.*/g, '');
