import type { Key } from '../../domain/key.js';
import { KEY_COLUMNS } from './key-columns.js';
import type { Column, Formatter, RecordField } from './result.js';

export interface SecretRow {
  readonly key: Key;
  readonly apiKey: string | null;
}

/** The secret first, then the columns of a listing. */
export const secretColumns: readonly Column<SecretRow>[] = [
  { name: 'api_key', header: 'api key', value: ({ apiKey }) => apiKey },
  ...KEY_COLUMNS.map(({ name, header, value }) => ({
    name,
    header,
    value: ({ key }: SecretRow) => value(key),
  })),
];

export interface SecretView extends SecretRow {
  /** `Created`, `Rotated`, `Ended the grace of`. */
  readonly title: string;
  readonly message: string;
  /** What there is to say of older secrets. */
  readonly previous?: (ui: Formatter) => RecordField[];
}

/** A key whose secret was just made: the secret stands on a line of its own, to be copied. */
export const secretView =
  ({ title, key, apiKey, message, previous }: SecretView) =>
  (ui: Formatter): string => {
    const { green, bold } = ui.chalk;
    const secret = apiKey === null ? [] : [`  ${bold(ui.text(apiKey))}`, ''];
    const fields: RecordField[] = [
      { label: 'Id', value: key.id },
      { label: 'Key', value: key.keyPrefix },
      { label: 'Tenant', value: key.tenantId },
      { label: 'Scopes', value: key.scopes.join(', ') || ui.dim('none') },
      { label: 'Expires', value: ui.when(key.expiresAt) },
      ...(previous?.(ui) ?? []),
    ];
    return [
      `${green(title)} ${bold(ui.text(key.name))}, owner ${ui.text(key.ownerId)}`,
      '',
      ...secret,
      bold(ui.text(message)),
      '',
      ui.record({ fields }),
    ].join('\n');
  };
