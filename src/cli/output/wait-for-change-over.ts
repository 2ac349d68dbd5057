import { setTimeout as pause } from 'node:timers/promises';
import { formatDuration } from '../../domain/duration.js';
import type { Key } from '../../domain/key.js';
import { ApiKeysError } from '../../errors.js';
import type { ChangeOver } from '../../service/keys/rotate-key.js';
import type { Context } from '../context.js';
import { EXIT } from '../exit-codes.js';

const INTERVAL = 2_000;

/**
 * Waits until the newest secret of a key is in use and the older ones have been silent for a minute: then its grace
 * can be ended. Holds nothing open between two looks. Gives the exit code: 5 if it did not come to that in time.
 */
export async function waitForChangeOver(
  context: Context,
  { id: keyId, keyPrefix }: Pick<Key, 'id' | 'keyPrefix'>,
  patience: number,
): Promise<number> {
  await context.renderer.note(
    `Waiting until ${keyPrefix} is in use and no older secret has been for a minute, ${formatDuration(patience)} at most. Ctrl-C ends the waiting, and both go on working.`,
  );
  const deadline = performance.now() + patience;
  for (;;) {
    const seen = await context.use((service) => service.changeOver(keyId));
    if (seen.complete) {
      await context.renderer.note(
        `The new secret is in use, and no older one has been for a minute. To end the grace: apikeys rotate ${keyId} --end-grace`,
      );
      return EXIT.done;
    }
    if (performance.now() + INTERVAL > deadline) {
      await context.renderer.note(stillText(seen));
      return EXIT.no;
    }
    await pause(INTERVAL, undefined, { signal: context.signal }).catch(() => {
      throw new ApiKeysError(
        'INTERRUPTED',
        'interrupted while waiting; the key was rotated, and both secrets work',
      );
    });
  }
}

function stillText({ newestUsed, oldSecretUsedAt }: ChangeOver): string {
  const used = oldSecretUsedAt === null ? 'not been used' : `last been used ${oldSecretUsedAt.toISOString()}`;
  return `${newestUsed ? 'The new secret is in use' : 'The new secret has not been used yet'}; an older one has ${used}.`;
}
