import type { AuditEvent } from '../domain/audit.js';
import type { Key } from '../domain/key.js';
import { secretStage } from '../domain/secret-stage.js';
import type { LimitsState } from '../domain/standing.js';
import { type ChainName, chainNameJson } from './chain.js';
import { eventJson } from './event.js';
import { keyJson } from './key.js';
import { limitsStateJson } from './limits.js';
import type { CreateJson, LifetimeCutJson, RotateJson, ShowJson } from './schemas/key-secrets.js';
import { isoTime, isoTimeOrNull } from './time.js';
import { type UsageTotal, usageTotalJson } from './usage.js';

/** A raw key goes where its reader asked for it, so that it may be missing here; the message says where it is. */
interface Delivered {
  readonly apiKey: string | null;
  readonly message: string;
}

interface CreatedKey {
  readonly key: Key;
  readonly changed: number;
  readonly firstKey: boolean;
  readonly lifetimeCut: LifetimeCut | null;
}

/** What a policy left of a lifetime. */
interface LifetimeCut {
  readonly fromMs: number | null;
  readonly toMs: number;
}

export const createdKeyJson = (
  { key, changed, firstKey, lifetimeCut }: CreatedKey,
  { apiKey, message }: Delivered,
): CreateJson => ({
  ...keyJson(key),
  api_key: apiKey,
  message,
  changed,
  first_key: firstKey,
  lifetime_cut: lifetimeCutJson(lifetimeCut),
});

interface RotatedKey {
  readonly key: Key;
  readonly changed: number;
  readonly previous: readonly { readonly keyPrefix: string; readonly validUntil: Date }[];
  readonly lifetimeCut: LifetimeCut | null;
  readonly brokenChains: readonly ChainName[];
}

export const rotatedKeyJson = (
  { key, changed, previous, lifetimeCut, brokenChains }: RotatedKey,
  { apiKey, message }: Delivered,
): RotateJson => ({
  ...keyJson(key),
  api_key: apiKey,
  message,
  changed,
  previous: previous.map(({ keyPrefix, validUntil }) => ({
    key_prefix: keyPrefix,
    valid_until: isoTime(validUntil),
  })),
  lifetime_cut: lifetimeCutJson(lifetimeCut),
  broken_chains: brokenChains.map(chainNameJson),
});

const lifetimeCutJson = (cut: LifetimeCut | null): LifetimeCutJson =>
  cut && { from_ms: cut.fromMs, to_ms: cut.toMs };

interface KeyDetails {
  readonly key: Key;
  readonly secrets: readonly Secret[];
  readonly limits: LimitsState | null;
  readonly ownerLimits: LimitsState | null;
  readonly usageToday: UsageTotal;
  readonly oldSecretUsedAt: Date | null;
  readonly events: readonly AuditEvent[];
}

interface Secret {
  readonly version: number;
  readonly keyPrefix: string;
  readonly createdAt: Date;
  readonly validUntil: Date | null;
  readonly retired: boolean;
}

export const keyDetailsJson = (details: KeyDetails): ShowJson => ({
  ...keyJson(details.key),
  limits: details.limits && limitsStateJson(details.limits),
  owner_limits: details.ownerLimits && limitsStateJson(details.ownerLimits),
  secrets: details.secrets.map(secretJson),
  usage_today: usageTotalJson(details.usageToday),
  old_secret_used_at: isoTimeOrNull(details.oldSecretUsedAt),
  events: details.events.map(eventJson),
});

const secretJson = (secret: Secret): ShowJson['secrets'][number] => ({
  version: secret.version,
  key_prefix: secret.keyPrefix,
  state: secretStage(secret),
  created_at: isoTime(secret.createdAt),
  valid_until: isoTimeOrNull(secret.validUntil),
});
