import { parseDuration } from '../../domain/duration.js';
import type { OlderSecret } from '../../repository/secrets.js';
import { rotatedKeyJson } from '../../representation/key-secrets.js';
import type { EndedGrace, RotatedKey } from '../../service/keys/rotate-key.js';
import { defineCommand } from '../definition/command.js';
import { EXIT } from '../exit-codes.js';
import { ONE_KEY } from '../input/key-arguments.js';
import { noteBrokenChains } from '../output/broken-chains.js';
import { deliverSecret } from '../output/deliver-secret.js';
import { noteLifetimeCut } from '../output/policy-view.js';
import type { Formatter } from '../output/result.js';
import { secretColumns, secretView } from '../output/secret-view.js';
import { waitForChangeOver } from '../output/wait-for-change-over.js';

export const rotate = defineCommand({
  name: 'rotate',
  group: 'Keys',
  description: 'give a key a new secret; the older ones stay valid for a while',
  summary: 'give a key a new secret',
  arguments: ONE_KEY,
  options: {
    grace: {
      value: '<duration>',
      description: 'how long older secrets stay valid (default: APIKEYS_ROTATION_GRACE, 1d)',
    },
    expires: { value: '<when>', description: 'another lifetime: 30d, an RFC 3339 time, or never' },
    outFile: { value: '<file>', description: 'write the secret to this new file, not to stdout' },
    wait: { description: 'then wait until the older secrets have not been used for a minute' },
    timeout: { value: '<duration>', description: 'with --wait: how long to wait at most (default: 1h)' },
    endGrace: { description: 'make no secret; end the older ones now' },
  },
  // Ending the grace makes no secret.
  excludes: { endGrace: ['grace', 'expires', 'outFile', 'wait'] },
  needs: { timeout: 'wait' },
  notes: 'The key keeps its id, usage and history, and gets the same lifetime again.',
  examples: ['apikeys rotate rv_1a2b3c4d --grace 7d', 'apikeys rotate "CI deploy" --end-grace'],
  result: 'rotate',
  dryRun: 'refused',
  async run(context, { key: reference, grace, expires, outFile, endGrace, wait, timeout }) {
    if (endGrace) {
      const ended = await context.use((service) => service.endGrace({ key: reference }));
      await context.renderer.result(endedView(ended));
      await noteBrokenChains(context.renderer, ended.brokenChains);
      return EXIT.done;
    }
    const patience = timeout === undefined ? HOUR : parseDuration(timeout);
    const request = { key: reference, grace, expires };
    const { key, lifetimeCut } = await deliverSecret<RotatedKey>(context, {
      outFile,
      act: (reveal) => context.use((service) => service.rotate(request, reveal)),
      view: rotatedView,
    });
    await noteLifetimeCut(context.renderer, lifetimeCut);
    return wait ? waitForChangeOver(context, key.id, patience) : EXIT.done;
  },
});

const HOUR = 3_600_000;

function rotatedView(made: RotatedKey, apiKey: string | null, message: string) {
  const { key, previous, lifetimeCut } = made;
  const rotated = { key, previous, lifetimeCut, changed: 1, brokenChains: [] };
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
    document: rotatedKeyJson({ ...ended, lifetimeCut: null }, { apiKey: null, message }),
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
