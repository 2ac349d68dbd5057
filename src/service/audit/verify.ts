import type { Session } from '../../db/engine.js';
import { read } from '../../db/transaction.js';
import {
  type AuditEvent,
  type ChainFault,
  type ChainHead,
  EMPTY_CHAIN,
  type LinkFault,
  verifyLink,
} from '../../domain/audit.js';
import { counted } from '../../domain/counted.js';
import { parseDuration } from '../../domain/duration.js';
import { type ChainState, type StateField, stateAfter, UNKNOWN } from '../../domain/key-state.js';
import { ApiKeysError } from '../../errors.js';
import type { ChainRef } from '../../repository/audit-anchors.js';
import {
  type ChainEnd,
  type ChainEvent,
  chainAnchors,
  chainEvents,
  endOfChain,
  type FoundAnchor,
  type StoredHead,
  storedHeads,
} from '../../repository/audit-chains.js';
import {
  endOfSecrets,
  type StoredSecret,
  type StoredState,
  storedSecrets,
  storedStates,
} from '../../repository/stored-state.js';
import { type ServiceContext, tenantOf } from '../context.js';
import { retold, withoutChange } from '../retold.js';
import { compareChains, inChainOrder, PeekableIterator, smallestChain, takeIfCurrent } from './chains.js';
import { SecretsCheck, stateAtStart, stateDifferences } from './compare-state.js';
import { SavedHeads } from './saved-heads.js';
import { decodePosition, encodePosition, type VerifyPosition, type VerifyScope } from './verify-position.js';

export interface BrokenPlace extends ChainRef {
  readonly seq: number;
  readonly fault: ChainFault;
  /** With the fault `state`: what differs; otherwise null. */
  readonly field: StateField | null;
}

export interface AuditVerdict {
  readonly valid: boolean;
  /** How many chains there are, or should be. */
  readonly chains: number;
  readonly events: number;
  /** In the order of the chains; the first {@link MAX_BROKEN} alone. */
  readonly broken: readonly BrokenPlace[];
  readonly brokenCount: number;
  /** Where to go on, if `maxRuntime` ended it before all chains had their turn; otherwise null. */
  readonly nextCursor: string | null;
}

export interface VerifyAuditRequest {
  /** The lines of a file that `apikeys audit head` wrote. */
  readonly heads?: AsyncIterable<string> | undefined;
  /** Leaves the rows of keys, secrets and owners alone, but for the heads that they have. */
  readonly chainOnly?: boolean | undefined;
  /** A duration such as '10m', after which it ends between two chains. At least one chain is checked. */
  readonly maxRuntime?: string | undefined;
  /**
   * Goes on behind the chains that were checked before: `nextCursor` of a verdict, or `details.checked.cursor` of the error
   * that ended it, of the same tenant and with the same of the options above. The counts go on too; of what was broken before,
   * `valid` and `brokenCount` still tell, `broken` does not.
   */
  readonly cursor?: string | undefined;
}

export const MAX_BROKEN = 100;

/**
 * Checks every chain of the trail, as of one moment, whatever their number in the same memory: that no event was
 * altered, removed, reordered or added, that the heads on keys and owners are the last events, and that the rows of keys,
 * secrets and owners are what the events say. From a broken place on, what the events before it said is not known, and
 * is not compared. Hashes have no key: someone who may rewrite everything, or add an event, can make a chain that holds;
 * only heads that were saved elsewhere show that.
 *
 * Throws `INVALID_INPUT` for a damaged file of heads and for a foreign cursor. Any other error that ends it says in
 * `details.checked` how far it came. Each part is of its own moment, which is as good: a chain only ever grows.
 */
