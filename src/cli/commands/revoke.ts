import { ApiKeysError } from '../../errors.js';
import type { KeysTarget, OwnersKeysTarget } from '../../service/keys/change-keys.js';
import { CliError } from '../cli-error.js';
import type { Context } from '../context.js';
import { defineCommand } from '../definition/command.js';
import { KEYS_OR_OWNER } from '../input/key-arguments.js';
import { noteBrokenChains } from '../output/broken-chains.js';
import { changeResult, doneToKeys, impactTable, keyCount } from '../output/key-changes.js';

/** More are counted, not listed: nobody reads a longer question. */
const MOST_SHOWN = 20;

export const revoke = defineCommand({
  name: 'revoke',
  group: 'Stopping keys',
  description: 'end keys for good',
  ...KEYS_OR_OWNER,
  options: {
    owner: { value: '<owner>', description: 'all keys of this owner' },
    reason: { value: '<text>', description: 'why; the audit trail keeps it' },
    ignoreMissing: { description: 'go on with the others when some are not found' },
  },
  notes: `Revoking cannot be undone, and no request is accepted that starts after it.
Several keys are revoked together or not at all.`,
  examples: [
    'apikeys revoke rv_1a2b3c4d --reason "left the team"',
    'apikeys revoke --owner bob --dry-run',
    'apikeys revoke rv_1a2b3c4d rv_5e6f7a8b --yes --json',
  ],
  result: 'revoke',
  dryRun: 'shown',
  prompts: true,
  async run(context, { keys, owner, reason, ignoreMissing }) {
    const dryRun = context.options.dryRun ?? false;
    const target = owner === undefined ? { keys, ignoreMissing } : { owner };
    const agreed = dryRun || context.options.yes ? target : await confirmed(context, target);
    const done = await context.use((service) => service.revoke({ ...agreed, reason, dryRun }));
    const summary = summaryOf(done.changed, done.keys.length, dryRun);
    await context.renderer.result(changeResult({ ...done, dryRun, summary }), {
      done: doneToKeys(done.changed, 'revoked', dryRun),
    });
    await noteBrokenChains(context.renderer, done.brokenChains);
    return undefined;
  },
});

type Target = KeysTarget | OwnersKeysTarget;

/** Shows the impact and asks. Of keys it gives the ids that were shown, so that no other key can be revoked. */
async function confirmed(context: Context, target: Target): Promise<Target> {
  if (!context.canPrompt) {
    throw new CliError(
      'CONFIRMATION_REQUIRED',
      'revoking cannot be undone, and there is no one here to ask: --yes is needed',
      {
        hint: 'Add --yes to revoke without asking, or --dry-run to see what would be revoked.',
      },
    );
  }
  const { keys, impact, place } = await context.use(async (service) => ({
    ...(await service.revoke({ ...target, dryRun: true })),
    place: service.location,
  }));
  const shown = impact ?? [];
  if (shown.length > 0) {
    const rows = shown.slice(0, MOST_SHOWN).map(({ key }) => key);
    await context.renderer.aside((ui) => ui.table(impactTable(shown), rows));
    if (shown.length > MOST_SHOWN) await context.renderer.note(`… and ${shown.length - MOST_SHOWN} more`);
    await ask(context, target, shown.length, place);
  }
  return 'owner' in target ? target : { ...target, keys: keys.map(({ id }) => id) };
}

async function ask(context: Context, target: Target, count: number, place: string): Promise<void> {
  await context.renderer.note(`Revoking ${keyCount(count)} in ${place} cannot be undone.`);
  const agreed =
    'owner' in target
      ? (await context.ask({ message: "Type the owner's name to revoke all of them:" })) === target.owner
      : await context.confirm(count === 1 ? 'Revoke this key?' : `Revoke these ${count} keys?`);
  if (!agreed) throw new ApiKeysError('NOT_CONFIRMED', 'not confirmed; nothing was changed');
}

function summaryOf(changed: number, all: number, dryRun: boolean): string {
  const before = all - changed;
  const rest = before === 0 ? '' : `; ${keyCount(before)} revoked before`;
  return dryRun
    ? `Would revoke ${keyCount(changed)}${rest}. Nothing was changed.`
    : `Revoked ${keyCount(changed)}${rest}.`;
}
