import { Argument, Command } from '@commander-js/extra-typings';
import { SCHEMA_NAMES } from '../../representation/schema-names.js';
import { globalsOf } from '../options.js';
import type { Runner } from '../runner.js';

export const schemaCommand = (run: Runner) =>
  new Command('schema')
    .description("print the JSON Schema of a command's output")
    .addArgument(
      new Argument('<command>', 'a command, or error for what a failure prints').choices(SCHEMA_NAMES),
    )
    .addHelpText(
      'after',
      `
Examples:
  $ apikeys schema list > list.schema.json`,
    )
    .action((name, _options, command) =>
      run(globalsOf(command), async ({ options, rendererIn }) => {
        const [{ toJSONSchema }, { SCHEMAS }] = await Promise.all([
          import('zod'),
          import('../../representation/schemas.js'),
        ]);
        const renderer = rendererIn(options.output === 'ndjson' ? 'ndjson' : 'json');
        await renderer.result({ document: toJSONSchema(SCHEMAS[name]), rows: [], columns: [], quiet: [] });
      }),
    );
