import { sql } from 'kysely';
import { PRIVILEGES } from '../domain/profiles.js';
import { quote } from '../domain/quote.js';
import { ApiKeysError } from '../errors.js';
import type { Engine } from './engine.js';
import { databaseError, routineOf, rowsGuarded, sqlStateOf } from './pg-errors.js';
import { sessionSettings } from './session-settings.js';

/** What only the server knows about a refusal. */
interface Facts {
  readonly role: string;
  readonly database: string;
  readonly encoding: string;
  /** Who owns the schema; null if there is none. */
  readonly schemaOwner: string | null;
}

/**
 * Says in our words what the database answered, as {@link databaseError} does, and asks it for what the answer leaves out:
 * who lacks a privilege, and whose it is to give; which encoding a text does not fit.
 */
export async function refusalOf(engine: Engine, error: unknown): Promise<ApiKeysError> {
  const sqlState = sqlStateOf(error);
  const text = error instanceof Error ? error.message : '';
  if (sqlState === '42501') {
    if (routineOf(error) === 'check_enable_rls')
      return rowsGuarded(namesIn(text, TABLES).slice(0, 1), sqlState);
    const facts = await askFacts(engine);
    return facts === undefined ? databaseError(error) : lacking(objectOf(text, facts), facts, sqlState);
  }
  if (sqlState === '22P05' || sqlState === '22021') {
    const encoding = (await askFacts(engine))?.encoding ?? 'unknown';
    return new ApiKeysError(
      'INVALID_INPUT',
      `the database's encoding, ${encoding}, has no character for a part of this text; nothing was changed`,
      { details: { reason: 'encoding', encoding }, sqlState },
    );
  }
  if (sqlState === '23514') {
    const encoding = (await askFacts(engine))?.encoding;
    if (encoding === 'SQL_ASCII') {
      return new ApiKeysError(
        'INVALID_INPUT',
        `the database's encoding, ${encoding}, counts bytes: a text is too long by that count; nothing was changed`,
        { details: { reason: 'encoding', encoding }, sqlState },
      );
    }
  }
  return databaseError(error);
}

/** Whether the database cannot even hold a text, so that nothing is found by it. */
export const isUnstorable = (error: unknown): boolean =>
  ['22P05', '22021'].includes(sqlStateOf(error) ?? '') ||
  (error instanceof ApiKeysError && error.details.reason === 'encoding');

const TABLES = [...new Set(Object.values(PRIVILEGES).flatMap((all) => all.map(({ table }) => table)))];

/** Names of ours in a text that may be in any language, the last one first. Nothing else of the text is repeated. */
const namesIn = (text: string, names: readonly string[]): string[] =>
  (text.match(/[\w$]+/g) ?? []).filter((word) => names.includes(word)).reverse();

function objectOf(text: string, { database }: Facts): string | undefined {
  // A database may be called as a table is.
  if (text.startsWith('permission denied for database')) return `database ${database}`;
  const [table] = namesIn(text, TABLES);
  if (table !== undefined) return `table apikeys.${table}`;
  if (namesIn(text, ['apikeys']).length > 0 && database !== 'apikeys') return 'schema apikeys';
  if (/\bschema "?apikeys/.test(text)) return 'schema apikeys';
  return text.includes(database) ? `database ${database}` : undefined;
}

function lacking(object: string | undefined, facts: Facts, sqlState: string): ApiKeysError {
  const { role, database, schemaOwner } = facts;
  const what = object === undefined ? 'that this needs' : `on the ${object}`;
  return new ApiKeysError(
    'PERMISSION_DENIED',
    `the database role ${quote(role)} lacks a privilege ${what}; nothing was changed`,
    {
      details: {
        role,
        ...(object !== undefined && { object }),
        ...(object?.startsWith('database ') && { reason: 'no_create', database }),
        ...(schemaOwner !== null && { schemaOwner }),
      },
      sqlState,
    },
  );
}

/** Undefined where the server does not answer that either. */
async function askFacts(engine: Engine): Promise<Facts | undefined> {
  try {
    return await engine.use(async (session) => {
      await session.script(`BEGIN READ ONLY; ${sessionSettings(engine.timeouts, engine.timeouts.answer)}`);
      const [facts] = await session.rows(sql<Facts>`
        SELECT current_user::text AS role, current_database()::text AS database,
               current_setting('server_encoding') AS encoding,
               (SELECT pg_get_userbyid(nspowner)::text FROM pg_namespace WHERE nspname = 'apikeys') AS "schemaOwner"`);
      await session.script('ROLLBACK');
      return facts;
    });
  } catch {
    return undefined;
  }
}
