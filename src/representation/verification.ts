import type { Key } from '../domain/key.js';
import type { LimitUse } from '../domain/standing.js';
import type { VerifyCode } from '../domain/verification.js';
import { limitUseJson } from './limits.js';
import type { VerifyJson } from './schemas/verification.js';
import { isoTimeOrNull } from './time.js';

type VerifiedKey = Pick<
  Key,
  'id' | 'tenantId' | 'ownerId' | 'name' | 'keyPrefix' | 'scopes' | 'metadata' | 'expiresAt'
>;

interface Verification {
  readonly valid: boolean;
  readonly code: VerifyCode;
  readonly key: VerifiedKey | null;
  readonly missingScopes: readonly string[];
  readonly retryAfterMs: number | null;
  readonly limits: readonly LimitUse[];
}

interface Check {
  readonly check: string;
  readonly passed: boolean | null;
  readonly detail: string;
}

/** `checks` are those of an explanation; null where none was asked for. */
export const verificationJson = (
  { valid, code, key, missingScopes, retryAfterMs, limits }: Verification,
  checks: readonly Check[] | null,
): VerifyJson => ({
  valid,
  code,
  key: key && verifiedKeyJson(key),
  missing_scopes: [...missingScopes],
  retry_after_ms: retryAfterMs,
  limits: limits.map(limitUseJson),
  checks: checks?.map(({ check, passed, detail }) => ({ check, passed, detail })) ?? null,
});

const verifiedKeyJson = (key: VerifiedKey): NonNullable<VerifyJson['key']> => ({
  id: key.id,
  tenant_id: key.tenantId,
  owner_id: key.ownerId,
  name: key.name,
  key_prefix: key.keyPrefix,
  scopes: [...key.scopes],
  metadata: { ...key.metadata },
  expires_at: isoTimeOrNull(key.expiresAt),
});
