import type { SchemaName } from '../../representation/schemas.js';
import { type CommandDefinition, defineCommand } from '../definition/command.js';

/** It has the schemas of what `commands` print. */
export const schemaOf = (commands: readonly CommandDefinition[]) =>
  defineCommand({
    name: 'schema',
    group: 'Tools',
    description: "print the JSON Schema of a command's output",
    arguments: {
      name: {
        value: '<command>',
        description: 'a command, or error for what a failure prints',
        choices: [...new Set(commands.flatMap(resultsOf)), 'error'],
      },
    },
    examples: ['apikeys schema list > list.schema.json'],
    result: null,
    async run({ options, rendererIn }, { name }) {
      const [{ toJSONSchema }, { SCHEMAS }] = await Promise.all([
        import('zod'),
        import('../../representation/schemas.js'),
      ]);
      const renderer = rendererIn(options.output === 'ndjson' ? 'ndjson' : 'json');
      await renderer.result({ document: toJSONSchema(SCHEMAS[name]), rows: [], columns: [], quiet: [] });
      return undefined;
    },
  });

function resultsOf({ result, commands = [] }: CommandDefinition): SchemaName[] {
  return [...(result === null ? [] : [result]), ...commands.flatMap(resultsOf)];
}
