import { Command } from '@commander-js/extra-typings';
import type { ApiKeysError } from '../../errors.js';
import { updatedKeyJson } from '../../representation/key.js';
import { CliError } from '../cli-error.js';
import { parseMetadata } from '../input/metadata.js';
import { collect, globalsOf, refuseDryRun } from '../options.js';
import { KEY_COLUMNS } from '../output/key-columns.js';
import type { Runner } from '../runner.js';

export const updateCommand = (run: Runner) =>
  new Command('update')
    .description('change what is not a secret')
    .argument('<key>', "the key's id, key prefix or name")
    .option('--name <name>', 'another name')
    .option('--description <text>', 'what the key is for; an empty one removes it')
    .option('--expires <when>', 'a duration from now such as 30d, an RFC 3339 time, or never')
    .option('--metadata <key=value>', 'added to what is there; key= removes one; repeatable', collect)
    .addHelpText(
      'after',
      `
Examples:
  $ apikeys update rv_1a2b3c4d --expires 30d
  $ apikeys update "CI deploy" --name "CI deploy (old)" --metadata team=core`,
    )
    .action((reference, options, command) =>
      run(globalsOf(command), async ({ options: globals, renderer, use }) => {
        refuseDryRun(globals, 'update');
        const { name, description, expires } = options;
        const metadata = options.metadata && parseMetadata(options.metadata);
        if ([name, description, expires, metadata].every((value) => value === undefined))
          throw nothingGiven();
        const { key, changed } = await use((service) =>
          service.update({ key: reference, name, description, expires, metadata }),
        );
        await renderer.result({
          document: updatedKeyJson({ key, changed }),
          rows: [key],
          columns: KEY_COLUMNS,
          quiet: [key.id],
          footer: changed === 1 ? 'Updated.' : 'It was so before; nothing was changed.',
        });
      }),
    );

function nothingGiven(): ApiKeysError {
  return new CliError('INVALID_USAGE', 'nothing to change was given', {
    hint: 'Give --name, --description, --expires or --metadata.',
  });
}
