import { formatDuration } from '../domain/duration.js';
import type { CleanupJson } from './schemas/cleanup.js';
import { isoTime } from './time.js';

interface Cleaned {
  readonly deletedKeys: number;
  readonly deletedSecrets: number;
  readonly deletedUsageDays: number;
  readonly deletedEvents: number;
  /** Milliseconds. */
  readonly olderThan: number;
  readonly cutoff: Date;
  readonly dryRun: boolean;
  readonly skipped: boolean;
  readonly complete: boolean;
}

export const cleanedJson = (cleaned: Cleaned): CleanupJson => ({
  deleted_keys: cleaned.deletedKeys,
  deleted_secrets: cleaned.deletedSecrets,
  deleted_usage_days: cleaned.deletedUsageDays,
  deleted_events: cleaned.deletedEvents,
  older_than: formatDuration(cleaned.olderThan),
  cutoff: isoTime(cleaned.cutoff),
  dry_run: cleaned.dryRun,
  skipped: cleaned.skipped,
  complete: cleaned.complete,
});
