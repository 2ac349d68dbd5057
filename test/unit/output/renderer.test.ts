import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { CliError } from '../../../src/cli/cli-error.js';
import { FORMATS, type Format } from '../../../src/cli/output/format.js';
import { createRenderer, type Renderer, type RendererOptions } from '../../../src/cli/output/renderer.js';
import type { Listing, Result } from '../../../src/cli/output/result.js';
import { ClosedOutput } from '../../../src/cli/output/streams.js';
import { ApiKeysError } from '../../../src/errors.js';
import { Memory, NOW, SAMPLE_COLUMNS, SAMPLE_KEYS, type SampleKey } from './sample.js';

interface Setup {
  readonly renderer: Renderer;
  readonly stdout: Memory;
  readonly stderr: Memory;
}

function setUp(format: Format, options: Partial<RendererOptions> = {}): Setup {
  const stdout = new Memory();
  const stderr = new Memory();
  const renderer = createRenderer({
    format,
    quiet: false,
    streams: { stdout, stderr },
    width: 80,
    stderrWidth: Number.POSITIVE_INFINITY,
    colour: { stdout: 0, stderr: 0 },
    now: () => NOW,
    ...options,
  });
  return { renderer, stdout, stderr };
}

const record = (key: SampleKey): unknown => ({ id: key.id, name: key.name, expires_at: key.expiresAt });

const listOf = (keys: readonly SampleKey[]): Result<SampleKey> => ({
  document: { keys: keys.map(record), next_cursor: null },
  rows: keys,
  record,
  columns: SAMPLE_COLUMNS,
  quiet: keys.map((key) => key.id),
  empty: 'No keys yet. Create one with `apikeys create`.',
});

const LISTING: Listing<SampleKey> = {
  name: 'keys',
  rest: { next_cursor: null },
  record,
  columns: SAMPLE_COLUMNS,
  quiet: (key) => key.id,
  empty: 'No keys yet. Create one with `apikeys create`.',
};

async function* pagesOf<Row>(rows: readonly Row[], size: number): AsyncGenerator<readonly Row[]> {
  for (let start = 0; start < rows.length; start += size) yield rows.slice(start, start + size);
}

const [FIRST] = SAMPLE_KEYS;
const ONE = FIRST === undefined ? [] : [FIRST];

describe('result', () => {
  it('prints one indented object as json', async () => {
    const { renderer, stdout, stderr } = setUp('json');
    await renderer.result(listOf(SAMPLE_KEYS));
    expect(stdout.text).toBe(`${JSON.stringify(listOf(SAMPLE_KEYS).document, null, 2)}\n`);
    expect(stderr.text).toBe('');
  });

  it('prints an object per row as ndjson, or the document on one line', async () => {
    const { renderer, stdout } = setUp('ndjson');
    await renderer.result(listOf(SAMPLE_KEYS));
    expect(stdout.text).toBe(SAMPLE_KEYS.map((key) => `${JSON.stringify(record(key))}\n`).join(''));
    const other = setUp('ndjson');
    await other.renderer.result({ document: { count: 3 }, rows: [], columns: [], quiet: ['3'] });
    expect(other.stdout.text).toBe('{"count":3}\n');
  });

  it('prints tsv without a header and with every column', async () => {
    const { renderer, stdout } = setUp('tsv');
    await renderer.result(listOf(ONE));
    expect(stdout.text.split('\t')).toEqual([
      '0195c1f0-7a3e-7c41-9b1d-000000000001',
      'rv_2b1e0004',
      'deployment-pipeline-production',
      'team-platform',
      'active',
      'deploy:*',
      '1284991',
      '2026-03-14T09:26:44.589Z',
      '2026-06-12T09:26:53.589Z\n',
    ]);
  });

  it('prints csv with a header, even for no rows', async () => {
    const header = 'id,key_prefix,name,owner_id,status,scopes,total_requests,last_used_at,expires_at\n';
    const { renderer, stdout } = setUp('csv');
    await renderer.result(listOf([]));
    expect(stdout.text).toBe(header);
    const full = setUp('csv');
    await full.renderer.result(listOf(SAMPLE_KEYS));
    expect(full.stdout.text.split('\n')).toHaveLength(SAMPLE_KEYS.length + 2);
    expect(full.stdout.text.startsWith(header)).toBe(true);
  });

  it.each(FORMATS)('prints its own lines with --quiet, except for json (%s)', async (format) => {
    const { renderer, stdout } = setUp(format, { quiet: true });
    await renderer.result(listOf(ONE));
    expect(stdout.text).toBe(
      format === 'json'
        ? `${JSON.stringify(listOf(ONE).document, null, 2)}\n`
        : '0195c1f0-7a3e-7c41-9b1d-000000000001\n',
    );
  });

  it('says what to do next when a table has no rows, on stderr', async () => {
    const { renderer, stdout, stderr } = setUp('table');
    await renderer.result(listOf([]));
    expect(stdout.text).toBe('');
    expect(stderr.text).toBe('No keys yet. Create one with `apikeys create`.\n');
    const piped = setUp('tsv');
    await piped.renderer.result(listOf([]));
    expect([piped.stdout.text, piped.stderr.text]).toEqual(['', '']);
  });

  it('prints a view for people instead of the table, guarded', async () => {
    const { renderer, stdout, stderr } = setUp('table', { colour: { stdout: 1, stderr: 0 } });
    await renderer.result({
      ...listOf([]),
      human: (ui) => `${ui.chalk.bold('Key')} ${ui.text('a\u001bb')} forgotten\u001b[2J`,
      footer: 'More: --cursor X',
    });
    expect(stdout.text).toBe('\u001b[1mKey\u001b[22m a\\x1bb forgotten\\x1b[2J\n');
    expect(stderr.text).toBe('More: --cursor X\n');
  });

  it('passes on a closed reader', async () => {
    const { renderer, stdout } = setUp('tsv');
    stdout.destroy();
    await expect(renderer.result(listOf(SAMPLE_KEYS))).rejects.toBeInstanceOf(ClosedOutput);
  });
});

