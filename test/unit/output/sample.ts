import { Writable } from 'node:stream';
import type { Column, Formatter } from '../../../src/cli/output/result.js';
import { createUi } from '../../../src/cli/output/ui.js';

export const NOW = new Date('2026-03-14T09:26:53.589Z');

const HOUR = 3_600_000;
const DAY = 24 * HOUR;

export const fromNow = (ms: number): Date => new Date(NOW.getTime() + ms);

export interface SampleKey {
  readonly id: string;
  readonly keyPrefix: string;
  readonly name: string;
  readonly ownerId: string;
  readonly status: string;
  readonly scopes: readonly string[];
  readonly requests: number;
  readonly lastUsedAt: Date | null;
  readonly expiresAt: Date | null;
}

const row = (
  number: number,
  name: string,
  ownerId: string,
  status: string,
  scopes: readonly string[],
  requests: number,
  lastUsed: number | null,
  expires: number | null,
): SampleKey => ({
  id: `0195c1f0-7a3e-7c41-9b1d-${number.toString(16).padStart(12, '0')}`,
  keyPrefix: `rv_${(0x1a2b3c4d + number * 0x10f2c3b7).toString(16).slice(-8)}`,
  name,
  ownerId,
  status,
  scopes,
  requests,
  lastUsedAt: lastUsed === null ? null : fromNow(lastUsed),
  expiresAt: expires === null ? null : fromNow(expires),
});

export const SAMPLE_KEYS: readonly SampleKey[] = [
  row(
    1,
    'deployment-pipeline-production',
    'team-platform',
    'active',
    ['deploy:*'],
    1_284_991,
    -9_000,
    90 * DAY,
  ),
  row(2, 'ci-nightly', 'team-platform', 'active', ['read', 'builds:write'], 48_210, -7 * HOUR, 61 * DAY),
  row(3, 'billing-export', 'finance', 'frozen', ['invoices:read'], 902, -3 * DAY, 12 * DAY),
  row(
    4,
    '在庫同期サービス',
    '東京支店',
    'active',
    ['orders:read', 'orders:write'],
    73_004,
    -42_000,
    20 * HOUR,
  ),
  row(5, '🚀 launch 👩‍💻 notebook 🇩🇪', 'u_8f2e61', 'active', ['*'], 17, -26 * HOUR, null),
  row(6, 'legacy-mobile-app', 'u_1b0c77', 'expired', ['read'], 9_310_552, -33 * DAY, -2 * DAY),
  row(7, 'contractor-laptop', 'u_77d0aa', 'revoked', ['read', 'orders:*', 'reports:read'], 0, null, 44 * DAY),
];

export const SAMPLE_COLUMNS: readonly Column<SampleKey>[] = [
  { name: 'id', header: 'id', value: (key) => key.id, priority: 1 },
  { name: 'key_prefix', header: 'key', value: (key) => key.keyPrefix, priority: 10 },
  { name: 'name', header: 'name', value: (key) => key.name, priority: 9, flexible: true, minWidth: 14 },
  {
    name: 'owner_id',
    header: 'owner',
    value: (key) => key.ownerId,
    priority: 6,
    flexible: true,
    minWidth: 12,
  },
  {
    name: 'status',
    header: 'status',
    value: (key) => key.status,
    cell: (key, ui) => ui.status(key.status),
    priority: 8,
  },
  {
    name: 'scopes',
    header: 'scopes',
    value: (key) => key.scopes,
    priority: 2,
    flexible: true,
    minWidth: 16,
    maxWidth: 32,
  },
  {
    name: 'total_requests',
    header: 'requests',
    value: (key) => key.requests,
    align: 'right',
    priority: 4,
  },
  {
    name: 'last_used_at',
    header: 'last used',
    value: (key) => key.lastUsedAt,
    cell: (key, ui) => (key.lastUsedAt === null ? ui.dim('never') : ui.relative(key.lastUsedAt)),
    priority: 5,
  },
  {
    name: 'expires_at',
    header: 'expires',
    value: (key) => key.expiresAt,
    cell: (key, ui) => ui.relative(key.expiresAt),
    priority: 7,
  },
];

export const plainUi = (width = 80): Formatter => createUi({ width, level: 0, now: NOW });
export const colourUi = (width = 80): Formatter => createUi({ width, level: 1, now: NOW });

/** A stream that keeps what was written to it. */
export class Memory extends Writable {
  text = '';
  override _write(chunk: Buffer, _encoding: BufferEncoding, done: () => void): void {
    this.text += chunk.toString('utf8');
    done();
  }
}
