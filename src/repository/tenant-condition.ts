import { type RawBuilder, type SqlBool, sql } from 'kysely';

/** The tenant that a query is confined to; undefined: all of them. */
export type TenantScope = string | undefined;

/**
 * The one way to confine a query to a tenant: `column` is its tenant, or with undefined anybody's. Tenants are walls, and
 * a wall that each query builds for itself is one that some query forgets; a test looks for any other way.
 *
 * @example
 * sql`SELECT id FROM apikeys.keys AS key WHERE ${tenantIs('key.tenant_id', tenant)}`
 */
export const tenantIs = (column: TenantColumn, tenant: TenantScope): RawBuilder<SqlBool> =>
  tenant === undefined ? sql<SqlBool>`true` : sql<SqlBool>`${sql.ref(column)} = ${tenant}`;

type TenantColumn = 'tenant_id' | `${string}.tenant_id`;
