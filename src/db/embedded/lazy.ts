import { ApiKeysError } from '../../errors.js';
import type { Engine } from '../engine.js';
import { type EmbeddedOptions, openEmbedded } from './engine.js';
import { folderSize, layoutOf } from './folder.js';

/** The built-in PostgreSQL, opened by its first use; see {@link openEmbedded}. One that failed is tried again by the next. */
export function embeddedOnFirstUse(options: EmbeddedOptions): Engine {
  const { folder } = layoutOf(options.folder);
  let opening: Promise<Engine> | undefined;
  let closing: Promise<void> | undefined;

  function open(): Promise<Engine> {
    opening ??= openEmbedded(options).catch((error: unknown) => {
      opening = undefined;
      throw error;
    });
    return opening;
  }

  return {
    kind: 'embedded',
    location: folder,
    tls: null,
    sizeBytes: () => folderSize(folder),
    timeouts: options.timeouts,
    async use(work, useOptions) {
      if (closing !== undefined) {
        throw new ApiKeysError('DATABASE_UNREACHABLE', 'the embedded database has been closed', {
          details: { reason: 'closed' },
        });
      }
      const engine = await open();
      return engine.use(work, useOptions);
    },
    close() {
      closing ??= (async () => {
        const engine = await opening?.catch(() => undefined);
        await engine?.close();
      })();
      return closing;
    },
  };
}
