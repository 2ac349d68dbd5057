import fc from 'fast-check';
import stringWidth from 'string-width';
import { expect, it } from 'vitest';
import type { Column, Formatter, RecordView } from '../../../src/cli/output/result.js';
import { colourUi, fromNow, plainUi } from './sample.js';

interface Secret {
  readonly version: number;
  readonly prefix: string;
  readonly state: string;
  readonly until: Date | null;
}

const SECRETS: readonly Secret[] = [
  { version: 2, prefix: 'rv_9f8e7d6c', state: 'current', until: null },
  { version: 1, prefix: 'rv_1a2b3c4d', state: 'grace', until: fromNow(86_400_000) },
];

const SECRET_COLUMNS: readonly Column<Secret>[] = [
  { name: 'version', header: 'version', value: (secret) => secret.version, align: 'right' },
  { name: 'key_prefix', header: 'key', value: (secret) => secret.prefix },
  { name: 'state', header: 'state', value: (secret) => secret.state },
  { name: 'valid_until', header: 'valid until', value: (secret) => secret.until },
];

const view = (ui: Formatter): RecordView => ({
  fields: [
    { label: 'Name', value: ui.bold('deployment-pipeline') },
    { label: 'Status', value: ui.status('frozen') },
    {
      label: 'Description',
      value:
        'Pushes images to the registry and rolls out the cluster; ask in #platform before revoking 在庫同期サービス',
    },
    { label: 'Expires', value: ui.when(fromNow(90 * 86_400_000)) },
    { label: 'Last used', value: ui.when(null) },
    { label: 'Revoked', value: null },
  ],
  sections: [
    { title: 'Secrets', body: ui.table(SECRET_COLUMNS, SECRETS) },
    { title: 'Usage today', fields: [{ label: 'Requests', value: ui.number(12_834) }] },
    { title: 'Latest events', empty: 'none' },
  ],
});

it.each([40, 80])('prints a key at length in %i columns', (width) => {
  const text = plainUi(width).record(view(plainUi(width)));
  expect(`\n${text}`).toMatchSnapshot();
  for (const line of text.split('\n')) expect(stringWidth(line)).toBeLessThanOrEqual(width);
});

it('says the same without colour', () => {
  const text = colourUi().record(view(colourUi()));
  expect(text).toContain('\u001b[36mfrozen\u001b[39m');
  expect(text.replaceAll(/\u001b\[\d+m/g, '')).toBe(plainUi().record(view(plainUi())));
});

it('puts values under their labels where there is no room beside them', () => {
  expect(plainUi(20).record({ fields: [{ label: 'Description', value: 'some words that wrap' }] })).toBe(
    'Description\n  some words that\n  wrap\n',
  );
});

it('shows hostile values and stays within the width', () => {
  fc.assert(
    fc.property(
      fc.string({ unit: 'binary', maxLength: 300 }),
      fc.integer({ min: 40, max: 120 }),
      (value, width) => {
        const text = plainUi(width).record({ fields: [{ label: 'Name', value }] });
        for (const line of text.split('\n')) {
          expect(line).not.toMatch(/[\p{Cc}\p{Bidi_Control}\u2028\u2029\p{Cs}]/u);
          expect(stringWidth(line)).toBeLessThanOrEqual(width);
          expect(line).toMatch(/^(Name {2}| {6}|$)/);
        }
      },
    ),
  );
});
