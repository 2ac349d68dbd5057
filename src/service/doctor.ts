import { schemaStatus } from '../db/schema/migrate.js';
import { read } from '../db/transaction.js';
import { EXPIRING_DAYS, OVERDUE_DAYS } from '../domain/health.js';
import { PROFILES, type Profile } from '../domain/profiles.js';
import { ApiKeysError, type ErrorCode } from '../errors.js';
import { readMoment } from '../repository/clock.js';
import { findForeignBindings } from '../repository/foreign-bindings.js';
import { countOverdue } from '../repository/health.js';
import { countKeys } from '../repository/key-list.js';
import { ALL_TENANTS } from '../repository/policies.js';
import { hasProfile } from '../repository/privileges.js';
import { waysToRewriteAudit } from '../repository/role-facts.js';
import { findGuardedTables } from '../repository/row-security.js';
import { readServer } from '../repository/server-facts.js';
import { type ServiceContext, tenantOf } from './context.js';
import { type Finding, findingsOf, type KeyFindings, type Observations } from './findings.js';
import { policyInForce, settingsBeyondPolicy } from './policy-in-force.js';

const DAY = 86_400_000;

/** What was seen, and what is to be said of it. */
export interface Diagnosis extends Observations {
  readonly findings: readonly Finding[];
  /** The code of the first real problem; null: there is none. */
  readonly failure: ErrorCode | null;
}

/** Looks at everything that has to be right. Throws what connecting throws; everything else is told, not thrown. */
export async function diagnose(context: ServiceContext, hostNow: () => Date): Promise<Diagnosis> {
  const { engine } = context;
  const started = hostNow().getTime();
  const server = await read(engine, readServer);
  const latencyMs = hostNow().getTime() - started;
  const clockAheadMs = await clockDifference({ engine }, hostNow);
  const looked = await lookAtSchema(context);
  const guardedTables = await read(engine, findGuardedTables);
  // A count of a table whose policies bind the role would be refused.
  const isOpen = !guardedTables.some(({ binds }) => binds);
  const seen: Observations = {
    kind: engine.kind,
    tls: engine.tls,
    server,
    latencyMs,
    clockAheadMs,
    ...looked,
    guardedTables,
    foreignBindings: await read(engine, findForeignBindings),
    keys: looked.schema?.state === 'current' ? await lookAtKeys(context, isOpen) : null,
  };
  const findings = findingsOf(seen);
  const failure = findings.find(({ status }) => status === 'fail')?.code ?? null;
  return { ...seen, findings, failure };
}

/** Half of the round trip is the best guess at when the database read its clock. */
async function clockDifference(
  { engine }: Pick<ServiceContext, 'engine'>,
  hostNow: () => Date,
): Promise<number> {
  return read(engine, async (session) => {
    const before = hostNow().getTime();
    const { now } = await readMoment(session);
    return Math.round((before + hostNow().getTime()) / 2 - now.getTime());
  });
}

/** A role without any privilege on the schema is told what it lacks, and all that can be seen without. */
async function lookAtSchema({
  engine,
}: Pick<ServiceContext, 'engine'>): Promise<Pick<Observations, 'schema' | 'schemaRefusal'>> {
  try {
    return { schema: await schemaStatus(engine), schemaRefusal: null };
  } catch (error) {
    if (!(error instanceof ApiKeysError) || error.code !== 'PERMISSION_DENIED') throw error;
    return { schema: null, schemaRefusal: error };
  }
}

async function lookAtKeys(context: ServiceContext, isOpen: boolean): Promise<KeyFindings> {
  const tenant = tenantOf(context);
  const overdueMs = context.settings.retention + OVERDUE_DAYS * DAY;
  return read(context.engine, async (session) => {
    const profiles: Profile[] = [];
    for (const profile of PROFILES) if (await hasProfile(session, profile)) profiles.push(profile);
    const mayRead = isOpen && (profiles.includes('admin') || profiles.includes('auditor'));
    const mayReadPolicy = mayRead || (isOpen && profiles.includes('policy'));
    const policy = mayReadPolicy ? await policyInForce(session, tenant ?? ALL_TENANTS) : null;
    return {
      profiles,
      policy,
      settingsBeyondPolicy: policy === null ? [] : settingsBeyondPolicy(policy, context.settings),
      waysToRewriteAudit: await waysToRewriteAudit(session),
      expiring: mayRead ? await countKeys(session, { tenant, expiringWithinMs: EXPIRING_DAYS * DAY }) : null,
      overdue: mayRead ? await countOverdue(session, overdueMs, tenant) : null,
    };
  });
}
