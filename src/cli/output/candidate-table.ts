import type { KeyCandidate } from '../../error-details.js';
import type { ColourLevel } from './colour.js';
import type { Column } from './result.js';
import { createUi } from './ui.js';
import { guardTerminal } from './visible.js';

const COLUMNS: readonly Column<KeyCandidate>[] = [
  { name: 'key_prefix', header: 'key', value: ({ keyPrefix }) => keyPrefix, priority: 9 },
  { name: 'owner', header: 'owner', value: ({ owner }) => owner, priority: 8, flexible: true },
  { name: 'tenant', header: 'tenant', value: ({ tenant }) => tenant, priority: 3, flexible: true },
  {
    name: 'status',
    header: 'status',
    value: ({ status }) => status,
    cell: ({ status }, ui) => ui.status(status),
    priority: 6,
  },
  { name: 'created_at', header: 'created', value: ({ createdAt }) => createdAt, priority: 7 },
  {
    name: 'last_used_at',
    header: 'last used',
    value: ({ lastUsedAt }) => lastUsedAt,
    cell: ({ lastUsedAt }, ui) => ui.relative(lastUsedAt),
    priority: 5,
  },
];

/** The keys that may be meant, for a person who has to choose. */
export function candidateTable(
  candidates: readonly KeyCandidate[],
  { width, level, now }: { readonly width: number; readonly level: ColourLevel; readonly now: Date },
): string {
  const ui = createUi({ width, level, now });
  return guardTerminal(ui.table(COLUMNS, candidates), level > 0).trimEnd();
}
