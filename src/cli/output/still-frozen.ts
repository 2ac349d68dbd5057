import type { Key } from '../../domain/key.js';
import type { Renderer } from './renderer.js';
import { shellWord } from './shell-word.js';

/** Says of which keys a freeze is left: lifting a key's own does not lift its owner's, nor the other way round. */
export async function noteStillFrozen({ note }: Pick<Renderer, 'note'>, keys: readonly Key[]): Promise<void> {
  for (const key of keys) if (key.isFrozen && key.revokedAt === null) await note(stillFrozenText(key));
}

const stillFrozenText = ({ keyPrefix, name, ownerId, frozenByOwner }: Key): string =>
  frozenByOwner
    ? `note: ${keyPrefix} (${name}) stays frozen with its owner; lift that with \`apikeys unfreeze --owner ${shellWord(ownerId)}\``
    : `note: ${keyPrefix} (${name}) stays frozen by itself; lift that with \`apikeys unfreeze ${shellWord(keyPrefix)}\``;
