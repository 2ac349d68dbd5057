import type { Engine } from '../../db/engine.js';
import type { CleanupScope } from '../../repository/cleanup.js';
import type { DatabaseMoment } from '../../repository/clock.js';
import type { HistoryScope } from '../../repository/history.js';

/** What a cleanup has deleted so far. */
export interface DeletedCounts {
  deletedKeys: number;
  deletedSecrets: number;
  deletedUsageDays: number;
  deletedEvents: number;
}

/** What holds for a whole cleanup. */
export interface CleanupStart {
  readonly scope: CleanupScope;
  /** Null: not asked for. */
  readonly usage: HistoryScope | null;
  readonly events: HistoryScope | null;
  readonly alone: boolean;
  /** When it began, and as whom. */
  readonly moment: DatabaseMoment;
  /** The second number of the lock by which cleanups notice each other. */
  readonly lock: number;
}

/** One cleanup under way: what its tasks share. */
export interface CleanupRun {
  readonly engine: Engine;
  readonly start: CleanupStart;
  readonly actor: string;
  /** Each task adds what it has deleted. */
  readonly counts: DeletedCounts;
  /** True from the first batch on: until then, another cleanup that is at work stops this one. */
  hasLock: boolean;
}

/** Another cleanup is at work, and this one has deleted nothing yet: it stops. */
export class OtherCleanupRunning extends Error {
  override readonly name = 'OtherCleanupRunning';
}
