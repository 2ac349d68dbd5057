import type { Cautions } from '../service/service.js';
import { disableRowSecurity } from './hints.js';

/** What is said of a database in which not every text, or not every role, can do its work. */
export function cautionsOf({ encoding, guardedTables }: Cautions): string[] {
  const said: string[] = [];
  if (encoding !== 'UTF8') {
    said.push(
      `the database's encoding is ${encoding}: text that it has no character for is refused; UTF8 takes every text`,
    );
  }
  if (guardedTables.length > 0) {
    const tables = guardedTables.map(({ table }) => table);
    said.push(
      `row level security is on for ${tables.join(', ')}, and refuses every role that it binds; ` +
        `to switch it off: ${tables.map(disableRowSecurity).join(' ')}`,
    );
  }
  return said;
}
