import type { Session } from '../../db/engine.js';
import { read } from '../../db/transaction.js';
import {
  type AuditEvent,
  type ChainHead,
  EMPTY_CHAIN,
  type LinkFault,
  verifyLink,
} from '../../domain/audit.js';
import type { ChainRef } from '../../repository/audit-anchors.js';
import {
  type ChainEnd,
  type ChainEvent,
  chainAnchors,
  chainEvents,
  type FoundAnchor,
  type StoredHead,
  storedHeads,
} from '../../repository/audit-chains.js';
import type { TenantScope } from '../../repository/key-records.js';
import type { ServiceContext } from '../context.js';
import { checkTenantScope } from '../find-keys.js';
import { Ahead, compareChains, firstChain, inChainOrder, takeChain } from './chains.js';
import { readSavedHeads } from './saved-heads.js';

/**
 * What is wrong at a place of a chain:
 *
 * - `hash`: the event was altered; `seq`: events before it are missing; `prev_hash`: it does not follow the one before;
 * - `head`: the head that is stored on the key or owner, or was saved, is not the event of that place: events were added,
 *   replaced, or the row was altered, removed or put back;
 * - `truncated`: the chain ends before the head; `missing`: nothing is left of it.
 */
export type ChainFault = LinkFault | 'head' | 'truncated' | 'missing';

export interface BrokenPlace extends ChainRef {
  readonly seq: number;
  readonly fault: ChainFault;
}

export interface AuditVerdict {
  readonly valid: boolean;
  /** How many chains there are, or should be. */
  readonly chains: number;
  readonly events: number;
  /** In the order of the chains; the first {@link MAX_BROKEN} alone. */
  readonly broken: readonly BrokenPlace[];
  readonly brokenCount: number;
}

export interface VerifyAuditRequest {
  /** Only the chains of this tenant. */
  readonly tenant?: string | undefined;
  /** The lines of a file that `apikeys audit head` wrote. */
  readonly heads?: AsyncIterable<string> | undefined;
}

export const MAX_BROKEN = 100;

/**
 * Checks every chain of the trail, all as of one moment, whatever their number in the same memory: that no event was
 * altered, removed, reordered or added, and that the heads on keys and owners are the last events. Someone who may
 * rewrite everything can make a chain that holds; only heads that were saved elsewhere show that.
 *
 * Throws `INVALID_INPUT` for a damaged file of heads.
 */
export async function verifyAudit(
  context: ServiceContext,
  { tenant, heads }: VerifyAuditRequest = {},
): Promise<AuditVerdict> {
  const scope = checkTenantScope(tenant);
  await context.ready();
  return read(context.engine, async (session) => {
    const sources = await openSources(session, scope, heads);
    const findings = new Findings();
    for (;;) {
      const chain = firstChain(sources.all);
      if (chain === undefined) return findings.verdict();
      await verifyChain(chain, sources, findings);
    }
  });
}

interface Sources {
  readonly events: Ahead<ChainEvent>;
  readonly stored: Ahead<StoredHead>;
  readonly anchors: Ahead<FoundAnchor>;
  readonly saved: Ahead<ChainEnd>;
  readonly all: readonly Ahead<ChainRef>[];
}

async function openSources(
  session: Session,
  tenant: TenantScope,
  heads: AsyncIterable<string> | undefined,
): Promise<Sources> {
  const events = await Ahead.over(inChainOrder<ChainEvent>(tenant, (page) => chainEvents(session, page)));
  const stored = await Ahead.over(inChainOrder<StoredHead>(tenant, (page) => storedHeads(session, page)));
  const anchors = await Ahead.over(inChainOrder<FoundAnchor>(tenant, (page) => chainAnchors(session, page)));
  const saved = await Ahead.over(savedHeads(heads, tenant));
  return { events, stored, anchors, saved, all: [events, stored, anchors, saved] };
}

async function* savedHeads(
  lines: AsyncIterable<string> | undefined,
  tenant: TenantScope,
): AsyncGenerator<readonly ChainEnd[]> {
  if (lines === undefined) return;
  for await (const heads of readSavedHeads(lines)) {
    yield heads.filter(({ tenantId }) => tenant === undefined || tenantId === tenant);
  }
}

async function verifyChain(chain: ChainRef, sources: Sources, findings: Findings): Promise<void> {
  const stored = await takeChain(sources.stored, chain);
  const anchor = await takeChain(sources.anchors, chain);
  const saved = await takeChain(sources.saved, chain);
  const known = stored ?? saved ?? chain;
  const report = (seq: number, fault: ChainFault): void => findings.report(known, seq, fault);

  const start: ChainHead = anchor ?? EMPTY_CHAIN;
  // Of the pruning that the anchor stands for the trail would speak: these events are just missing.
  if (anchor?.vouched === false) report(anchor.seq, 'seq');
  if (saved?.seq === start.seq && !isHead(saved, start)) report(saved.seq, 'head');
  let end = start;
  let action: string | null = null;
  for (let event = sources.events.next; event !== undefined; event = sources.events.next) {
    if (compareChains(event, chain) !== 0) break;
    const fault = faultOf(end, event);
    if (fault !== null) report(event.seq, fault);
    else if (saved?.seq === event.seq && !isHead(saved, event)) report(event.seq, 'head');
    end = { seq: event.seq, hash: event.hash };
    action = event.action;
    findings.events += 1;
    await sources.events.step();
  }

  if (end.seq === 0) {
    // An owner that has done nothing yet has no chain.
    if (stored?.expected === false && saved === undefined) return;
    report(1, 'missing');
  } else {
    if (Math.max(saved?.seq ?? 0, stored?.seq ?? 0) > end.seq) report(end.seq + 1, 'truncated');
    if (!isEndOf(stored, end, chain, action)) report(end.seq, 'head');
  }
  findings.chains += 1;
}

/** Whether what is stored beside the chain agrees that this is its end; not asked for a chain that was cut off. */
function isEndOf(
  stored: StoredHead | undefined,
  end: ChainHead,
  chain: ChainRef,
  action: string | null,
): boolean {
  const deleted = action === 'key.deleted';
  // Of owners none is ever deleted. Where all events were pruned, the last one said what became of the key.
  if (stored === undefined) return chain.keyId !== null && (deleted || action === null);
  if (stored.seq > end.seq) return true;
  return !deleted && isHead(stored, end);
}

const isHead = (a: ChainHead, b: ChainHead): boolean =>
  a.seq === b.seq && a.hash !== null && b.hash !== null && a.hash.equals(b.hash);

function faultOf(previous: ChainHead, event: ChainEvent): LinkFault | null {
  return hasTime(event) ? verifyLink(previous, event) : 'hash';
}

const hasTime = (event: ChainEvent): event is ChainEvent & AuditEvent => event.at !== null;

class Findings {
  chains = 0;
  events = 0;
  #count = 0;
  readonly #broken: BrokenPlace[] = [];

  report({ tenantId, ownerId, keyId }: ChainRef, seq: number, fault: ChainFault): void {
    this.#count += 1;
    if (this.#broken.length >= MAX_BROKEN) return;
    // Whoever alters a place may give it any number.
    this.#broken.push({ tenantId, ownerId, keyId, seq: Math.min(seq, Number.MAX_SAFE_INTEGER), fault });
  }

  verdict(): AuditVerdict {
    const { chains, events } = this;
    return { valid: this.#count === 0, chains, events, broken: this.#broken, brokenCount: this.#count };
  }
}
