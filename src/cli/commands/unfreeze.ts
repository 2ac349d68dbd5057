import { Command } from '@commander-js/extra-typings';
import type { Key } from '../../domain/key.js';
import { globalsOf } from '../options.js';
import { changeResult, keyCount, targetOf } from '../output/key-changes.js';
import { shellWord } from '../output/shell-word.js';
import type { Runner } from '../runner.js';

export const unfreezeCommand = (run: Runner) =>
  new Command('unfreeze')
    .description("lift the freeze of keys, or an owner's")
    .argument('[key...]', 'ids, key prefixes or names')
    .option('--owner <owner>', "the owner's freeze alone: a key that was frozen by itself stays so")
    .option('--reason <text>', 'why; the audit trail keeps it')
    .option('--ignore-missing', 'go on with the others when some are not found')
    .addHelpText(
      'after',
      `
Examples:
  $ apikeys unfreeze rv_1a2b3c4d
  $ apikeys unfreeze --owner bob`,
    )
    .action((references, { owner, reason, ignoreMissing }, command) =>
      run(globalsOf(command), async ({ options, renderer, use }) => {
        const dryRun = options.dryRun ?? false;
        const target = targetOf(references, { owner, ignoreMissing });
        const terms = { reason, dryRun };
        const done = await use((service) =>
          'owner' in target
            ? service.unfreezeOwner({ ...target, ...terms })
            : service.unfreeze({ ...target, ...terms }),
        );
        const what = 'owner' in target ? `owner ${target.owner}` : keyCount(done.changed);
        const nothing =
          'owner' in target && done.changed === 0 ? `Owner ${target.owner} was not frozen.` : undefined;
        const summary = dryRun ? `Would unfreeze ${what}. Nothing was changed.` : `Unfroze ${what}.`;
        await renderer.result(changeResult({ ...done, dryRun, summary: nothing ?? summary }));
        // What a dry run shows is frozen because nothing was lifted.
        if (dryRun) return;
        for (const key of stillFrozen(done.keys)) await renderer.note(stillFrozenText(key));
      }),
    );

/** Lifting a key's own freeze does not lift its owner's, nor the other way round. */
const stillFrozen = (keys: readonly Key[]): Key[] =>
  keys.filter(({ isFrozen, revokedAt }) => isFrozen && revokedAt === null);

const stillFrozenText = ({ keyPrefix, name, ownerId, frozenByOwner }: Key): string =>
  frozenByOwner
    ? `note: ${keyPrefix} (${name}) stays frozen with its owner; lift that with \`apikeys unfreeze --owner ${shellWord(ownerId)}\``
    : `note: ${keyPrefix} (${name}) stays frozen by itself; lift that with \`apikeys unfreeze ${shellWord(keyPrefix)}\``;