describe('stream', () => {
  it.each([1, 2, 3, 100])('prints the same json as a result, in pages of %i', async (size) => {
    const { renderer, stdout } = setUp('json');
    expect(await renderer.stream(LISTING, pagesOf(SAMPLE_KEYS, size))).toBe(SAMPLE_KEYS.length);
    expect(stdout.text).toBe(`${JSON.stringify(listOf(SAMPLE_KEYS).document, null, 2)}\n`);
  });

  it.each(FORMATS)('prints an empty %s as a result does', async (format) => {
    const streamed = setUp(format);
    const whole = setUp(format);
    await streamed.renderer.stream(LISTING, pagesOf<SampleKey>([], 1));
    await whole.renderer.result(listOf([]));
    expect(streamed.stdout.text).toBe(whole.stdout.text);
    expect(streamed.stderr.text).toBe(whole.stderr.text);
  });

  it.each(FORMATS.filter((format) => format !== 'json'))(
    'prints %s page by page as a result does',
    async (format) => {
      for (const quiet of [false, true]) {
        const streamed = setUp(format, { quiet });
        const whole = setUp(format, { quiet });
        await streamed.renderer.stream(LISTING, pagesOf(SAMPLE_KEYS, format === 'table' ? 100 : 2));
        await whole.renderer.result(listOf(SAMPLE_KEYS));
        expect(streamed.stdout.text).toBe(whole.stdout.text);
      }
    },
  );

  it('takes ndjson lines as the listing makes them, but for what acts on a terminal', async () => {
    const { renderer, stdout } = setUp('ndjson');
    await renderer.stream({ ...LISTING, line: () => '{"name":"\u202e"}' }, pagesOf(ONE, 1));
    expect(stdout.text).toBe('{"name":"\\u202e"}\n');
  });

  it('shows no raw control in a table, and puts no colour on one without', async () => {
    const { renderer, stdout } = setUp('table');
    await renderer.stream(
      LISTING,
      pagesOf(
        SAMPLE_KEYS.map((key) => ({ ...key, name: `${key.name}\u001b[2J` })),
        2,
      ),
    );
    expect(stdout.text.replaceAll('\n', '')).not.toMatch(/\p{Cc}/u);
  });

  it('guards a table against a style that is more than colour', async () => {
    const { renderer, stdout } = setUp('table', { colour: { stdout: 1, stderr: 0 } });
    const columns = [
      { name: 'a', header: 'a', value: () => '', cell: () => ({ text: 'a', style: () => '\u001b[2J' }) },
    ];
    await renderer.stream({ ...LISTING, columns }, pagesOf(ONE, 1));
    expect(stdout.text).toBe('\u001b[4mA\u001b[24m\n\\x1b[2J\n');
  });

  it('asks for no further page once the reader is gone, and lets the source clean up', async () => {
    const { renderer, stdout } = setUp('ndjson');
    let asked = 0;
    let cleaned = false;
    async function* pages(): AsyncGenerator<readonly SampleKey[]> {
      try {
        for (;;) {
          asked += 1;
          if (asked === 2) stdout.destroy();
          yield SAMPLE_KEYS;
        }
      } finally {
        cleaned = true;
      }
    }
    await expect(renderer.stream(LISTING, pages())).rejects.toBeInstanceOf(ClosedOutput);
    expect([asked, cleaned]).toEqual([2, true]);
  });
});

