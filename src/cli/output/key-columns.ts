import type { Key } from '../../domain/key.js';
import { formatLimits } from '../../domain/limits.js';
import type { Column } from './result.js';

/** The columns of every listing of keys, in the order that tsv and csv keep; a narrow table leaves some out. */
export const KEY_COLUMNS: readonly Column<Key>[] = [
  { name: 'id', header: 'id', value: (key) => key.id, priority: 0 },
  { name: 'key_prefix', header: 'key', value: (key) => key.keyPrefix, priority: 10 },
  { name: 'name', header: 'name', value: (key) => key.name, priority: 10, flexible: true, minWidth: 18 },
  { name: 'owner_id', header: 'owner', value: (key) => key.ownerId, priority: 8, flexible: true },
  {
    name: 'status',
    header: 'status',
    value: (key) => key.status,
    cell: (key, ui) => ui.status(key.status),
    priority: 9,
  },
  {
    name: 'scopes',
    header: 'scopes',
    value: (key) => key.scopes,
    priority: 4,
    flexible: true,
    minWidth: 12,
    maxWidth: 30,
  },
  {
    name: 'expires_at',
    header: 'expires',
    value: (key) => key.expiresAt,
    // What is revoked has ended, whenever it would have expired.
    cell: (key, ui) => (key.status === 'revoked' ? ui.dim('-') : ui.relative(key.expiresAt)),
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
  { name: 'tenant_id', header: 'tenant', value: (key) => key.tenantId, priority: 5, flexible: true },
  {
    name: 'total_requests',
    header: 'requests',
    value: (key) => key.totalRequests,
    align: 'right',
    priority: 2,
  },
  {
    name: 'limits',
    header: 'limits',
    value: ({ limits }) => limits && formatLimits(limits),
    hidesEmpty: true,
    priority: 6,
    flexible: true,
    minWidth: 12,
    maxWidth: 30,
  },
];
