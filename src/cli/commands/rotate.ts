import { parseDuration } from '../../domain/duration.js';
import type { OlderSecret } from '../../repository/secrets.js';
import { rotatedKeyJson } from '../../representation/key-secrets.js';
import type { EndedGrace, RotatedKey } from '../../service/keys/rotate-key.js';
import { defineCommand } from '../definition/command.js';
import { EXIT } from '../exit-codes.js';
import { ONE_KEY, OWNER_OF_KEY } from '../input/key-arguments.js';
import { keyReference } from '../input/key-reference.js';
import { noteBrokenChains } from '../output/broken-chains.js';
import { deliverSecret, OUT_FILE } from '../output/deliver-secret.js';
import { noteLifetimeCut } from '../output/policy-view.js';
import type { Formatter } from '../output/result.js';
import { secretColumns, secretView } from '../output/secret-view.js';
import { noteStillFrozen } from '../output/still-frozen.js';
import { waitForChangeOver } from '../output/wait-for-change-over.js';

export const rotate = defineCommand({
  name: 'rotate',
  group: 'Keys',
  description: 'give a key a new secret; the older ones stay valid for a while',
  summary: 'give a key a new secret',
  arguments: ONE_KEY,
  options: {
    ...OWNER_OF_KEY,
    grace: {
      value: '<duration>',
      description: 'how long older secrets stay valid (default: 1d)',
    },
    expires: {
      value: '<when>',
      description: 'another lifetime: 30d, 2030-01-31, an RFC 3339 time, or never',
    },
    unfreeze: { description: 'lift its freeze; older secrets end now unless --grace' },
    idempotencyKey: { value: '<key>', description: 'a repetition makes no second secret' },
    outFile: OUT_FILE,
    wait: { description: 'then wait until nobody uses older secrets any more' },
    timeout: { value: '<duration>', description: 'with --wait: how long to wait at most (default: 1h)' },
    endGrace: { description: 'make no secret; end the older ones now' },
  },
  // Ending the grace makes no secret.
  excludes: { endGrace: ['grace', 'expires', 'unfreeze', 'idempotencyKey', 'outFile', 'wait'] },
  needs: { timeout: 'wait' },
  notes: 'The key keeps its id and history, and gets the same lifetime again.',
  examples: ['apikeys rotate rv_1a2b3c4d --grace 7d'],
  result: 'rotate',
  dryRun: 'refused',
  async run(context, { key: argument, owner, outFile, endGrace, wait, timeout, ...changes }) {
    const named = { key: await keyReference(context, argument), owner };
    if (endGrace) {
      const ended = await context.use((service) => service.endGrace(named));
      await context.renderer.result(endedView(ended), {
        done: ended.changed === 0 ? undefined : 'the older secrets have ended',
      });
      await noteBrokenChains(context.renderer, ended.brokenChains);
      return EXIT.done;
    }
    const patience = timeout === undefined ? HOUR : parseDuration(timeout);
    const request = { ...named, ...changes };
    const { key, lifetimeCut } = await deliverSecret<RotatedKey>(context, {
      outFile,
      act: (reveal) => context.use((service) => service.rotate(request, reveal)),
      view: rotatedView,
    });
    await noteLifetimeCut(context.renderer, lifetimeCut);
    await noteStillFrozen(context.renderer, [key]);
    return wait ? waitForChangeOver(context, key, patience) : EXIT.done;
  },
});

const HOUR = 3_600_000;

function rotatedView(made: RotatedKey, apiKey: string | null, message: string) {
  const { key, previous, changed, lifetimeCut } = made;
  const rotated = { key, previous, changed, lifetimeCut, brokenChains: [] };
  return {
    document: rotatedKeyJson(rotated, { apiKey, message }),
    rows: [{ key, apiKey }],
    columns: secretColumns,
    quiet: [apiKey ?? key.id],
    human: secretView({
      title: changed === 1 ? 'Rotated' : 'Found',
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
      title: 'Ended the grace of',
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
