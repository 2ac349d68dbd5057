import { quote } from '../../domain/quote.js';
import { defineCommand } from '../definition/command.js';
import { KEYS_OR_OWNER } from '../input/key-arguments.js';
import { keyReferences } from '../input/key-reference.js';
import { changeResult, doneToKeys, keyCount } from '../output/key-changes.js';
import { noteStillFrozen } from '../output/still-frozen.js';

export const unfreeze = defineCommand({
  name: 'unfreeze',
  group: 'Stopping keys',
  description: "lift the freeze of keys, or an owner's",
  ...KEYS_OR_OWNER,
  options: {
    owner: {
      value: '<owner>',
      description: "the owner's freeze alone, not that of its keys; with keys: only its",
    },
    reason: { value: '<text>', description: 'why; the audit trail keeps it' },
    ignoreMissing: { description: 'go on with the others when some are not found' },
  },
  examples: ['apikeys unfreeze rv_1a2b3c4d', 'apikeys unfreeze --owner bob'],
  result: 'unfreeze',
  dryRun: 'shown',
  async run(context, { keys: named, owner, reason, ignoreMissing }) {
    const { options, renderer, use } = context;
    const keys = await keyReferences(context, named);
    const ofOwner = keys.length === 0 ? owner : undefined;
    const dryRun = options.dryRun ?? false;
    const terms = { reason, dryRun };
    const done = await use((service) =>
      ofOwner === undefined
        ? service.unfreeze({ keys, owner, ignoreMissing, ...terms })
        : service.unfreezeOwner({ owner: ofOwner, ...terms }),
    );
    const what = ofOwner === undefined ? keyCount(done.changed) : `owner ${ofOwner}`;
    const nothing =
      ofOwner !== undefined && done.changed === 0 ? `Owner ${ofOwner} was not frozen.` : undefined;
    const summary = dryRun ? `Would unfreeze ${what}. Nothing was changed.` : `Unfroze ${what}.`;
    const idle = dryRun || done.changed === 0;
    await renderer.result(changeResult({ ...done, dryRun, summary: nothing ?? summary }), {
      done: idle
        ? undefined
        : ofOwner === undefined
          ? doneToKeys(done.changed, 'unfrozen', dryRun)
          : `owner ${quote(ofOwner)} was unfrozen`,
    });
    // What a dry run shows is frozen because nothing was lifted.
    if (dryRun) return undefined;
    await noteStillFrozen(renderer, done.keys);
    return undefined;
  },
});
