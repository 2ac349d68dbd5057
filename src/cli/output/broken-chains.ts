import type { ChainRef } from '../../repository/audit-anchors.js';
import { ownerWords } from './event-words.js';
import type { Renderer } from './renderer.js';

/** It is done, and that is not all there is to say. */
export async function noteBrokenChains(
  { note }: Pick<Renderer, 'note'>,
  chains: readonly ChainRef[],
): Promise<void> {
  for (const chain of chains) {
    const of = chain.keyId === null ? ownerWords(chain) : `key ${chain.keyId}`;
    await note(
      `warning: it is done, but the audit trail of ${of} was found broken, and a new segment begins in it: see \`apikeys audit verify\``,
    );
  }
}
