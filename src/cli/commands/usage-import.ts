import { counted } from '../../domain/counted.js';
import { ApiKeysError } from '../../errors.js';
import { importedUsageJson } from '../../representation/usage.js';
import { CliError } from '../cli-error.js';
import type { Context } from '../context.js';
import { defineCommand } from '../definition/command.js';
import { EXIT } from '../exit-codes.js';
import { linesIn, linesOf } from '../input/file-lines.js';
import { usageLines } from '../input/usage-lines.js';
import { noteBrokenChains } from '../output/broken-chains.js';
import type { Result } from '../output/result.js';

export const usageImport = defineCommand({
  name: 'import',
  description: 'add usage from NDJSON or CSV, such as the log of a gateway',
  arguments: { file: { value: '[file]', description: 'a file; - or nothing: stdin' } },
  options: {
    importId: {
      value: '<id>',
      description: 'importing twice under the same one counts once; goes on after a kill',
    },
  },
  notes: `A line has key (an id, key prefix or name), requests (default 1), spend_cents
(0) and at (a time, or a day; now). The first line of CSV names the columns. The
import ends at the first bad line and counts those before it; --dry-run names
every bad line and counts nothing.`,
  examples: [
    'apikeys usage import gateway.ndjson --import-id gateway-2026-11-21',
    'apikeys usage import --dry-run < gateway.csv',
  ],
  result: 'usage-import',
  dryRun: 'shown',
  async run(context, { file, importId }) {
    const { settings } = await context.config();
    const dryRun = context.options.dryRun ?? false;
    const progress = context.progress('Importing', 'bytes');
    const text =
      file === undefined || file === '-'
        ? linesIn(stdinOf(context), 'stdin')
        : linesOf(file, { reading: progress.update, signal: context.signal });
    const imported = await context
      .use((service) => service.importUsage(usageLines(text, settings.prefix), { importId, dryRun }), {
        waits: false,
      })
      .catch((error: unknown) => {
        throw isInterruption(error) && !dryRun ? interruptedError(importId) : error;
      })
      .finally(progress.end);
    const document = importedUsageJson(imported, dryRun);
    const result: Result<typeof document> = {
      document,
      rows: [document],
      columns: [
        { name: 'changed', header: 'lines', value: ({ changed }) => changed, align: 'right' },
        { name: 'skipped', header: 'skipped', value: ({ skipped }) => skipped, align: 'right' },
        {
          name: 'request_count',
          header: 'requests',
          value: ({ request_count }) => request_count,
          align: 'right',
        },
        { name: 'spend_cents', header: 'cents', value: ({ spend_cents }) => spend_cents, align: 'right' },
      ],
      quiet: [],
      ...(dryRun && { footer: 'Nothing was counted.' }),
    };
    await context.renderer.result(result, {
      done:
        dryRun || document.changed === 0
          ? undefined
          : `${counted(document.changed, 'line')} of usage counted`,
    });
    for (const { line, reason } of imported.badLines) await context.renderer.note(`line ${line}: ${reason}`);
    await noteBrokenChains(context.renderer, imported.brokenChains);
    return imported.badLines.length > 0 ? EXIT.usage : EXIT.done;
  },
});

/** What comes on stdin; a person who watches is told that it is waited for, at once where it has to be typed. */
async function* stdinOf({ stdin, stdinIsTTY, renderer, noteLater }: Context): AsyncGenerator<Buffer> {
  const waiting = 'note: reading NDJSON or CSV from stdin';
  if (stdinIsTTY) await renderer.note(`${waiting}; Ctrl-D ends it`);
  const endWait = stdinIsTTY ? undefined : noteLater(waiting);
  try {
    for await (const chunk of stdin()) {
      endWait?.();
      yield chunk;
    }
  } finally {
    endWait?.();
  }
}

const isInterruption = (error: unknown): boolean =>
  error instanceof ApiKeysError && error.code === 'INTERRUPTED';

function interruptedError(importId: string | undefined): ApiKeysError {
  return new CliError('INTERRUPTED', 'interrupted; lines that were counted by then stay counted', {
    hint:
      importId === undefined
        ? 'Without --import-id nobody knows how many those are: compare with `apikeys usage`.'
        : 'Run it again with the same --import-id and the same input: it goes on from there.',
  });
}
