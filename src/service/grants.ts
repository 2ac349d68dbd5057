import { transaction } from '../db/transaction.js';
import type { Profile } from '../domain/profiles.js';
import { quote } from '../domain/quote.js';
import { checkLine } from '../domain/text.js';
import { ApiKeysError } from '../errors.js';
import { grantStatements, hasProfile, roleExists } from '../repository/privileges.js';
import type { ServiceContext } from './context.js';

export interface GrantRequest {
  /** An existing role of the database. */
  readonly role: string;
  readonly as: Profile;
}

/** The SQL that gives a role what its profile needs, and takes everything else of the schema from it. Runs nothing. */
export function grantsFor({ role, as }: GrantRequest): readonly string[] {
  return grantStatements(checkLine('the role', role, 63), as);
}

/**
 * Runs the statements of {@link grantsFor}, all of them or none, and makes sure that they took effect: PostgreSQL only
 * warns when somebody grants what is not theirs to grant.
 *
 * Throws `ROLE_NOT_FOUND`, `PERMISSION_DENIED`, and what {@link transaction} throws.
 */
export async function applyGrants(
  context: ServiceContext,
  request: GrantRequest,
): Promise<readonly string[]> {
  const statements = grantsFor(request);
  await context.ready();
  const { role, as } = request;
  await transaction(
    context.engine,
    async (connection) => {
      if (!(await roleExists(connection, role))) throw roleNotFound(role);
      for (const statement of statements) await connection.script(statement);
      if (!(await hasProfile(connection, as, role))) throw notGranted();
    },
    // Repeatable, so "it is so now" is all there is to know.
    { settle: (session) => hasProfile(session, as, role) },
  );
  return statements;
}

function roleNotFound(role: string): ApiKeysError {
  return new ApiKeysError('ROLE_NOT_FOUND', `the database has no role ${quote(role)}; nothing was changed`, {
    hint: 'Make it first, for example: CREATE ROLE … LOGIN PASSWORD …',
  });
}

function notGranted(): ApiKeysError {
  return new ApiKeysError(
    'PERMISSION_DENIED',
    'the role in use may not grant these privileges; nothing was changed',
    {
      hint: "Run this as the schema's owner: the role that ran `apikeys migrate`.",
    },
  );
}
