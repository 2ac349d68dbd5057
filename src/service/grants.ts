import { isPlaceTaken } from '../db/pg-errors.js';
import { transaction } from '../db/transaction.js';
import { newId } from '../domain/id.js';
import type { Profile } from '../domain/profiles.js';
import { quote } from '../domain/quote.js';
import { checkLine } from '../domain/text.js';
import { ApiKeysError } from '../errors.js';
import { eventIsStored } from '../repository/audit.js';
import type { ChainRef } from '../repository/audit-anchors.js';
import { grantStatements, hasProfile, roleExists } from '../repository/privileges.js';
import { privilegesBeyond, type RoleFacts, readRoleFacts } from '../repository/role-facts.js';
import { recordOnDatabase } from './audit/tenant-chain.js';
import { actorOf, type ServiceContext } from './context.js';

export interface GrantRequest {
  /** An existing role of the database. */
  readonly role: string;
  readonly as: Profile;
}

export interface AppliedGrants {
  readonly statements: readonly string[];
  /** What the role may do beyond its profile all the same, by PUBLIC or by another role, such as `UPDATE on keys`. */
  readonly beyond: readonly string[];
  /** The chain of the database, if it was found broken: the event of this begins a new segment there. */
  readonly brokenChains: readonly ChainRef[];
}

/**
 * The SQL that gives a role what its profile needs, and takes everything else of the schema from it. Runs nothing.
 * Throws `INVALID_INPUT` for what is no role of one's own.
 */
export function grantsFor({ role, as }: GrantRequest): readonly string[] {
  const name = checkLine('the role', role, 63);
  // Also in quotes, PostgreSQL takes this name for everybody.
  if (name === 'public') throw noRoleOfOnesOwn('public is not a role but everybody');
  if (name === 'none' || name.startsWith('pg_'))
    throw noRoleOfOnesOwn(`${quote(name)} is a name of PostgreSQL itself`);
  return grantStatements(name, as);
}

/**
 * Runs the statements of {@link grantsFor}, all of them or none, and makes sure that they took effect: PostgreSQL only
 * warns when somebody grants what is not theirs to grant. Leaves an event in the chain of the database.
 *
 * Throws `ROLE_NOT_FOUND`, `PERMISSION_DENIED`, `INVALID_INPUT` for a role that no privilege binds, and what
 * {@link transaction} throws.
 */
export async function applyGrants(context: ServiceContext, request: GrantRequest): Promise<AppliedGrants> {
  const statements = grantsFor(request);
  const actor = actorOf(context);
  await context.ready();
  const { role, as } = request;
  const id = newId();
  return transaction(
    context.engine,
    async (connection) => {
      if (!(await roleExists(connection, role))) throw roleNotFound(role);
      const why = unbound(await readRoleFacts(connection, role));
      if (why !== undefined) throw notToBeBound(role, why);
      for (const statement of statements) await connection.script(statement);
      if (!(await hasProfile(connection, as, role))) throw notGranted();
      const beyond = await privilegesBeyond(connection, as, role);
      const details = { role, profile: as };
      const brokenChains = await recordOnDatabase(connection, { id, actor, action: 'role.granted', details });
      return { statements, beyond, brokenChains };
    },
    { wasCommitted: (session) => eventIsStored(session, id), isRace: isPlaceTaken },
  );
}

/** Why no privilege would bind a role; undefined: they do. */
function unbound({
  isSuperuser,
  mayActAsOwner,
  mayJoinAnyRole,
  mayWriteServerFiles,
}: RoleFacts): string | undefined {
  if (isSuperuser) return 'is a superuser, or may act as one';
  if (mayActAsOwner) return 'owns the schema or a table of it, or may act as the role that does';
  if (mayJoinAnyRole) return 'has CREATEROLE, and may make itself a member of the owner';
  return mayWriteServerFiles ? 'may write files of the server' : undefined;
}

function notToBeBound(role: string, why: string): ApiKeysError {
  return new ApiKeysError(
    'INVALID_INPUT',
    `the role ${quote(role)} ${why}: no privilege would bind it; nothing was changed`,
    {
      details: { reason: 'role_unbound', role },
    },
  );
}

function noRoleOfOnesOwn(why: string): ApiKeysError {
  return new ApiKeysError('INVALID_INPUT', `${why}; nothing was changed`, {
    details: { reason: 'role_reserved' },
  });
}

function roleNotFound(role: string): ApiKeysError {
  return new ApiKeysError('ROLE_NOT_FOUND', `the database has no role ${quote(role)}; nothing was changed`, {
    details: { role },
  });
}

function notGranted(): ApiKeysError {
  return new ApiKeysError(
    'PERMISSION_DENIED',
    'the role in use may not grant these privileges; nothing was changed',
    {
      details: { reason: 'not_grantable' },
    },
  );
}
