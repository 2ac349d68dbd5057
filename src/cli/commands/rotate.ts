import { Command } from '@commander-js/extra-typings';
import { parseDuration } from '../../domain/duration.js';
import type { OlderSecret } from '../../repository/secrets.js';
import { rotatedKeyJson } from '../../representation/key-secrets.js';
import type { EndedGrace, RotatedKey } from '../../service/keys/rotate-key.js';
import { CliError } from '../cli-error.js';
import { EXIT } from '../exit-codes.js';
import { globalsOf, refuseDryRun } from '../options.js';
import { noteBrokenChains } from '../output/broken-chains.js';
import { deliverSecret } from '../output/deliver-secret.js';
import type { Formatter } from '../output/result.js';
import { secretColumns, secretView } from '../output/secret-view.js';
import { waitForChangeOver } from '../output/wait-for-change-over.js';
import type { Runner } from '../runner.js';

export const rotateCommand = (run: Runner) =>
  new Command('rotate')
    .description('give a key a new secret; the older ones stay valid for a while')
    .summary('give a key a new secret')
    .argument('<key>', "the key's id, key prefix or name")
    .option('--grace <duration>', 'how long older secrets stay valid (default: APIKEYS_ROTATION_GRACE, 1d)')
    .option('--expires <when>', 'another lifetime: 30d, an RFC 3339 time, or never')
    .option('--out-file <file>', 'write the secret to this new file, not to stdout')
    .option('--wait', 'then wait until the older secrets have not been used for a minute')
    .option('--timeout <duration>', 'with --wait: how long to wait at most (default: 1h)')
    .option('--end-grace', 'make no secret; end the older ones now')
    .addHelpText(
      'after',
      `
The key keeps its id, usage and history, and gets the same lifetime again.

Examples:
  $ apikeys rotate rv_1a2b3c4d --grace 7d
  $ apikeys rotate "CI deploy" --end-grace`,
    )
    .action((reference, options, command) =>
      run(globalsOf(command), async (context) => {
        refuseDryRun(context.options, 'rotate');
        const { grace, expires, outFile, endGrace, wait, timeout } = options;
        const patience = patienceOf(wait, timeout);
        if (endGrace) {
          refuseWithEndGrace({
            '--grace': grace,
            '--expires': expires,
            '--out-file': outFile,
            '--wait': wait,
          });
          const ended = await context.use((service) => service.endGrace({ key: reference }));
          await context.renderer.result(endedView(ended));
          await noteBrokenChains(context.renderer, ended.brokenChains);
          return EXIT.done;
        }
        const request = { key: reference, grace, expires };
        const { key } = await deliverSecret<RotatedKey>(context, {
          outFile,
          act: (reveal) => context.use((service) => service.rotate(request, reveal)),
          view: rotatedView,
        });
        return patience === undefined ? EXIT.done : waitForChangeOver(context, key.id, patience);
      }),
    );

const HOUR = 3_600_000;

function patienceOf(wait: boolean | undefined, timeout: string | undefined): number | undefined {
  if (wait) return timeout === undefined ? HOUR : parseDuration(timeout);
  if (timeout === undefined) return undefined;
  throw new CliError('INVALID_USAGE', '--timeout goes with --wait', { hint: 'Add --wait.' });
}

function refuseWithEndGrace(given: Readonly<Record<string, unknown>>): void {
  const other = Object.keys(given).find((name) => given[name] !== undefined);
  if (other === undefined) return;
  throw new CliError('INVALID_USAGE', `--end-grace and ${other} exclude each other`, {
    hint: 'Use --end-grace alone: it makes no secret.',
  });
}

function rotatedView({ key, previous }: RotatedKey, apiKey: string | null, message: string) {
  const rotated = { key, previous, changed: 1, brokenChains: [] };
  return {
    document: rotatedKeyJson(rotated, { apiKey, message }),
    rows: [{ key, apiKey }],
    columns: secretColumns,
    quiet: [apiKey ?? key.id],
    human: secretView({
      title: 'Rotated',
      key,
      apiKey,
      message,
      previous: (ui) => olderFields(previous, ui),
    }),
  };
}

function endedView(ended: EndedGrace) {
  const { key, previous, changed } = ended;
  const message = changed === 1 ? 'The older secrets have ended.' : 'No older secret was valid any more.';
  return {
    document: rotatedKeyJson(ended, { apiKey: null, message }),
    rows: [{ key, apiKey: null }],
    columns: secretColumns,
    quiet: [key.id],
    human: secretView({
      title: 'Grace ended for',
      key,
      apiKey: null,
      message,
      previous: (ui) => olderFields(previous, ui),
    }),
  };
}

const olderFields = (previous: readonly OlderSecret[], ui: Formatter) =>
  previous.map(({ keyPrefix, validUntil }) => ({
    label: 'Older',
    value: `${keyPrefix}, valid until ${ui.when(validUntil)}`,
  }));
