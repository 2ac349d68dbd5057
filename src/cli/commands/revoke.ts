import { ApiKeysError } from '../../errors.js';
import type { ChangedKeys, KeysTarget, OwnersKeysTarget } from '../../service/keys/change-keys.js';
import { CliError } from '../cli-error.js';
import type { Context } from '../context.js';
import { defineCommand } from '../definition/command.js';
import { KEYS_OR_OWNER } from '../input/key-arguments.js';
import { keyReferences } from '../input/key-reference.js';
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
    owner: { value: '<owner>', description: 'all keys of this owner; with keys: only those that are its' },
    andFreeze: { description: 'freeze the owner as well: it gets no new keys' },
    reason: { value: '<text>', description: 'why; the audit trail keeps it' },
    ignoreMissing: { description: 'go on with the others when some are not found' },
  },
  needs: { andFreeze: 'owner' },
  excludes: { andFreeze: ['keys'] },
  notes: `Revoking cannot be undone, and no request is accepted that starts after it.
Several keys are revoked together or not at all.`,
  examples: [
    'apikeys revoke rv_1a2b3c4d --reason "left the team"',
    'apikeys revoke --owner bob --and-freeze --dry-run',
    'apikeys revoke rv_1a2b3c4d rv_5e6f7a8b --yes --json',
  ],
  result: 'revoke',
  dryRun: 'shown',
  prompts: true,
  async run(context, { keys: named, owner, andFreeze, reason, ignoreMissing }) {
    const dryRun = context.options.dryRun ?? false;
    const keys = await keyReferences(context, named);
    const target =
      keys.length === 0 && owner !== undefined ? { owner, andFreeze } : { keys, owner, ignoreMissing };
    const agreed = dryRun || context.options.yes ? target : await confirmed(context, target);
    const done = await context.use((service) => service.revoke({ ...agreed, reason, dryRun }));
    const summary = [summaryOf(done, dryRun), ...ownerWords(done, dryRun)].join(' ');
    await context.renderer.result(changeResult({ ...done, dryRun, summary }), {
      done: doneToKeys(done.changed, 'revoked', dryRun),
    });
    await noteBrokenChains(context.renderer, done.brokenChains);
    return undefined;
  },
});

type Target = KeysTarget | (OwnersKeysTarget & { readonly andFreeze?: boolean | undefined });

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
  return target.keys === undefined ? target : { ...target, keys: keys.map(({ id }) => id) };
}

async function ask(context: Context, target: Target, count: number, place: string): Promise<void> {
  await context.renderer.note(`Revoking ${keyCount(count)} in ${place} cannot be undone.`);
  const agreed =
    target.keys === undefined
      ? (await context.ask({ message: "Type the owner's name to revoke all of them:" })) === target.owner
      : await context.confirm(count === 1 ? 'Revoke this key?' : `Revoke these ${count} keys?`);
  if (!agreed) throw new ApiKeysError('NOT_CONFIRMED', 'not confirmed; nothing was changed');
}

function summaryOf({ changed, keys }: ChangedKeys, dryRun: boolean): string {
  // The owner's freeze alone may be what changed.
  const revoked = Math.min(changed, keys.length);
  const before = keys.length - revoked;
  const rest = before === 0 ? '' : `; ${keyCount(before)} revoked before`;
  return dryRun
    ? `Would revoke ${keyCount(revoked)}${rest}. Nothing was changed.`
    : `Revoked ${keyCount(revoked)}${rest}.`;
}

/** What became of the owner, where it was to be frozen. */
function ownerWords({ owner }: ChangedKeys, dryRun: boolean): string[] {
  if (owner === null) return [];
  if (!dryRun) return [`Owner ${owner.ownerId} is frozen and gets no new keys.`];
  return [
    owner.isFrozen ? `Owner ${owner.ownerId} is frozen already.` : `Owner ${owner.ownerId} would be frozen.`,
  ];
}
