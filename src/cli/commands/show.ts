import type { AuditEvent } from '../../domain/audit.js';
import type { Key } from '../../domain/key.js';
import { secretStage } from '../../domain/secret-stage.js';
import type { SecretRecord } from '../../repository/secrets.js';
import { keyDetailsJson } from '../../representation/key-secrets.js';
import type { KeyDetails } from '../../service/keys/find-keys.js';
import { defineCommand } from '../definition/command.js';
import { ONE_KEY, OWNER_OF_KEY } from '../input/key-arguments.js';
import { keyReference } from '../input/key-reference.js';
import { eventStory, eventStyle } from '../output/event-words.js';
import { KEY_COLUMNS } from '../output/key-columns.js';
import type { Formatter, RecordField } from '../output/result.js';
import { centWords } from '../output/usage-words.js';

export const show = defineCommand({
  name: 'show',
  group: 'Keys',
  description: 'show everything about one key',
  arguments: ONE_KEY,
  options: OWNER_OF_KEY,
  examples: ['apikeys show rv_1a2b3c4d', 'apikeys show "CI deploy" --json', 'pbpaste | apikeys show -'],
  result: 'show',
  async run(context, { key, owner }) {
    const reference = await keyReference(context, key);
    const details = await context.use((service) => service.show(reference, { owner }));
    const { ended } = details;
    await context.renderer.result({
      document: keyDetailsJson(details),
      rows: [details.key],
      columns: KEY_COLUMNS,
      quiet: [details.key.id],
      human: (ui) => human(details, ui),
    });
    if (ended > 0)
      await context.renderer.note(`note: ${othersEnded(ended)} of this name; see \`apikeys list --name\``);
    return undefined;
  },
});

const othersEnded = (count: number): string =>
  count === 1 ? 'there is 1 other, ended key' : `there are ${count} other, ended keys`;

function human({ key, secrets, usageToday, oldSecretUsedAt, events }: KeyDetails, ui: Formatter): string {
  return ui.record({
    fields: keyFields(key, events, ui),
    sections: [
      {
        title: 'Secrets',
        body: ui.table<SecretRecord>(
          [
            { name: 'key_prefix', header: 'key', value: (secret) => secret.keyPrefix, priority: 3 },
            { name: 'state', header: 'state', value: secretStage, priority: 3 },
            { name: 'created_at', header: 'made', value: (secret) => secret.createdAt, priority: 1 },
            {
              name: 'valid_until',
              header: 'valid until',
              value: (secret) => secret.validUntil,
              cell: (secret) =>
                secret.validUntil === null ? 'the key ends' : ui.relative(secret.validUntil),
              priority: 2,
            },
          ],
          secrets,
        ),
      },
      {
        title: 'Usage today (UTC)',
        fields: [
          { label: 'Requests', value: ui.number(usageToday.requestCount) },
          ...(secrets.length > 1 ? [{ label: 'Old secrets', value: usedText(oldSecretUsedAt, ui) }] : []),
          { label: 'Spend', value: centWords(usageToday.spendCents, ui) },
        ],
      },
      {
        title: 'Latest events',
        fields: events.map((event) => ({
          label: ui.relative(event.at),
          value: { text: eventStory(event, ui), style: eventStyle(event, ui) },
        })),
      },
    ],
  });
}

/** What an operator looks at before ending the grace period. */
const usedText = (usedAt: Date | null, ui: Formatter): string =>
  usedAt === null ? 'not used since the rotation' : `last used ${ui.when(usedAt)}`;

function keyFields(key: Key, events: readonly AuditEvent[], ui: Formatter): RecordField[] {
  const metadata = Object.entries(key.metadata).map(([name, value]) => `${name}=${value}`);
  return [
    { label: 'Name', value: ui.bold(key.name) },
    { label: 'Status', value: ui.status(key.status) },
    { label: 'Id', value: key.id },
    { label: 'Key', value: key.keyPrefix },
    { label: 'Owner', value: key.ownerId },
    { label: 'Tenant', value: key.tenantId },
    { label: 'Scopes', value: key.scopes.join(', ') || null },
    ...(key.description === null ? [] : [{ label: 'Description', value: key.description }]),
    ...(metadata.length === 0 ? [] : [{ label: 'Metadata', value: metadata.join(', ') }]),
    { label: 'Created', value: `${ui.when(key.createdAt)} by ${key.createdBy}` },
    { label: 'Expires', value: ui.when(key.expiresAt) },
    { label: 'Last used', value: ui.when(key.lastUsedAt) },
    { label: 'Requests', value: ui.number(key.totalRequests) },
    ...(key.isFrozen && key.frozenAt !== null
      ? [{ label: 'Frozen', value: frozenText(key, events, ui) }]
      : []),
    ...(key.revokedAt !== null ? [{ label: 'Revoked', value: revokedText(key, ui) }] : []),
  ];
}

/** `with its owner since … (just now), until it is unfrozen, by alice: incident 42`. */
function frozenText(key: Key, events: readonly AuditEvent[], ui: Formatter): string {
  const until = key.frozenUntil === null ? 'until it is unfrozen' : `until ${ui.when(key.frozenUntil)}`;
  const made = events.find(({ action }) => action === (key.frozenByOwner ? 'owner.frozen' : 'key.frozen'));
  const by = made === undefined ? '' : `, by ${made.actor}`;
  const reason = key.frozenReason === null ? '' : `: ${key.frozenReason}`;
  const lead = key.frozenByOwner ? 'with its owner since' : 'since';
  return `${lead} ${ui.when(key.frozenAt)}, ${until}${by}${reason}`;
}

function revokedText(key: Key, ui: Formatter): string {
  const reason = key.revokedReason === null ? '' : `: ${key.revokedReason}`;
  return `${ui.when(key.revokedAt)} by ${key.revokedBy ?? 'unknown'}${reason}`;
}
