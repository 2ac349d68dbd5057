import { Command } from '@commander-js/extra-typings';
import { DEFAULT_TENANT } from '../../domain/key.js';
import { createdKeyJson } from '../../representation/key-secrets.js';
import type { CreatedKey } from '../../service/keys/create-key.js';
import { completeCreate } from '../input/create-questions.js';
import { parseMetadata } from '../input/metadata.js';
import { collect, globalsOf, refuseDryRun } from '../options.js';
import { deliverSecret } from '../output/deliver-secret.js';
import { secretColumns, secretView } from '../output/secret-view.js';
import type { Runner } from '../runner.js';

export const createCommand = (run: Runner) =>
  new Command('create')
    .description('make a key and show its secret, once')
    .usage('<name> --owner <owner> [options]')
    .argument('[name]', 'what the key is called')
    .option('--owner <owner>', 'the user or service that the key belongs to')
    .option('--scope <scope>', 'what the key may do, such as orders:*; repeatable', collect)
    .option('--expires <when>', '30d, an RFC 3339 time, or never (default: APIKEYS_DEFAULT_EXPIRY, 90d)')
    .option('--description <text>', 'what the key is for')
    .option('--metadata <key=value>', "the operator's own notes; repeatable", collect)
    .option('--idempotency-key <key>', 'a repetition with the same one makes no second key')
    .option('--out-file <file>', 'write the secret to this new file, not to stdout')
    .addHelpText(
      'after',
      `
Examples:
  $ apikeys create "CI deploy" --owner alice --scope deploy:write --expires 30d
  $ KEY=$(apikeys create nightly --owner reports -q)`,
    )
    .action((name, options, command) =>
      run(globalsOf(command), async (context) => {
        refuseDryRun(context.options, 'create');
        const { owner, scope, expires, description, metadata, idempotencyKey, outFile } = options;
        const pairs = parseMetadata(metadata ?? []);
        const answers = await completeCreate(context, { name, owner, scopes: scope, expires });
        const request = { ...answers, description, metadata: pairs, idempotencyKey };
        const { key, newTenant } = await deliverSecret<CreatedKey>(context, {
          outFile,
          act: (reveal) => context.use((service) => service.create(request, reveal)),
          view,
        });
        if (newTenant && key.tenantId !== DEFAULT_TENANT) {
          await context.renderer.note(`note: tenant "${key.tenantId}" is new; this is its first key`);
        }
      }),
    );

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
