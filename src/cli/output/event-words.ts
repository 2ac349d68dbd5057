import { type AuditEvent, detailsOf, isOfDatabase, isOfTenant, isRecord } from '../../domain/audit.js';
import { counted } from '../../domain/counted.js';
import { formatDuration } from '../../domain/duration.js';
import { formatWindow } from '../../domain/limits.js';
import type { Formatter, StyledText } from './result.js';

type Details = Readonly<Record<string, unknown>>;

/**
 * What an event says, as a person would: `rotated to rv_5e6f7a8b; rv_1a2b3c4d ends in 24 hours`. An action that this
 * version does not know is named as it is stored.
 */
export function eventWords(event: AuditEvent, ui: Formatter): string {
  const details = detailsOf(event);
  switch (event.action) {
    case 'key.created':
      return `made as ${text(details.key_prefix)}, ${expiryWords(details.expires_at, ui)}`;
    case 'key.updated':
      return `changed: ${Object.entries(details)
        .filter(([field]) => field !== 'lifetime_ms')
        .map(([field, change]) => changeWords(field, change, ui))
        .join(', ')}`;
    case 'key.scopes_changed':
      return `scopes: ${scopeWords(details.scopes)}`;
    case 'key.limits_changed':
      return `limits: ${limitWords(details.limits)}`;
    case 'owner.limits_changed':
      return `limits of the owner: ${limitWords(details.limits)}`;
    case 'key.rotated':
      return [`rotated to ${text(details.key_prefix)}`, ...olderWords(details.previous, ui)].join('; ');
    case 'key.grace_ended':
      return ['grace ended', ...olderWords(details.previous, ui)].join('; ');
    case 'key.frozen':
      return `frozen ${untilWords(details.until, ui)}`;
    case 'key.unfrozen':
      return 'unfrozen';
    case 'key.revoked':
      return 'revoked';
    case 'key.secrets_deleted':
      return `retired secrets deleted by cleanup: ${prefixWords(details.secrets)}`;
    case 'key.deleted':
      return 'deleted by cleanup after its end';
    case 'owner.first_key':
      return 'first key of the owner';
    case 'owner.frozen':
      return `owner frozen ${untilWords(details.until, ui)}`;
    case 'owner.unfrozen':
      return 'owner unfrozen';
    case 'policy.changed':
      return `policy changed: ${Object.entries(details)
        .map(([rule, change]) => ruleWords(rule, change))
        .join(', ')}`;
    case 'usage.recorded':
      return `usage added by hand: ${usageWords(details)}`;
    case 'usage.imported':
      return `usage imported: ${importWords(details)}${usageWords(details)}`;
    case 'usage.pruned':
      return `usage before ${ui.when(timeOf(details.before))} deleted: ${amount(details.days, 'day')}`;
    case 'audit.pruned':
      return `events before ${ui.when(timeOf(details.before))} deleted: ${count(details.events)}`;
    case 'role.granted':
      return `role ${text(details.role)} granted the work of ${text(details.profile)}`;
    case 'schema.migrated':
      return `schema migrated: ${versionWords(details.versions)}`;
    default:
      return event.action;
  }
}

/** Whose chain it is that is no key's: `owner alice`, `tenant acme`, or `the database`. */
export function ownerWords(chain: Pick<AuditEvent, 'tenantId' | 'ownerId' | 'keyId'>): string {
  if (isOfDatabase(chain)) return 'the database';
  return isOfTenant(chain) ? `tenant ${chain.tenantId}` : `owner ${chain.ownerId}`;
}

/** What happened, by whom, and why: `revoked, by alice: left the team`. */
export function eventStory(event: AuditEvent, ui: Formatter): string {
  const reason = event.reason === null ? '' : `: ${event.reason}`;
  return `${eventWords(event, ui)}, by ${event.actor}${reason}`;
}

/** What ended access stands out, in the colour of the status that it made. */
export function eventStyle({ action }: AuditEvent, { chalk }: Formatter): StyledText['style'] {
  if (action === 'key.revoked') return chalk.red;
  if (action === 'key.frozen' || action === 'owner.frozen') return chalk.cyan;
  return (words) => words;
}

