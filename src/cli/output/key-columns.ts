import { DEFAULT_TENANT, type Key } from '../../domain/key.js';
import type { Cell, Column, Formatter } from './result.js';

/** The columns of every listing of keys, in the order that tsv and csv keep; a narrow table leaves some out. */
export const KEY_COLUMNS: readonly Column<Key>[] = [
  { name: 'id', header: 'id', value: (key) => key.id, priority: 0 },
  { name: 'key_prefix', header: 'key', value: (key) => key.keyPrefix, priority: 10 },
  { name: 'name', header: 'name', value: (key) => key.name, priority: 10, wraps: true, minWidth: 18 },
  { name: 'owner_id', header: 'owner', value: (key) => key.ownerId, priority: 8, wraps: true },
  {
    name: 'status',
    header: 'status',
    value: (key) => key.status,
    cell: statusCell,
    priority: 9,
    wraps: true,
  },
  {
    name: 'scopes',
    header: 'scopes',
    value: (key) => key.scopes,
    priority: 4,
    flexible: true,
    minWidth: 12,
    maxWidth: 30,
    plain: (key) => key.scopes.length === 0,
  },
  {
    name: 'expires_at',
    header: 'expires',
    value: (key) => key.expiresAt,
    // What is revoked has ended, whenever it would have expired.
    cell: (key, ui) => (key.status === 'revoked' ? ui.dim('-') : ui.end(key.expiresAt)),
    priority: 7,
  },
  {
    name: 'last_used_at',
    header: 'last used',
    value: (key) => key.lastUsedAt,
    cell: (key, ui) => ui.relative(key.lastUsedAt),
    priority: 6,
  },
  { name: 'created_at', header: 'created', value: (key) => key.createdAt, priority: 3 },
  {
    name: 'tenant_id',
    header: 'tenant',
    value: (key) => key.tenantId,
    priority: 5,
    wraps: true,
    plain: (key) => key.tenantId === DEFAULT_TENANT,
  },
  {
    name: 'total_requests',
    header: 'requests',
    value: (key) => key.totalRequests,
    align: 'right',
    priority: 2,
    plain: (key) => key.totalRequests === 0,
  },
];

/** The same columns, where one value alone was asked for: nobody has to read it again in every row. */
export const keyColumnsBut = (
  asked: {
    readonly [Name in 'tenant_id' | 'owner_id' | 'status']?: string | undefined;
  },
): readonly Column<Key>[] =>
  KEY_COLUMNS.map((column) => {
    const known = Object.entries(asked).some(([name, value]) => name === column.name && value !== undefined);
    return known ? { ...column, plain: () => true } : column;
  });

function statusCell(key: Key, ui: Formatter): Cell {
  const { text, style } = ui.status(key.status);
  if (key.status !== 'frozen' || key.frozenUntil === null) return { text, style };
  return { text: `${text}, thaws ${ui.relative(key.frozenUntil)}`, style };
}
