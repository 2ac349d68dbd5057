import type { AuditEvent, ChainFault } from '../domain/audit.js';
import type { StateField } from '../domain/key-state.js';
import { type ChainName, chainNameJson } from './chain.js';
import { eventJson } from './event.js';
import type { AuditHeadJson, AuditJson, AuditVerifyJson } from './schemas/audit.js';
import { isoTime } from './time.js';

export const eventPageJson = (page: {
  readonly events: readonly AuditEvent[];
  readonly nextCursor: string | null;
}): AuditJson => ({ events: page.events.map(eventJson), next_cursor: page.nextCursor });

/** The last event of a chain. */
interface Head extends ChainName {
  readonly seq: number;
  readonly hash: Buffer;
}

/** What follows the last head: how many there were, and the checksum of their lines. */
interface HeadsEnd {
  readonly chains: number;
  readonly at: Date;
  readonly digest: string;
}

export function headLineJson(line: Head | HeadsEnd): AuditHeadJson {
  if ('digest' in line) return { chains: line.chains, at: isoTime(line.at), sha256: line.digest };
  return { ...chainNameJson(line), seq: line.seq, hash: line.hash.toString('hex') };
}

interface Verdict {
  readonly valid: boolean;
  readonly chains: number;
  readonly events: number;
  readonly broken: readonly BrokenPlace[];
  readonly brokenCount: number;
  readonly nextCursor: string | null;
}

interface BrokenPlace extends ChainName {
  readonly seq: number;
  readonly fault: ChainFault;
  readonly field: StateField | null;
}

export const auditVerdictJson = ({
  valid,
  chains,
  events,
  broken,
  brokenCount,
  nextCursor,
}: Verdict): AuditVerifyJson => ({
  valid,
  chains,
  events,
  broken: broken.map(brokenPlaceJson),
  broken_count: brokenCount,
  next_cursor: nextCursor,
});

const brokenPlaceJson = (place: BrokenPlace): AuditVerifyJson['broken'][number] => ({
  ...chainNameJson(place),
  seq: place.seq,
  fault: place.fault,
  field: place.field,
});
