import { Command } from '@commander-js/extra-typings';
import { DEFAULT_TENANT } from '../../domain/key.js';
import { parseMetadata } from '../../domain/text.js';
import type { CreatedKey } from '../../service/create-key.js';
import { collect, globalsOf } from '../options.js';
import { KEY_COLUMNS } from '../output/key-columns.js';
import { keyJson } from '../output/key-json.js';
import type { Column, Result, Ui } from '../output/result.js';
import { REVEAL } from '../output/streams.js';
import type { Runner } from '../program.js';
import type { CreateJson } from '../schemas.js';

const MESSAGE = "Store this key securely. It won't be shown again.";

export const createCommand = (run: Runner) =>
  new Command('create')
    .description('make a key and show its secret, once')
    .argument('<name>', 'what the key is called')
    .requiredOption('--owner <owner>', 'the user or service that the key belongs to')
    .option('--scope <scope>', 'what the key may do, such as read or orders:*; repeatable', collect)
    .option('--expires <when>', 'a duration such as 30d, an RFC 3339 time, or never (default: 90d)')
    .option('--description <text>', 'what the key is for')
    .option('--metadata <key=value>', "the operator's own notes; repeatable", collect)
    .addHelpText(
      'after',
      `
Examples:
  $ apikeys create "CI deploy" --owner alice --scope deploy:write --expires 30d
  $ KEY=$(apikeys create nightly --owner reports -q)`,
    )
    .action((name, options, command) =>
      run(globalsOf(command), async ({ config, renderer, use }) => {
        const { tenant, actor } = await config();
        const request = {
          name,
          owner: options.owner,
          tenant,
          scopes: options.scope ?? [],
          expires: options.expires,
          description: options.description,
          metadata: parseMetadata(options.metadata ?? []),
          actor,
        };
        const { key, newTenant } = await use((service) =>
          service.create(request, (created) => renderer.result(view(created), REVEAL)),
        );
        if (newTenant && key.tenantId !== DEFAULT_TENANT) {
          await renderer.note(`note: tenant "${key.tenantId}" is new; this is its first key`);
        }
      }),
    );

function view(created: CreatedKey): Result<CreatedKey> {
  const document: CreateJson = {
    ...keyJson(created.key),
    api_key: created.apiKey,
    message: MESSAGE,
    changed: 1,
    first_key: created.firstKey,
  };
  return {
    document,
    rows: [created],
    columns: COLUMNS,
    quiet: [created.apiKey],
    human: (ui) => human(created, ui),
  };
}

/** The secret first, then the columns of a listing. */
const COLUMNS: readonly Column<CreatedKey>[] = [
  { name: 'api_key', header: 'api key', value: ({ apiKey }) => apiKey },
  ...KEY_COLUMNS.map(({ name, header, value }) => ({
    name,
    header,
    value: ({ key }: CreatedKey) => value(key),
  })),
];

function human({ key, apiKey }: CreatedKey, ui: Ui): string {
  return [
    `${ui.chalk.green('Created')} ${ui.chalk.bold(ui.text(key.name))} for ${ui.text(key.ownerId)}`,
    '',
    `  ${ui.chalk.bold(apiKey)}`,
    '',
    ui.chalk.yellow(MESSAGE),
    '',
    ui.record({
      fields: [
        { label: 'Id', value: key.id },
        { label: 'Key', value: key.keyPrefix },
        { label: 'Tenant', value: key.tenantId },
        { label: 'Scopes', value: key.scopes.join(', ') || ui.dim('none') },
        { label: 'Expires', value: ui.when(key.expiresAt) },
      ],
    }),
  ].join('\n');
}