const text = (value: unknown): string => (typeof value === 'string' ? value : '?');

function timeOf(value: unknown): Date | null {
  const time = new Date(typeof value === 'string' ? value : Number.NaN);
  return Number.isNaN(time.getTime()) ? null : time;
}

function expiryWords(value: unknown, ui: Formatter): string {
  const end = timeOf(value);
  return end === null ? 'without an end' : `ends ${ui.relative(end)}`;
}

function untilWords(value: unknown, ui: Formatter): string {
  const end = timeOf(value);
  return end === null ? 'until it is unfrozen' : `until ${ui.when(end)}`;
}

function olderWords(previous: unknown, ui: Formatter): string[] {
  if (!Array.isArray(previous)) return [];
  return previous
    .filter(isRecord)
    .map(({ key_prefix, valid_until }) => `${text(key_prefix)} ends ${ui.relative(timeOf(valid_until))}`);
}

const count = (value: unknown): string => (typeof value === 'number' ? String(value) : '?');

const amount = (value: unknown, what: string): string =>
  typeof value === 'number' ? counted(value, what) : `? ${what}s`;

const usageWords = ({ request_count, spend_cents }: Details): string =>
  `${amount(request_count, 'request')}, ${amount(spend_cents, 'cent')}`;

function importWords({ import_id, lines }: Details): string {
  const of = typeof import_id === 'string' ? ` of ${import_id}` : '';
  return `${amount(lines, 'line')}${of}, `;
}

function versionWords(versions: unknown): string {
  if (!Array.isArray(versions)) return '?';
  return `${versions.length === 1 ? 'version' : 'versions'} ${versions.map(count).join(', ')}`;
}

function prefixWords(secrets: unknown): string {
  if (!Array.isArray(secrets)) return '?';
  return secrets
    .filter(isRecord)
    .map(({ key_prefix }) => text(key_prefix))
    .join(', ');
}

function changeWords(field: string, change: unknown, ui: Formatter): string {
  if (!isRecord(change)) return field;
  if (field === 'expires_at') return `now ${expiryWords(change.after, ui)}`;
  if (field === 'name') return `name ${text(change.before)} → ${text(change.after)}`;
  return field;
}

/** The new limits, each as it is given. */
function limitWords(change: unknown): string {
  if (!isRecord(change)) return 'changed';
  const limits = isRecord(change.after) ? change.after : {};
  const words = ['rate', 'quota', 'budget'].flatMap((name) => {
    const limit = limits[name];
    if (!isRecord(limit)) return [];
    const { requests, cents, window_ms, period } = limit;
    const per = typeof window_ms === 'number' ? formatWindow(window_ms) : text(period);
    return [`${name} ${count(requests ?? cents)}/${per}`];
  });
  const ips = Array.isArray(limits.allowed_ips) ? limits.allowed_ips : [];
  return [...words, ...(ips.length === 0 ? [] : [`from ${ips.map(text).join(' ')}`])].join(', ') || 'none';
}

/** `max_keys 20`, `no prefixes`: the rule as it is now. */
function ruleWords(column: string, change: unknown): string {
  const rule = column.replace(/_ms$/, '');
  const after = isRecord(change) ? change.after : undefined;
  if (after === null || after === false) return `no ${rule}`;
  if (rule !== column) return `${rule} ${durationWords(after)}`;
  if (Array.isArray(after)) return `${rule} ${after.map(text).join(' ')}`;
  return after === true ? rule : `${rule} ${count(after)}`;
}

/** An event that was altered may hold any number. */
const durationWords = (ms: unknown): string =>
  typeof ms === 'number' && ms > 0 && ms % 60_000 === 0 ? formatDuration(ms) : count(ms);

function scopeWords(change: unknown): string {
  if (!isRecord(change) || !Array.isArray(change.before) || !Array.isArray(change.after)) return 'changed';
  const { before, after }: { before: unknown[]; after: unknown[] } = {
    before: change.before,
    after: change.after,
  };
  const added = after.filter((scope) => !before.includes(scope)).map((scope) => `+${text(scope)}`);
  const removed = before.filter((scope) => !after.includes(scope)).map((scope) => `-${text(scope)}`);
  return [...added, ...removed].join(' ');
}
