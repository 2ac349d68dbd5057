import type { Key } from '../../domain/key.js';
import type { Formatter, RecordField } from './result.js';

/** What a change of a key made of it, field by field: `Name  ci → nightly`. */
export function changesView(before: Key, after: Key, ui: Formatter): string {
  const rows: readonly [label: string, value: (key: Key) => string | undefined][] = [
    ['Name', ({ name }) => name],
    ['Owner', ({ ownerId }) => ownerId],
    ['Description', ({ description }) => description ?? undefined],
    ['Expires', ({ expiresAt }) => ui.when(expiresAt)],
    ['Scopes', ({ scopes }) => scopes.join(', ') || undefined],
    ...metadataOf(before, after),
  ];
  const changes = rows
    .filter(([, value]) => value(before) !== value(after))
    .map(
      ([label, value]): RecordField => ({
        label,
        value: `${value(before) ?? '(none)'} → ${value(after) ?? '(none)'}`,
      }),
    );
  return ui.record({
    fields: [{ label: 'Key', value: ui.bold(`${after.keyPrefix} ${after.name}`) }, ...changes],
  });
}

/** Each name of the notes that either has. */
function metadataOf(before: Key, after: Key): [string, (key: Key) => string | undefined][] {
  const names = new Set([...Object.keys(before.metadata), ...Object.keys(after.metadata)]);
  return [...names].map((name) => [
    `Metadata ${name}`,
    ({ metadata }) => (Object.hasOwn(metadata, name) ? metadata[name] : undefined),
  ]);
}
