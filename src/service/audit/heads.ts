import { createHash, type Hash } from 'node:crypto';
import type { Session } from '../../db/engine.js';
import { read } from '../../db/transaction.js';
import type { ChainRef } from '../../repository/audit-anchors.js';
import { type ChainEnd, type ChainPage, chainAnchors, lastEvents } from '../../repository/audit-chains.js';
import { readMoment } from '../../repository/clock.js';
import { type ServiceContext, tenantOf } from '../context.js';
import { compareChains, inChainOrder } from './chains.js';

/** What a list of heads ends with. */
export interface HeadsEnd {
  /** How many chains were listed. */
  readonly chains: number;
  /** By the database's clock. */
  readonly at: Date;
  /** SHA-256 over all of them, see {@link HeadsDigest}; hex. */
  readonly digest: string;
}

export type HeadLine = ChainEnd | HeadsEnd;

/**
 * Where every chain stands, those of deleted keys included: in the order of the chains, page by page, and one
 * {@link HeadsEnd} last. Kept somewhere else, it shows later what was cut off or removed since; see `verifyAudit`.
 *
 * Each page is of a moment of its own, which is as good: a chain only ever grows.
 */
export async function* auditHeads(context: ServiceContext): AsyncGenerator<readonly HeadLine[]> {
  const tenant = tenantOf(context);
  await context.ready();
  const digest = new HeadsDigest();
  for await (const heads of inChainOrder(tenant, (page: ChainPage<ChainRef>) =>
    read(context.engine, (session) => readHeads(session, page)),
  )) {
    for (const head of heads) digest.add(head);
    yield heads;
  }
  const { now } = await read(context.engine, readMoment);
  yield [{ ...digest.end(), at: now }];
}

/** The last events of the page's chains; where all events of a chain were pruned, its anchor. */
async function readHeads(session: Session, page: ChainPage<ChainRef>): Promise<ChainEnd[]> {
  const events = await lastEvents(session, page);
  const anchors = await chainAnchors(session, page);
  const both: ChainEnd[] = [...events, ...anchors].sort((a, b) => compareChains(a, b) || b.seq - a.seq);
  const heads = both.filter((head, index) => {
    const before = both[index - 1];
    return before === undefined || compareChains(before, head) !== 0;
  });
  // Beyond the end of a full page nothing is known of the other one.
  return heads.slice(0, page.limit);
}

/** The SHA-256 of heads in their order: of each, a JSON array and a line end. */
export class HeadsDigest {
  readonly #hash: Hash = createHash('sha256');
  #chains = 0;

  add({ tenantId, ownerId, keyId, seq, hash }: ChainEnd): void {
    this.#hash.update(`${JSON.stringify([tenantId, ownerId, keyId, seq, hash.toString('hex')])}\n`);
    this.#chains += 1;
  }

  /** To be asked once. */
  end(): Omit<HeadsEnd, 'at'> {
    return { chains: this.#chains, digest: this.#hash.digest('hex') };
  }
}
