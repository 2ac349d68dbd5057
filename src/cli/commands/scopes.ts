import { Command } from '@commander-js/extra-typings';
import type { ApiKeysError } from '../../errors.js';
import { grantedScopesJson, keyScopesJson } from '../../representation/key.js';
import { CliError } from '../cli-error.js';
import type { Context } from '../context.js';
import { EXIT } from '../exit-codes.js';
import { collect, globalsOf, refuseDryRun } from '../options.js';
import type { Runner } from '../runner.js';

export const scopesCommand = (run: Runner) =>
  new Command('scopes')
    .description('show, change or ask what a key may do')
    .argument('<key>', "the key's id, key prefix or name")
    .option('--set <scope>', 'these and no others; repeatable', collect)
    .option('--add <scope>', 'these, too; repeatable', collect)
    .option('--remove <scope>', 'not these any more; repeatable', collect)
    .option('--has <scope>', 'exit 0 if the key grants all of these, 5 if not; repeatable', collect)
    .addHelpText(
      'after',
      `
Examples:
  $ apikeys scopes rv_1a2b3c4d --add orders:read --remove orders:write
  $ apikeys scopes "CI deploy" --has deploy:write && echo yes`,
    )
    .action((reference, { set, add, remove, has }, command) =>
      run(globalsOf(command), async (context) => {
        const changing = set !== undefined || add !== undefined || remove !== undefined;
        if (has !== undefined) {
          if (changing) throw exclusive();
          return ask(context, reference, has);
        }
        if (changing) refuseDryRun(context.options, 'scopes');
        const { key, changed } = await context.use(async (service) =>
          changing
            ? service.updateScopes({ key: reference, set, add, remove })
            : { key: await service.get(reference), changed: 0 },
        );
        await context.renderer.result({
          document: keyScopesJson({ key, changed }),
          rows: key.scopes,
          columns: [{ name: 'scope', header: 'scope', value: (scope: string) => scope }],
          quiet: key.scopes,
          empty: 'This key has no scopes: it may do nothing. Give it one with --add.',
        });
        return EXIT.done;
      }),
    );

async function ask(context: Context, reference: string, scopes: readonly string[]): Promise<number> {
  const { key, ok, missing } = await context.use((service) => service.hasScopes({ key: reference, scopes }));
  await context.renderer.result({
    document: grantedScopesJson({ key, ok, missing }),
    rows: [ok],
    columns: [{ name: 'granted', header: 'granted', value: (granted: boolean) => granted }],
    quiet: [],
    human: (ui) =>
      ok ? ui.chalk.green('yes') : `${ui.chalk.red('no')}: ${ui.text(missing.join(', '))} is missing`,
  });
  return ok ? EXIT.done : EXIT.no;
}

function exclusive(): ApiKeysError {
  return new CliError('INVALID_USAGE', '--has asks, and --set, --add and --remove change', {
    hint: 'Use one or the other.',
  });
}