export async function verifyAudit(
  context: ServiceContext,
  request: VerifyAuditRequest = {},
): Promise<AuditVerdict> {
  const { heads, chainOnly = false, cursor } = request;
  const maxRuntime = request.maxRuntime === undefined ? Infinity : parseDuration(request.maxRuntime);
  const scope: VerifyScope = { tenant: tenantOf(context), chainOnly, withHeads: heads !== undefined };
  const start = cursor === undefined ? undefined : decodePosition(cursor, scope);
  await context.ready();
  const findings = new Findings(start);
  const saved = await SavedHeads.over(heads, scope.tenant);
  const end = performance.now() + maxRuntime;
  try {
    return await read(context.engine, async (session) => {
      const sources = await openSources(session, scope, { heads: saved, after: start?.chain });
      for (;;) {
        const chain = smallestChain(sources.all);
        if (chain === undefined) return findings.verdict();
        await verifyChain(chain, sources, findings);
        findings.checked(chain);
        if (performance.now() >= end && smallestChain(sources.all) !== undefined) {
          return findings.verdict(scope);
        }
      }
    });
  } catch (error) {
    throw error instanceof ApiKeysError ? endedBy(error, findings, scope) : error;
  } finally {
    saved.close();
  }
}

/** What was checked by then need not be checked again. */
function endedBy(error: ApiKeysError, { position }: Findings, scope: VerifyScope): ApiKeysError {
  if (position === undefined || error.code === 'INVALID_INPUT') return error;
  const { chains, brokenCount } = position.checked;
  const places = brokenCount === 0 ? 'all of which hold' : `with ${counted(brokenCount, 'broken place')}`;
  const what = `${withoutChange(error.message)}; by then ${counted(chains, 'chain')} had been checked, ${places}`;
  return retold(error, what, {
    checked: { ...position.checked, cursor: encodePosition(position, scope) },
  });
}

interface Sources {
  readonly events: PeekableIterator<ChainEvent>;
  readonly stored: PeekableIterator<StoredHead | StoredState>;
  readonly secrets: PeekableIterator<StoredSecret>;
  readonly anchors: PeekableIterator<FoundAnchor>;
  readonly saved: PeekableIterator<ChainEnd>;
  readonly all: readonly PeekableIterator<ChainRef>[];
}

async function openSources(
  session: Session,
  { tenant, chainOnly }: VerifyScope,
  { heads, after }: { readonly heads: SavedHeads; readonly after: ChainRef | undefined },
): Promise<Sources> {
  const noSecrets = chainOnly || after?.keyId === null;
  const events = await PeekableIterator.over(
    inChainOrder(tenant, (page) => chainEvents(session, page), after && endOfChain(after)),
  );
  const stored = await PeekableIterator.over<StoredHead | StoredState>(
    inChainOrder(tenant, (page) => (chainOnly ? storedHeads : storedStates)(session, page), after),
  );
  const secrets = await PeekableIterator.over(
    inChainOrder(
      tenant,
      async (page) => (noSecrets ? [] : storedSecrets(session, page)),
      after?.keyId == null ? undefined : endOfSecrets(after.keyId),
    ),
  );
  const anchors = await PeekableIterator.over(
    inChainOrder(tenant, (page) => chainAnchors(session, page), after),
  );
  const saved = await PeekableIterator.over(heads.pages(session, after));
  return { events, stored, secrets, anchors, saved, all: [events, stored, anchors, saved] };
}

