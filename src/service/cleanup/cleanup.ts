import { createHash } from 'node:crypto';
import { read, transaction } from '../../db/transaction.js';
import { counted } from '../../domain/counted.js';
import { parseDuration } from '../../domain/duration.js';
import { ApiKeysError } from '../../errors.js';
import { countDue, isOnlyCleanup, writeThrough } from '../../repository/cleanup.js';
import { readMoment } from '../../repository/clock.js';
import { countPrunable, type HistoryScope } from '../../repository/history.js';
import { actorOf, type ServiceContext, tenantOf } from '../context.js';
import { retold, withoutChange } from '../retold.js';
import { expiredKeys } from './expired-keys.js';
import { oldEvents, oldUsage } from './history.js';
import { retiredSecrets } from './retired-secrets.js';
import { type CleanupRun, type CleanupStart, type DeletedCounts, OtherCleanupRunning } from './run.js';
import { type CleanupTask, runBatches } from './run-batches.js';
import { staleUsageSources } from './stale-usage-sources.js';

export interface CleanupRequest {
  /** How long the dead are kept, such as `30d`; the configured retention unless named. */
  readonly olderThan?: string | undefined;
  /** Keys a transaction at most: 1 to 10,000; 500 unless named. */
  readonly batchSize?: number | undefined;
  /** Stops between two batches after this time, such as `10m`. */
  readonly maxRuntime?: string | undefined;
  /** Deletes usage days that are older than this, such as `730d`; none unless named. */
  readonly usageOlderThan?: string | undefined;
  /** Deletes audit events that are older than this; none unless named. */
  readonly auditOlderThan?: string | undefined;
  /** Changes nothing and tells what would be deleted. */
  readonly dryRun?: boolean | undefined;
}

export interface Cleaned {
  readonly deletedKeys: number;
  /** Those of the deleted keys included. */
  readonly deletedSecrets: number;
  readonly deletedUsageDays: number;
  readonly deletedEvents: number;
  /** In milliseconds. */
  readonly olderThan: number;
  /** What had ended by then was due. */
  readonly cutoff: Date;
  readonly dryRun: boolean;
  /** Another cleanup was at work, and this one did nothing. */
  readonly skipped: boolean;
  /** False if `maxRuntime` ended it before everything that is due had its turn. */
  readonly complete: boolean;
}

/** Told after each batch how many keys, secrets, usage days and events are done, of how many. */
export type CleanupProgress = (done: number, total: number) => void;

const DEFAULT_BATCH = 500;
const MAX_BATCH = 10_000;

/**
 * Deletes keys that expired or were revoked at least `olderThan` ago, and secrets that retired as long ago, each batch
 * in a short transaction of its own with an audit event for each key. Never a key that is alive, nor a frozen one (or
 * one of a frozen owner) unless it is revoked. What another session holds is left for the next time. Usage days and
 * audit events stay, unless a time is named for them. A cleanup of all tenants also forgets the processes that have
 * counted no usage for 30 days.
 *
 * May overlap, and may be killed or fail at any moment: what was deleted until then was deleted whole, and the error says
 * how much. With `progress`, what is due is counted first.
 *
 * Throws `INVALID_INPUT`, and what {@link transaction} throws.
 *
 * @example
 * const { deletedKeys } = await keys.as({ actor: 'cron' }).cleanup({ olderThan: '30d' });
 */
export async function cleanUp(
  context: ServiceContext,
  request: CleanupRequest,
  progress?: CleanupProgress,
): Promise<Cleaned> {
  const options = parseOptions(context, request);
  await context.ready();
  const start = await begin(context, options);
  const { cutoff } = start.scope;
  const answer = {
    olderThan: options.olderThan,
    cutoff,
    dryRun: options.dryRun,
    skipped: false,
    complete: true,
  };
  if (options.dryRun) return { ...answer, ...(await preview(context, start)) };
  if (!start.alone) return { ...answer, ...NOTHING, skipped: true };

  const { engine } = context;
  const run: CleanupRun = { engine, start, actor: options.actor, counts: { ...NOTHING }, hasLock: false };
  const { counts } = run;
  const total = progress === undefined ? 0 : sumOfDeleted(await preview(context, start));
  try {
    const complete = await runBatches(tasksOf(run), {
      most: options.batchSize,
      maxRuntime: options.maxRuntime,
      onBatch: () => progress?.(sumOfDeleted(counts), total),
    });
    if (sumOfDeleted(counts) > 0) await finishOnDisk(context);
    return { ...answer, ...counts, complete };
  } catch (error) {
    if (error instanceof OtherCleanupRunning) return { ...answer, ...counts, skipped: true };
    throw error instanceof ApiKeysError ? stoppedBy(error, counts) : error;
  }
}

