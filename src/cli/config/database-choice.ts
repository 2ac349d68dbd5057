import { defaultEmbeddedFolder } from '../../db/embedded/folder.js';
import { quotePath } from '../../domain/quote.js';
import { CliError } from '../cli-error.js';
import { exclusionError } from '../definition/rules.js';
import { readTextFile, type TextFile } from '../input/read-file.js';
import { shellWord } from '../output/shell-word.js';
import { type ConfigFile, isOpenToOthers, YAML_DATABASE_URL } from './config-file.js';

/** Which database is used, and what said so. */
export type DatabaseChoice =
  | { readonly kind: 'server'; readonly url: string | undefined; readonly source: string }
  | { readonly kind: 'embedded'; readonly folder: string | undefined; readonly source: string };

interface Flags {
  readonly embedded?: boolean | undefined;
  readonly databaseUrlFile?: string | undefined;
}

interface Surroundings {
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly file: ConfigFile | undefined;
  readonly interactive: boolean;
  /** How the file with the URL is read. */
  readonly reading: Pick<TextFile, 'within' | 'signal'>;
}

/** libpq's variables that say where a server is; the others only say how to talk to it. */
const LIBPQ = ['PGHOST', 'PGHOSTADDR', 'PGPORT', 'PGDATABASE', 'PGUSER', 'PGSERVICE'];

/**
 * Which database: `--embedded`, `--database-url-file`, `APIKEYS_DATABASE_URL_FILE`, `APIKEYS_DATABASE_URL`,
 * YAML `database_url`, `DATABASE_URL`, libpq's `PG*`. With none of these a person gets the embedded one and
 * everything else `NO_DATABASE`: a cron job that lost its settings must not clean an empty database for years.
 */
export async function chooseDatabase(
  flags: Flags,
  { env, file, interactive, reading }: Surroundings,
): Promise<{ database: DatabaseChoice; notes: string[] }> {
  const notes: string[] = [];
  const chosen = (database: DatabaseChoice) => ({ database, notes });
  if (flags.embedded) {
    if (flags.databaseUrlFile !== undefined) throw exclusionError('--embedded', '--database-url-file');
    const configured = withoutBlanks(env.APIKEYS_DATABASE_URL);
    const choice = configured?.startsWith('embedded')
      ? fromUrl(configured, 'APIKEYS_DATABASE_URL')
      : undefined;
    const folder = choice?.kind === 'embedded' ? choice.folder : undefined;
    return chosen({ kind: 'embedded', folder, source: '--embedded' });
  }
  const urlFile = flags.databaseUrlFile?.trim() ?? withoutBlanks(env.APIKEYS_DATABASE_URL_FILE);
  if (urlFile !== undefined) {
    const source = flags.databaseUrlFile === undefined ? 'APIKEYS_DATABASE_URL_FILE' : '--database-url-file';
    const url = await readUrl(urlFile, source, reading);
    warnIfOpen(urlFile, url, notes);
    return chosen(fromUrl(url, source));
  }
  const own = withoutBlanks(env.APIKEYS_DATABASE_URL);
  if (own !== undefined) return chosen(fromUrl(own, 'APIKEYS_DATABASE_URL'));
  const inFile = withoutBlanks(file?.values.get(YAML_DATABASE_URL));
  if (file !== undefined && inFile !== undefined) {
    warnIfOpen(file.path, inFile, notes);
    return chosen(fromUrl(inFile, file.path));
  }
  const common = withoutBlanks(env.DATABASE_URL);
  if (common !== undefined) return chosen(fromUrl(common, 'DATABASE_URL'));
  if (LIBPQ.some((name) => withoutBlanks(env[name])))
    return chosen({ kind: 'server', url: undefined, source: 'PG*' });
  if (interactive) {
    notes.push(
      `note: no database is configured, so this uses the embedded one in ${defaultEmbeddedFolder(env)}; to end this note: \`export APIKEYS_DATABASE_URL=embedded\``,
    );
    return chosen({ kind: 'embedded', folder: undefined, source: 'default' });
  }
  throw new CliError('NO_DATABASE', 'no database is configured, and without a terminal none is assumed', {
    hint: 'Set APIKEYS_DATABASE_URL (or --database-url-file) to your PostgreSQL, or use --embedded.',
  });
}

/** What a secret's store adds: a line end, a blank, a byte order mark. Nothing else is as good as not set. */
const withoutBlanks = (text: string | undefined): string | undefined => text?.trim() || undefined;

/** `embedded` and `embedded:/path` mean the built-in one. */
function fromUrl(url: string, source: string): DatabaseChoice {
  if (url === 'embedded') return { kind: 'embedded', folder: undefined, source };
  if (!url.startsWith('embedded:')) return { kind: 'server', url, source };
  const folder = url.slice('embedded:'.length).trim();
  if (folder.includes('?')) {
    throw new CliError(
      'INVALID_CONFIG',
      `${source} names an embedded database with a ?, and it has no parameters`,
      {
        hint: 'Write embedded:/path/to/folder, and nothing behind it.',
      },
    );
  }
  if (folder.startsWith('/') || /^[A-Za-z]:[\\/]/.test(folder)) return { kind: 'embedded', folder, source };
  throw new CliError('INVALID_CONFIG', `${source} names an embedded database without an absolute path`, {
    hint: 'Write embedded:/path/to/folder, or embedded alone for the usual place.',
  });
}

async function readUrl(path: string, source: string, reading: Surroundings['reading']): Promise<string> {
  if (/^[a-z]{2,}:\//i.test(path)) {
    throw new CliError('INVALID_CONFIG', `${source} holds a URL, and not the path of a file that holds it`, {
      hint: 'Write the URL into a file that nobody else may read, and name that.',
    });
  }
  const name = `the file ${quotePath(path)} of ${source}`;
  const text = (await readTextFile(path, { ...reading, name, code: 'INVALID_CONFIG' })).trim();
  if (text !== '' && !/\s/.test(text)) return text;
  throw new CliError(
    'INVALID_CONFIG',
    `the file ${quotePath(path)} of ${source} does not hold one database URL`,
    {
      hint: 'Write postgres://user:password@host:5432/database into it, and nothing else.',
    },
  );
}

function warnIfOpen(path: string, url: string, notes: string[]): void {
  const holdsPassword = /^[a-z]+:\/\/[^@/:]*:[^@/]+@/.test(url) || /[?&]password=/.test(url);
  if (holdsPassword && isOpenToOthers(path)) {
    notes.push(
      `warning: ${quotePath(path)} holds a password and others may read it; run: chmod 600 ${shellWord(path)}`,
    );
  }
}
