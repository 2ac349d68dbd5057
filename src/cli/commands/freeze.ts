import { Command } from '@commander-js/extra-typings';
import type { ChangedOwner } from '../../service/owners/freeze-owner.js';
import { globalsOf } from '../options.js';
import { noteBrokenChains } from '../output/broken-chains.js';
import { changeResult, keyCount, targetOf } from '../output/key-changes.js';
import { utcTime } from '../output/time.js';
import type { Runner } from '../runner.js';

export const freezeCommand = (run: Runner) =>
  new Command('freeze')
    .description('suspend keys, or an owner with all its keys')
    .argument('[key...]', 'ids, key prefixes or names')
    .option('--owner <owner>', 'the owner as a whole: its keys stop, and it gets no new ones')
    .option('--until <when>', 'thaw by itself: after 2h, or at an RFC 3339 time')
    .option('--reason <text>', 'why; the audit trail keeps it')
    .option('--ignore-missing', 'go on with the others when some are not found')
    .addHelpText(
      'after',
      `
Lift it with \`apikeys unfreeze\`. Another freeze never shortens a freeze.

Examples:
  $ apikeys freeze rv_1a2b3c4d --until 2h --reason "leaked in a log?"
  $ apikeys freeze --owner bob --reason "incident 42"`,
    )
    .action((references, { owner, until, reason, ignoreMissing }, command) =>
      run(globalsOf(command), async ({ options, renderer, use }) => {
        const dryRun = options.dryRun ?? false;
        const target = targetOf(references, { owner, ignoreMissing });
        const terms = { until, reason, dryRun };
        if ('owner' in target) {
          const done = await use((service) => service.freezeOwner({ ...target, ...terms }));
          await renderer.result(changeResult({ ...done, dryRun, summary: ownerSummary(done, dryRun) }));
          await noteBrokenChains(renderer, done.brokenChains);
          return;
        }
        const done = await use((service) => service.freeze({ ...target, ...terms }));
        const before = done.keys.length - done.changed;
        const rest = before === 0 ? '' : `; ${keyCount(before)} frozen at least as long already`;
        const summary = dryRun
          ? `Would freeze ${keyCount(done.changed)}${rest}. Nothing was changed.`
          : `Froze ${keyCount(done.changed)}${rest}.`;
        await renderer.result(changeResult({ ...done, dryRun, summary }));
        await noteBrokenChains(renderer, done.brokenChains);
      }),
    );

function ownerSummary({ owner, keys, changed }: ChangedOwner, dryRun: boolean): string {
  if (dryRun) {
    return changed === 0
      ? `Owner ${owner.ownerId} is frozen at least as long already.`
      : `Would stop owner ${owner.ownerId} with ${keyCount(keys.length)}. Nothing was changed.`;
  }
  const end = owner.frozenUntil === null ? 'until it is unfrozen' : `until ${utcTime(owner.frozenUntil)}`;
  const lead = changed === 0 ? 'was frozen already' : 'is frozen';
  const stopped = keys.length === 0 ? 'it has no keys' : `its ${keyCount(keys.length)} stopped`;
  return `Owner ${owner.ownerId} ${lead} ${end}: ${stopped}, and it gets no new ones.`;
}