/** Waits until the disk has all batches: none of them did. */
const finishOnDisk = ({ engine }: ServiceContext): Promise<void> =>
  transaction(engine, writeThrough, { wasCommitted: () => Promise.resolve(false) });

const NOTHING: Readonly<DeletedCounts> = {
  deletedKeys: 0,
  deletedSecrets: 0,
  deletedUsageDays: 0,
  deletedEvents: 0,
};

const sumOfDeleted = (counts: DeletedCounts): number =>
  counts.deletedKeys + counts.deletedSecrets + counts.deletedUsageDays + counts.deletedEvents;

type CleanupOptions = ReturnType<typeof parseOptions>;

function parseOptions(context: ServiceContext, request: CleanupRequest) {
  const { settings } = context;
  const { olderThan, batchSize = DEFAULT_BATCH, maxRuntime, usageOlderThan, auditOlderThan } = request;
  if (!Number.isInteger(batchSize) || batchSize < 1 || batchSize > MAX_BATCH) {
    throw new ApiKeysError('INVALID_INPUT', `a batch has 1 to ${MAX_BATCH} keys`, {
      details: { reason: 'batch_size', most: MAX_BATCH, usual: DEFAULT_BATCH },
    });
  }
  return {
    olderThan: olderThan === undefined ? settings.retention : parseDuration(olderThan),
    batchSize,
    maxRuntime: maxRuntime === undefined ? undefined : parseDuration(maxRuntime),
    usageOlderThan: usageOlderThan === undefined ? null : parseDuration(usageOlderThan),
    auditOlderThan: auditOlderThan === undefined ? null : parseDuration(auditOlderThan),
    tenant: tenantOf(context),
    dryRun: request.dryRun ?? false,
    actor: actorOf(context),
  };
}

async function begin({ engine }: ServiceContext, options: CleanupOptions): Promise<CleanupStart> {
  const { tenant } = options;
  const lock = tenant === undefined ? 0 : createHash('sha256').update(tenant).digest().readInt32BE();
  return read(engine, async (session) => {
    const alone = options.dryRun || (await isOnlyCleanup(session, lock));
    const moment = await readMoment(session);
    const before = (ms: number): Date => new Date(moment.now.getTime() - ms);
    const history = (ms: number | null): HistoryScope | null =>
      ms === null ? null : { before: before(ms), tenant };
    return {
      scope: { cutoff: before(options.olderThan), tenant },
      usage: history(options.usageOlderThan),
      events: history(options.auditOlderThan),
      alone,
      moment,
      lock,
    };
  });
}

async function preview(
  { engine }: ServiceContext,
  { scope, usage, events }: CleanupStart,
): Promise<DeletedCounts> {
  return read(engine, async (session) => {
    const { keys, secrets } = await countDue(session, scope);
    const history = await countPrunable(session, { usage, events });
    return {
      deletedKeys: keys,
      deletedSecrets: secrets,
      deletedUsageDays: history.usageDays,
      deletedEvents: history.events,
    };
  });
}

/** What there is to do, in its order. */
function tasksOf(run: CleanupRun): CleanupTask[] {
  const { scope, usage, events } = run.start;
  return [
    expiredKeys(run),
    retiredSecrets(run),
    ...(usage === null ? [] : [oldUsage(run, usage)]),
    ...(events === null ? [] : [oldEvents(run, events)]),
    // They count for all tenants.
    ...(scope.tenant === undefined ? [staleUsageSources(run)] : []),
  ];
}

/** Each batch before the one that failed is done and stays so. */
function stoppedBy(error: ApiKeysError, counts: DeletedCounts): ApiKeysError {
  const unknown = error.code === 'OUTCOME_UNKNOWN';
  if (sumOfDeleted(counts) === 0 && !unknown) return error;
  const what = unknown
    ? 'the connection was lost while a batch was being committed, and the database stays away: it may or may not be deleted'
    : withoutChange(error.message);
  const perhaps =
    unknown || error.code === 'DATABASE_UNREACHABLE'
      ? '; if the server crashed, the last of them may be back'
      : '';
  return retold(error, `${what}; before that, ${countsInWords(counts)} had been deleted${perhaps}`, {
    deleted: {
      keys: counts.deletedKeys,
      secrets: counts.deletedSecrets,
      usageDays: counts.deletedUsageDays,
      events: counts.deletedEvents,
    },
  });
}

function countsInWords({
  deletedKeys,
  deletedSecrets,
  deletedUsageDays,
  deletedEvents,
}: DeletedCounts): string {
  const words = [counted(deletedKeys, 'key'), counted(deletedSecrets, 'secret')];
  if (deletedUsageDays > 0) words.push(counted(deletedUsageDays, 'usage day'));
  if (deletedEvents > 0) words.push(counted(deletedEvents, 'audit event'));
  return words.join(', ');
}
