import type { Key } from '../../domain/key.js';
import { updatedKeyJson } from '../../representation/key.js';
import { defineCommand } from '../definition/command.js';
import { ONE_KEY } from '../input/key-arguments.js';
import { keyReference } from '../input/key-reference.js';
import { parseMetadata } from '../input/metadata.js';
import { changesView } from '../output/changes-view.js';
import { doneToKeys } from '../output/key-changes.js';
import { KEY_COLUMNS } from '../output/key-columns.js';
import type { Formatter } from '../output/result.js';
import { utcTime } from '../output/time.js';

export const update = defineCommand({
  name: 'update',
  group: 'Keys',
  description: 'change what is not a secret',
  arguments: ONE_KEY,
  options: {
    name: { value: '<name>', description: 'another name' },
    description: { value: '<text>', description: 'what the key is for; an empty one removes it' },
    expires: {
      value: '<when>',
      description: 'another lifetime: 30d, 2030-01-31, an RFC 3339 time, or never',
    },
    metadata: {
      value: '<key=value>',
      description: 'added to what is there; key= removes one; repeatable',
      repeatable: true,
    },
  },
  atLeastOne: {
    of: ['name', 'description', 'expires', 'metadata'],
    missing: 'nothing to change was given',
  },
  examples: [
    'apikeys update rv_1a2b3c4d --expires 30d',
    'apikeys update "CI deploy" --name "CI deploy (old)" --metadata team=core',
  ],
  result: 'update',
  dryRun: 'refused',
  async run(context, { key: argument, metadata, ...changes }) {
    const pairs = metadata && parseMetadata(metadata);
    const reference = await keyReference(context, argument);
    const { key, changed, before } = await context.use((service) =>
      service.update({ key: reference, ...changes, metadata: pairs }),
    );
    const result = {
      document: updatedKeyJson({ key, changed }),
      rows: [key],
      columns: KEY_COLUMNS,
      quiet: [key.id],
      ...(changed === 1 && { human: (ui: Formatter) => changesView(before, key, ui) }),
      footer: changed === 1 ? updated(key, changes.expires) : 'It was so before; nothing was changed.',
    };
    await context.renderer.result(result, { done: doneToKeys(changed, 'updated', false) });
    return undefined;
  },
});

/** The end as it was understood, where one was given: the table has it in days. */
function updated({ expiresAt }: Key, expires: string | undefined): string {
  if (expires === undefined) return 'Updated.';
  return `Updated. ${expiresAt === null ? 'It never expires.' : `It expires ${utcTime(expiresAt)}.`}`;
}
