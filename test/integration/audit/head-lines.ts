import type { HeadLine } from '../../../src/service/audit/heads.js';
import type { TestCalls } from '../../helpers/named-caller.js';

/** The lines that `apikeys audit head` prints. */
export async function headLines(service: TestCalls, tenant?: string): Promise<string[]> {
  const lines: string[] = [];
  for await (const page of service.auditHeads({ tenant })) lines.push(...page.map(lineOf));
  return lines;
}

function lineOf(line: HeadLine): string {
  if ('digest' in line) return JSON.stringify({ chains: line.chains, at: line.at, sha256: line.digest });
  const { tenantId, ownerId, keyId, seq, hash } = line;
  return JSON.stringify({
    chain: keyId === null ? 'owner' : 'key',
    tenant_id: tenantId,
    owner_id: ownerId,
    key_id: keyId,
    seq,
    hash: hash.toString('hex'),
  });
}