describe('note', () => {
  it.each(FORMATS)('is for people: %s', async (format) => {
    const { renderer, stdout, stderr } = setUp(format);
    await renderer.note('new tenant "a\u001bb"');
    expect(stderr.text).toBe(format === 'json' || format === 'ndjson' ? '' : 'new tenant "a\\x1bb"\n');
    expect(stdout.text).toBe('');
  });

  it('is silent with --quiet, and fails for nobody', async () => {
    const { renderer, stderr } = setUp('table', { quiet: true });
    await renderer.note('note');
    expect(stderr.text).toBe('');
    const closed = setUp('table');
    closed.stderr.destroy();
    await closed.renderer.note('note');
  });
});

describe('aside', () => {
  it.each(FORMATS)('is for people, on stderr: %s', async (format) => {
    const { renderer, stdout, stderr } = setUp(format, { stderrWidth: 40 });
    await renderer.aside((ui) => ui.record({ fields: [{ label: 'rv_1a2b3c4d', value: 'a\u001bb' }] }));
    expect(stderr.text).toBe(format === 'json' || format === 'ndjson' ? '' : 'rv_1a2b3c4d  a\\x1bb\n');
    expect(stdout.text).toBe('');
  });
});

describe('error', () => {
  const error = new CliError('KEY_NOT_FOUND', "no key 'a\u001b[2J'\n    at forged (file.js:1:1)", {
    hint: 'Run `apikeys list`.',
    sqlState: '23505',
  });

  it('is an object for programs, even with --quiet', async () => {
    for (const format of ['json', 'ndjson'] as const) {
      const { renderer, stdout, stderr } = setUp(format, { quiet: true });
      await renderer.error(error);
      expect(JSON.parse(stderr.text)).toEqual({
        error: { code: 'KEY_NOT_FOUND', message: error.message, hint: 'Run `apikeys list`.' },
      });
      expect(stdout.text).toBe('');
      expect(stderr.text.trimEnd().includes('\n')).toBe(format === 'json');
    }
  });

  it('is a message and a hint for people', async () => {
    const { renderer, stderr } = setUp('tsv');
    await renderer.error(error);
    expect(stderr.text).toBe(
      "apikeys: no key 'a\\x1b[2J'\\n    at forged (file.js:1:1)\nhint: Run `apikeys list`.\n",
    );
  });

  it('takes colour where stderr may have it', async () => {
    const { renderer, stderr } = setUp('tsv', { colour: { stdout: 0, stderr: 1 } });
    await renderer.error(new ApiKeysError('INTERNAL', 'broken'));
    expect(stderr.text).toBe('\u001b[31mapikeys:\u001b[39m broken\n');
  });

  it('breaks between words on a terminal, and leaves a command whole', async () => {
    const { renderer, stderr } = setUp('table', { stderrWidth: 40 });
    await renderer.error(
      new CliError('KEY_NOT_FOUND', 'no key matches "nope"; nothing was changed', {
        hint: 'Its id, prefix or name is meant; `apikeys list` shows them.',
      }),
    );
    await renderer.note(`More keys follow: --all, or --cursor ${'x'.repeat(50)}`);
    expect(stderr.text.split('\n')).toEqual([
      'apikeys: no key matches "nope"; nothing',
      '         was changed',
      'hint: Its id, prefix or name is meant;',
      '      `apikeys list` shows them.',
      'More keys follow: --all, or --cursor',
      'x'.repeat(50),
      '',
    ]);
  });

  it('tells with --debug where it happened and nothing of its cause', async () => {
    const caused = Object.assign(new ApiKeysError('INTERNAL', error.message, { sqlState: '23505' }), {
      cause: new Error('duplicate key (hash)=(\\xdeadbeef)'),
    });
    const { renderer, stderr } = setUp('table');
    await renderer.error(caused, { debug: true });
    const [, code, state, ...frames] = stderr.text.trimEnd().split('\n');
    expect([code, state]).toEqual(['code: INTERNAL', 'sqlstate: 23505']);
    expect(frames.length).toBeGreaterThan(0);
    expect(stderr.text).toMatch(/^ {2}at .*renderer\.test\.ts/m);
    for (const frame of frames) expect(frame).toMatch(/^ {2}at (?!forged|.*node_modules)/);
    expect(stderr.text).not.toContain('deadbeef');

    const json = setUp('json');
    await json.renderer.error(caused, { debug: true });
    expect(JSON.parse(json.stderr.text)).toMatchObject({
      error: {
        hint: null,
        sql_state: '23505',
        stack: expect.arrayContaining([expect.stringContaining('renderer.test.ts')]),
      },
    });
    expect(json.stderr.text).not.toContain('deadbeef');
  });

  it('fails for nobody', async () => {
    const { renderer, stderr } = setUp('json');
    stderr.destroy();
    await renderer.error(error);
  });
});

