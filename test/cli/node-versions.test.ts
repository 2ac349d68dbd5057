import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { execa } from 'execa';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { embeddedDatabase } from '../helpers/embedded.js';
import { NODE_VERSIONS, nodeExecutable } from '../helpers/node-versions.js';
import { useCli } from './apikeys.js';

/**
 * npm run test:nodes
 *
 * Whether the built program and the library start, and reach both databases, on every Node that is promised. The Nodes
 * are large, so they are fetched only when they are asked for.
 */

const ROOT = fileURLToPath(new URL('../..', import.meta.url));

const LIBRARY = `
  import { createApiKeys } from '${ROOT}dist/index.js';
  const keys = createApiKeys({ connectionString: process.env.APIKEYS_DATABASE_URL });
  console.log((await keys.verify(process.argv[1])).code);
  await keys.close();`;

describe.skipIf(process.env.APIKEYS_TEST_NODES !== '1')('on Node', () => {
  const cli = useCli();
  let executables: Promise<readonly (string | undefined)[]>;
  beforeAll(() => {
    // All at once: what takes the time is the way from the registry.
    executables = Promise.all(NODE_VERSIONS.map(nodeExecutable));
  });

  describe.each(NODE_VERSIONS)('%s', (version) => {
    let executable: string | undefined;
    let home: string;
    beforeAll(async () => {
      home = await mkdtemp(join(tmpdir(), 'apikeys-node-'));
      executable = (await executables)[NODE_VERSIONS.indexOf(version)];
    }, 300_000);
    afterAll(() => rm(home, { recursive: true, force: true }));

    /** What it prints; it has to end with 0, and to warn of nothing. */
    async function printed(args: readonly string[], input = ''): Promise<string> {
      const { exitCode, stdout, stderr } = await execa(executable ?? '', args, {
        env: { HOME: home, PATH: process.env.PATH ?? '', APIKEYS_DATABASE_URL: cli.database.url },
        extendEnv: false,
        input,
        reject: false,
      });
      expect({ exitCode, stderr }).toEqual({ exitCode: 0, stderr: '' });
      return stdout;
    }

    const apikeys = (args: readonly string[], input?: string) =>
      printed([join(ROOT, 'bin/apikeys.js'), ...args], input);

    test('it is that version, and the program starts', async ({ skip }) => {
      skip(executable === undefined, 'npm has no such Node for this platform, or cannot be reached');
      expect(await printed(['--version'])).toBe(`v${version}`);
      expect(await apikeys(['--version'])).toMatch(/^\d+\.\d+\.\d+$/);
      expect(await apikeys(['--help'])).toContain('Usage: apikeys');
    });

    test('makes, lists and verifies a key on a server', async ({ skip }) => {
      skip(executable === undefined, 'npm has no such Node for this platform, or cannot be reached');
      const secret = await apikeys(['create', 'ci', '--owner', version, '--quiet']);
      expect(await apikeys(['list', '--owner', version, '--count'])).toBe('1');
      expect(JSON.parse(await apikeys(['verify', '--json'], secret))).toMatchObject({ code: 'VALID' });
      expect(await printed(['--input-type=module', '-e', LIBRARY, secret])).toBe('VALID');
    });

    test('makes a key in the embedded database', async ({ skip }) => {
      skip(executable === undefined, 'npm has no such Node for this platform, or cannot be reached');
      // One of them makes the database, too: that takes ten times as long as all else here.
      if (version !== NODE_VERSIONS.at(-1)) await embeddedDatabase(join(home, '.local/share/apikeys'));
      await apikeys(['create', 'ci', '--owner', 'alice', '--embedded', '--quiet']);
      expect(await apikeys(['list', '--embedded', '--count'])).toBe('1');
    }, 180_000);
  });
});
