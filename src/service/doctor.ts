import { type SchemaStatus, schemaStatus } from '../db/schema/migrate.js';
import { read } from '../db/transaction.js';
import { EXPIRING_DAYS, OVERDUE_DAYS } from '../domain/health.js';
import { PROFILES, type Profile } from '../domain/profiles.js';
import { readMoment } from '../repository/clock.js';
import { type ForeignBinding, findForeignBindings } from '../repository/foreign-bindings.js';
import { countOverdue } from '../repository/health.js';
import { countKeys } from '../repository/key-list.js';
import { hasProfile } from '../repository/privileges.js';
import { waysToChangeThePast } from '../repository/role-facts.js';
import { readServer, type ServerFacts } from '../repository/server-facts.js';
import { type ServiceContext, tenantOf } from './context.js';

const DAY = 86_400_000;
export interface Diagnosis {
  readonly server: ServerFacts;
  /** The answer to the first question, connecting included, in milliseconds. */
  readonly latencyMs: number;
  /** How far this host's clock is ahead of the database's, in milliseconds; only the database's decides anything. */
  readonly clockAheadMs: number;
  readonly schema: SchemaStatus;
  /** What of the schema is bound to something outside of it. */
  readonly foreignBindings: readonly ForeignBinding[];
  /** Null until the schema is there. */
  readonly keys: KeyFindings | null;
}

export interface KeyFindings {
  /** What the role in use has the privileges for. */
  readonly profiles: readonly Profile[];
  /** How the role in use could rewrite or delete audit events; empty: it cannot. */
  readonly waysToChangeThePast: readonly string[];
  /** Live keys that end within {@link EXPIRING_DAYS}. */
  readonly expiring: number;
  /** Keys that cleanup would delete, and should have deleted more than {@link OVERDUE_DAYS} ago. */
  readonly overdue: number;
}

/** Looks at everything that has to be right. Throws what connecting throws; everything else is told, not thrown. */
export async function diagnose(context: ServiceContext, hostNow: () => Date): Promise<Diagnosis> {
  const { engine } = context;
  const started = hostNow().getTime();
  const server = await read(engine, readServer);
  const latencyMs = hostNow().getTime() - started;
  const clockAheadMs = await clockDifference({ engine }, hostNow);
  const schema = await schemaStatus(engine);
  return {
    server,
    latencyMs,
    clockAheadMs,
    schema,
    foreignBindings: await read(engine, findForeignBindings),
    keys: schema.state === 'current' ? await lookAtKeys(context) : null,
  };
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

async function lookAtKeys(context: ServiceContext): Promise<KeyFindings> {
  const tenant = tenantOf(context);
  const overdueMs = context.settings.retention + OVERDUE_DAYS * DAY;
  return read(context.engine, async (session) => {
    const profiles: Profile[] = [];
    for (const profile of PROFILES) if (await hasProfile(session, profile)) profiles.push(profile);
    const mayRead = profiles.includes('admin') || profiles.includes('auditor');
    return {
      profiles,
      waysToChangeThePast: await waysToChangeThePast(session),
      expiring: mayRead ? await countKeys(session, { tenant, expiringWithinMs: EXPIRING_DAYS * DAY }) : 0,
      overdue: mayRead ? await countOverdue(session, overdueMs, tenant) : 0,
    };
  });
}
