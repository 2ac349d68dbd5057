import { counted } from '../../domain/counted.js';
import type { Key } from '../../domain/key.js';
import { changedKeysJson } from '../../representation/change.js';
import type { KeyImpact } from '../../service/key-impact.js';
import type { ChangedKeys } from '../../service/keys/change-keys.js';
import { KEY_COLUMNS } from './key-columns.js';
import type { Column, Result } from './result.js';

export interface ChangeView extends ChangedKeys {
  readonly dryRun: boolean;
  /** Said beside the table. */
  readonly summary: string;
}

/** How a change to several keys is printed. */
export function changeResult(view: ChangeView): Result<Key> {
  const { keys, impact, summary } = view;
  return {
    document: changedKeysJson(view),
    rows: keys,
    columns: impact === null ? KEY_COLUMNS : impactTable(impact),
    quiet: keys.map(({ id }) => id),
    footer: summary,
  };
}

/** `no key`, `1 key`, `2 keys`. */
export const keyCount = (count: number): string => (count === 0 ? 'no key' : counted(count, 'key'));

/**
 * What a change did, where its result cannot be printed: `2 keys were revoked`. Undefined where nothing was: then a closed
 * output is as quiet as that of a list.
 */
export function doneToKeys(changed: number, verb: string, dryRun: boolean): string | undefined {
  if (dryRun || changed === 0) return undefined;
  return `${counted(changed, 'key')} ${changed === 1 ? 'was' : 'were'} ${verb}`;
}

/** What is at stake beside each key that would change; what is in use today stands out. */
export function impactTable(impact: readonly KeyImpact[]): Column<Key>[] {
  const today = new Map(impact.map(({ key, usageToday }) => [key.id, usageToday]));
  return [
    ...KEY_COLUMNS,
    {
      name: 'requests_today',
      header: 'today',
      value: (key) => today.get(key.id)?.requestCount ?? null,
      cell: (key, ui) => {
        const requests = today.get(key.id)?.requestCount ?? null;
        if (requests === null) return ui.dim('-');
        return { text: ui.number(requests), style: requests > 0 ? ui.chalk.yellow : (text) => text };
      },
      align: 'right',
      priority: 8,
    },
    {
      name: 'spend_cents_today',
      header: 'cents',
      value: (key) => today.get(key.id)?.spendCents ?? null,
      plain: (key) => (today.get(key.id)?.spendCents ?? 0) === 0,
      align: 'right',
      priority: 8,
    },
  ];
}
