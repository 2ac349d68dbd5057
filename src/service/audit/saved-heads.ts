import type { Session } from '../../db/engine.js';
import { keepAwake } from '../../db/keep-awake.js';
import { parseObject } from '../../domain/audit.js';
import { ApiKeysError } from '../../errors.js';
import type { ChainRef } from '../../repository/audit-anchors.js';
import type { ChainEnd } from '../../repository/audit-chains.js';
import type { TenantScope } from '../../repository/tenant-condition.js';
import { compareChains } from './chains.js';
import { HeadsDigest } from './heads.js';

const PAGE = 1_000;

/**
 * The heads of a file, which may be a pipe that somebody writes slowly. The first of them are there before a transaction
 * begins; for the others it is kept awake.
 */
export class SavedHeads {
  readonly #pages: AsyncGenerator<readonly ChainEnd[]>;
  readonly #first: IteratorResult<readonly ChainEnd[]>;
  readonly #tenant: TenantScope;

  private constructor(
    pages: AsyncGenerator<readonly ChainEnd[]>,
    first: IteratorResult<readonly ChainEnd[]>,
    tenant: TenantScope,
  ) {
    this.#pages = pages;
    this.#first = first;
    this.#tenant = tenant;
  }

  /** Those of this tenant alone; none without a file. */
  static async over(lines: AsyncIterable<string> | undefined, tenant: TenantScope): Promise<SavedHeads> {
    const pages = lines === undefined ? noHeads() : readSavedHeads(lines);
    return new SavedHeads(pages, await pages.next(), tenant);
  }

  /** Those of the chains behind the given one. */
  async *pages(session: Session, after?: ChainRef): AsyncGenerator<readonly ChainEnd[]> {
    for (let page = this.#first; !page.done; page = await keepAwake(session, this.#pages.next())) {
      yield page.value.filter(
        (head) =>
          (this.#tenant === undefined || head.tenantId === this.#tenant) &&
          (after === undefined || compareChains(head, after) > 0),
      );
    }
  }

  /** Lets go of the file, once what is being read of it has come. */
  close(): void {
    this.#pages.return(undefined).catch(() => undefined);
  }
}

async function* noHeads(): AsyncGenerator<never> {}

/**
 * Reads the lines of a file that `apikeys audit head` wrote. Throws `INVALID_INPUT`, which names the line, for anything
 * that is not such a file, whole and in its order: the last line has the number and a checksum of all others.
 */
async function* readSavedHeads(lines: AsyncIterable<string>): AsyncGenerator<readonly ChainEnd[]> {
  const digest = new HeadsDigest();
  let page: ChainEnd[] = [];
  let previous: ChainEnd | undefined;
  let ended = false;
  let number = 0;
  for await (const text of lines) {
    number += 1;
    if (ended) throw damaged(`line ${number} comes after its end`);
    const line = parse(text);
    if (line === undefined) throw damaged(`line ${number} is not a head`);
    if ('digest' in line) {
      checkEnd(line, digest);
      ended = true;
      continue;
    }
    if (previous !== undefined && compareChains(previous, line) >= 0) {
      throw damaged(`line ${number} is out of order`);
    }
    previous = line;
    digest.add(line);
    page.push(line);
    if (page.length === PAGE) {
      yield page;
      page = [];
    }
  }
  if (!ended) throw damaged(number === 0 ? 'it is empty' : 'its end is missing, so it was cut off');
  yield page;
}

function checkEnd({ chains, digest }: SavedEnd, of: HeadsDigest): void {
  const found = of.end();
  if (found.chains !== chains) throw damaged(`it has ${found.chains} heads, and had ${chains}`);
  if (found.digest !== digest) throw damaged('its content is not what its checksum says');
}

interface SavedEnd {
  readonly chains: number;
  readonly digest: string;
}

const HASH = /^[0-9a-f]{64}$/;
const UUID = /^[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}$/;

function parse(text: string): ChainEnd | SavedEnd | undefined {
  const fields = new Map(Object.entries(parseObject(text) ?? {}));
  const [chains, digest] = [fields.get('chains'), fields.get('sha256')];
  if (typeof chains === 'number' && isHex(digest)) return { chains, digest };
  const [chain, keyId] = [fields.get('chain'), fields.get('key_id')];
  const [tenantId, ownerId] = [fields.get('tenant_id'), fields.get('owner_id')];
  const [seq, hash] = [fields.get('seq'), fields.get('hash')];
  if (typeof tenantId !== 'string' || typeof ownerId !== 'string') return undefined;
  if (typeof seq !== 'number' || !Number.isSafeInteger(seq) || seq < 1 || !isHex(hash)) return undefined;
  const head = { tenantId, ownerId, seq, hash: Buffer.from(hash, 'hex') };
  if (chain === 'owner' && keyId === null) return { ...head, keyId };
  if (chain === 'key' && typeof keyId === 'string' && UUID.test(keyId)) return { ...head, keyId };
  return undefined;
}

const isHex = (value: unknown): value is string => typeof value === 'string' && HASH.test(value);

function damaged(what: string): ApiKeysError {
  return new ApiKeysError('INVALID_INPUT', `the file of heads is damaged: ${what}`, {
    details: { reason: 'heads_damaged' },
  });
}
