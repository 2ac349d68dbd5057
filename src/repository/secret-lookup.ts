import type { Engine } from '../db/engine.js';
import { createSharedBatches } from '../db/pipeline/shared-batches.js';
import { type FoundSecret, findSecretsByHash } from './verify.js';

export type LookUp = (hash: Buffer) => Promise<FoundSecret | undefined>;

/**
 * Looks up secrets by their hash; see {@link createSharedBatches}. None is ever answered from a question that was sent before
 * it was asked, so that what was revoked by then is seen.
 */
export const createSecretLookup = (engine: Engine): LookUp =>
  createSharedBatches(engine, { ask: findSecretsByHash, changesNothing: true, maxInFlight: 4 });