async function verifyChain(chain: ChainRef, sources: Sources, findings: Findings): Promise<void> {
  const stored = await takeIfCurrent(sources.stored, chain);
  const anchor = await takeIfCurrent(sources.anchors, chain);
  const saved = await takeIfCurrent(sources.saved, chain);
  const known = stored ?? saved ?? chain;
  const report = (seq: number, fault: ChainFault, field: StateField | null = null): void =>
    findings.report(known, { seq, fault, field });

  const start: ChainHead = anchor ?? EMPTY_CHAIN;
  // Of the pruning that the anchor stands for the trail would speak: these events are just missing.
  if (anchor?.vouched === false) report(anchor.seq, 'seq');
  const compared = stored === undefined || 'state' in stored;
  let state: ChainState = anchor?.vouched === false ? UNKNOWN : stateAtStart(chain.keyId, anchor);
  if (saved?.seq === start.seq && !isHead(saved, start)) report(saved.seq, 'head');
  let end = start;
  let action: string | null = null;
  for (let event = sources.events.next; event !== undefined; event = sources.events.next) {
    if (compareChains(event, chain) !== 0) break;
    const fault = faultOf(end, event);
    if (fault !== null) report(event.seq, fault);
    else if (saved?.seq === event.seq && !isHead(saved, event)) report(event.seq, 'head');
    if (compared) state = stateBehind(state, event, fault);
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
    const truncated = Math.max(saved?.seq ?? 0, stored?.seq ?? 0) > end.seq;
    if (truncated) report(end.seq + 1, 'truncated');
    if (!isEndOf(stored, end, chain, { action, state })) report(end.seq, 'head');
    const secrets = await checkSecrets(sources.secrets, chain, state);
    if (stored !== undefined && 'state' in stored && !truncated) {
      for (const field of stateDifferences(state, stored, secrets)) report(end.seq, 'state', field);
    }
  }
  findings.chains += 1;
}

/** What is known of the key or owner after an event: of what an altered one says, nothing. */
function stateBehind(state: ChainState, event: ChainEvent, fault: LinkFault | null): ChainState {
  if (fault === 'hash' || !hasTime(event)) return UNKNOWN;
  return stateAfter(fault === null ? state : UNKNOWN, event);
}

/** Also steps over the secrets of chains that came before, and were not looked at. */
async function checkSecrets(
  secrets: PeekableIterator<StoredSecret>,
  chain: ChainRef,
  told: ChainState,
): Promise<SecretsCheck> {
  const check = new SecretsCheck(told);
  for (let secret = secrets.next; secret !== undefined; secret = secrets.next) {
    // Every owner's chain comes after those of keys.
    if (chain.keyId !== null && secret.keyId > chain.keyId) break;
    if (secret.keyId === chain.keyId) check.add(secret);
    await secrets.step();
  }
  return check;
}

/** Whether what is stored beside the chain agrees that this is its end; not asked for a chain that was cut off. */
function isEndOf(
  stored: StoredHead | undefined,
  end: ChainHead,
  chain: ChainRef,
  { action, state }: { readonly action: string | null; readonly state: ChainState },
): boolean {
  const deleted = action === 'key.deleted' || state.deleted === true;
  // Of owners none is ever deleted. Where all events were pruned, it may not be known what became of the key.
  const unknown = action === null && state.partial === true;
  if (stored === undefined) return chain.keyId !== null && (deleted || unknown);
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
  brokenCount = 0;
  /** Behind the last chain that was looked at to its end. */
  position: VerifyPosition | undefined;
  readonly #broken: BrokenPlace[] = [];

  /** Begins with what was found up to a position. */
  constructor(start: VerifyPosition | undefined) {
    this.position = start;
    if (start !== undefined) Object.assign(this, start.checked);
  }

  checked({ tenantId, ownerId, keyId }: ChainRef): void {
    const { chains, events, brokenCount } = this;
    this.position = { chain: { tenantId, ownerId, keyId }, checked: { chains, events, brokenCount } };
  }

  report(
    { tenantId, ownerId, keyId }: ChainRef,
    { seq, fault, field }: Omit<BrokenPlace, keyof ChainRef>,
  ): void {
    this.brokenCount += 1;
    if (this.#broken.length >= MAX_BROKEN) return;
    // Whoever alters a place may give it any number.
    const place = { tenantId, ownerId, keyId, seq: Math.min(seq, Number.MAX_SAFE_INTEGER) };
    this.#broken.push({ ...place, fault, field });
  }

  /** With a scope: of what was checked so far. */
  verdict(scope?: VerifyScope): AuditVerdict {
    const { chains, events, brokenCount, position } = this;
    const nextCursor = scope === undefined || position === undefined ? null : encodePosition(position, scope);
    return { valid: brokenCount === 0, chains, events, broken: this.#broken, brokenCount, nextCursor };
  }
}
