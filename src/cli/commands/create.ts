import { DEFAULT_TENANT } from '../../domain/key.js';
import { createdKeyJson } from '../../representation/key-secrets.js';
import type { CreatedKey } from '../../service/keys/create-key.js';
import { defineCommand } from '../definition/command.js';
import { completeCreate } from '../input/create-questions.js';
import { LIMIT_OPTIONS } from '../input/limit-options.js';
import { parseMetadata } from '../input/metadata.js';
import { deliverSecret, OUT_FILE } from '../output/deliver-secret.js';
import { noteLifetimeCut } from '../output/policy-view.js';
import type { Formatter } from '../output/result.js';
import { secretColumns, secretView } from '../output/secret-view.js';

export const create = defineCommand({
  name: 'create',
  group: 'Keys',
  description: 'make a key and show its secret, once',
  usage: '<name> --owner <owner> [options]',
  arguments: { name: { value: '[name]' } },
  options: {
    owner: { value: '<owner>', description: 'the user or service that the key belongs to' },
    scope: {
      value: '<scope>',
      description: 'what the key may do, such as orders:*; repeatable',
      repeatable: true,
    },
    expires: {
      value: '<when>',
      description: '30d, 2030-01-31, an RFC 3339 time, or never (default: 90d)',
    },
    description: { value: '<text>', description: 'what the key is for' },
    metadata: {
      value: '<key=value>',
      description: "the operator's own notes; repeatable",
      repeatable: true,
    },
    ...LIMIT_OPTIONS,
    idempotencyKey: { value: '<key>', description: 'a repetition with the same one makes no second key' },
    outFile: OUT_FILE,
  },
  examples: [
    'apikeys create "CI deploy" --owner alice --scope deploy:write --expires 30d',
    'KEY=$(apikeys create nightly --owner reports -q)',
  ],
  result: 'create',
  dryRun: 'refused',
  prompts: true,
  async run(context, { name, owner, scope, expires, metadata, outFile, allowIp, ...given }) {
    const pairs = parseMetadata(metadata ?? []);
    const answers = await completeCreate(context, { name, owner, scopes: scope, expires });
    const request = { ...answers, ...given, metadata: pairs, allowIps: allowIp };
    const { key, newTenant, lifetimeCut } = await deliverSecret<CreatedKey>(context, {
      outFile,
      act: (reveal) => context.use((service) => service.create(request, reveal)),
      view,
    });
    if (newTenant && key.tenantId !== DEFAULT_TENANT) {
      await context.renderer.note(`note: tenant "${key.tenantId}" is new; this is its first key`);
    }
    await noteLifetimeCut(context.renderer, lifetimeCut);
    if (context.onScreen) await context.renderer.aside(nextStep);
    return undefined;
  },
});

/** Said once, to whoever is new to it. */
const nextStep = (ui: Formatter): string =>
  ui.chalk.dim('Send it as `Authorization: Bearer <key>`; try it with `apikeys verify`, which asks for it.');

function view(created: CreatedKey, apiKey: string | null, message: string) {
  const { key, changed } = created;
  return {
    document: createdKeyJson(created, { apiKey, message }),
    rows: [{ key, apiKey }],
    columns: secretColumns,
    quiet: [apiKey ?? key.id],
    human: secretView({ title: changed === 1 ? 'Created' : 'Found', key, apiKey, message }),
  };
}
