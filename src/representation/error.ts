import type { KeyCandidate } from '../error-details.js';
import type { ErrorJson } from './schemas/error.js';
import { isoTimeOrNull } from './time.js';

interface Failure {
  readonly code: string;
  readonly message: string;
  readonly hint: string | null;
  /** The keys that may be meant, where it is not clear which. */
  readonly candidates?: readonly KeyCandidate[] | undefined;
}

/** What every face answers when something failed; `more` is what a face adds for whoever looks for the cause. */
export const errorJson = <More extends object>(
  { code, message, hint, candidates }: Failure,
  more: More,
): { readonly error: ErrorJson['error'] & More } => ({
  error: {
    code,
    message,
    hint,
    ...(candidates !== undefined && { candidates: candidates.map(candidateJson) }),
    ...more,
  },
});

const candidateJson = (key: KeyCandidate): NonNullable<ErrorJson['error']['candidates']>[number] => ({
  id: key.id,
  key_prefix: key.keyPrefix,
  name: key.name,
  owner_id: key.owner,
  tenant_id: key.tenant,
  status: key.status,
  created_at: isoTimeOrNull(key.createdAt),
  last_used_at: isoTimeOrNull(key.lastUsedAt),
});
