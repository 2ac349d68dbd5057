import type { Key } from '../../domain/key.js';
import { quote } from '../../domain/quote.js';
import { defineCommand } from '../definition/command.js';
import { KEYS_OR_OWNER } from '../input/key-arguments.js';
import { changeResult, doneToKeys, keyCount } from '../output/key-changes.js';
import { shellWord } from '../output/shell-word.js';

export const unfreeze = defineCommand({
  name: 'unfreeze',
  group: 'Stopping keys',
  description: "lift the freeze of keys, or an owner's",
  ...KEYS_OR_OWNER,
  options: {
    owner: {
      value: '<owner>',
      description: "the owner's freeze alone: a key that was frozen by itself stays so",
    },
    reason: { value: '<text>', description: 'why; the audit trail keeps it' },
    ignoreMissing: { description: 'go on with the others when some are not found' },
  },
  examples: ['apikeys unfreeze rv_1a2b3c4d', 'apikeys unfreeze --owner bob'],
  result: 'unfreeze',
  dryRun: 'shown',
  async run({ options, renderer, use }, { keys, owner, reason, ignoreMissing }) {
    const dryRun = options.dryRun ?? false;
    const terms = { reason, dryRun };
    const done = await use((service) =>
      owner === undefined
        ? service.unfreeze({ keys, ignoreMissing, ...terms })
        : service.unfreezeOwner({ owner, ...terms }),
    );
    const what = owner === undefined ? keyCount(done.changed) : `owner ${owner}`;
    const nothing = owner !== undefined && done.changed === 0 ? `Owner ${owner} was not frozen.` : undefined;
    const summary = dryRun ? `Would unfreeze ${what}. Nothing was changed.` : `Unfroze ${what}.`;
    const idle = dryRun || done.changed === 0;
    await renderer.result(changeResult({ ...done, dryRun, summary: nothing ?? summary }), {
      done: idle
        ? undefined
        : owner === undefined
          ? doneToKeys(done.changed, 'unfrozen', dryRun)
          : `owner ${quote(owner)} was unfrozen`,
    });
    // What a dry run shows is frozen because nothing was lifted.
    if (dryRun) return undefined;
    for (const key of stillFrozen(done.keys)) await renderer.note(stillFrozenText(key));
    return undefined;
  },
});

/** Lifting a key's own freeze does not lift its owner's, nor the other way round. */
const stillFrozen = (keys: readonly Key[]): Key[] =>
  keys.filter(({ isFrozen, revokedAt }) => isFrozen && revokedAt === null);

const stillFrozenText = ({ keyPrefix, name, ownerId, frozenByOwner }: Key): string =>
  frozenByOwner
    ? `note: ${keyPrefix} (${name}) stays frozen with its owner; lift that with \`apikeys unfreeze --owner ${shellWord(ownerId)}\``
    : `note: ${keyPrefix} (${name}) stays frozen by itself; lift that with \`apikeys unfreeze ${shellWord(keyPrefix)}\``;
