import type { Engine, Timeouts } from '../../../src/db/engine.js';
import { openServer } from '../../../src/db/server/server.js';
import { serverSettings } from '../../../src/db/server/server-settings.js';
import { DEFAULT_SETTINGS } from '../../../src/service/settings.js';
import { type TestCalls, testKeysOn } from '../../helpers/named-caller.js';

export const TIMEOUTS: Timeouts = { connect: 3_000, lock: 2_000, statement: 3_000, answer: 4_000 };

export interface EngineOptions {
  readonly timeouts?: Partial<Timeouts>;
  readonly max?: number;
  readonly signal?: AbortSignal;
  /** What the server sees as the application's name. */
  readonly name?: string;
}

/** An engine on the server at `url`; the test closes it. */
export function openEngine(url: string, { timeouts, max, signal, name }: EngineOptions = {}): Engine {
  return openServer({
    settings: serverSettings(url, name === undefined ? {} : { PGAPPNAME: name }),
    timeouts: { ...TIMEOUTS, ...timeouts },
    ...(max !== undefined && { max }),
    ...(signal && { signal }),
  });
}

/** The service on the server at `url`; the test closes it. */
export function openKeys(url: string, options?: EngineOptions): TestCalls {
  return testKeysOn(openEngine(url, options), DEFAULT_SETTINGS);
}