describe('hostile text', () => {
  it('reaches no stream raw, in any format, and forges no row', async () => {
    const text = fc.oneof(
      fc.string({ unit: 'binary', maxLength: 60 }),
      fc.constantFrom(
        '\u001b]0;x\u0007',
        '\r\nforged',
        '\u202e',
        '\u0000',
        '\ud800',
        '=cmd',
        '__proto__',
        '🚀'.repeat(200),
      ),
    );
    await fc.assert(
      fc.asyncProperty(
        fc.constantFrom(...FORMATS),
        fc.boolean(),
        text,
        text,
        async (format, quiet, name, ownerId) => {
          const keys = SAMPLE_KEYS.map((key) => ({ ...key, name, ownerId, scopes: [name], id: ownerId }));
          const { renderer, stdout, stderr } = setUp(format, { quiet });
          await renderer.result({ ...listOf(keys), footer: name });
          await renderer.note(name);
          await renderer.error(new CliError('KEY_NOT_FOUND', name, { hint: ownerId }));
          for (const written of [stdout.text, stderr.text]) {
            expect(written.replaceAll(format === 'tsv' ? /[\n\t]/g : '\n', '')).not.toMatch(
              /[\p{Cc}\p{Bidi_Control}\u2028\u2029\p{Cs}]/u,
            );
          }
          if (format === 'json') expect(JSON.parse(stdout.text)).toBeTypeOf('object');
          else {
            const headers = !quiet && (format === 'csv' || format === 'table') ? 1 : 0;
            expect(stdout.text.split('\n')).toHaveLength(keys.length + headers + 1);
          }
        },
      ),
      { numRuns: 300 },
    );
  });
});

describe('what a pipe pays', () => {
  it('loads no library for tsv and json', () => {
    const seen = new Set<string>();
    const libraries = new Set<string>();
    const walk = (url: URL): void => {
      if (seen.has(url.href)) return;
      seen.add(url.href);
      const source = readFileSync(fileURLToPath(url), 'utf8');
      for (const [, specifier = ''] of source.matchAll(
        /^(?:import|export) (?!type )[^;]*? from '([^']+)';$/gms,
      )) {
        if (specifier.startsWith('.')) walk(new URL(specifier.replace(/\.js$/, '.ts'), url));
        else if (!specifier.startsWith('node:')) libraries.add(specifier);
      }
    };
    walk(new URL('../../../src/cli/output/renderer.ts', import.meta.url));
    expect(seen.size).toBeGreaterThan(5);
    expect([...libraries]).toEqual([]);
  });
});
