import { Command } from '@commander-js/extra-typings';
import type { Key } from '../../domain/key.js';
import { ApiKeysError } from '../../errors.js';
import type { KeyImpact } from '../../service/find-keys.js';
import type { Context } from '../context.js';
import { globalsOf } from '../options.js';
import { KEY_COLUMNS } from '../output/key-columns.js';
import { keyJson } from '../output/key-json.js';
import { isoTime } from '../output/time.js';
import type { Runner } from '../program.js';
import type { RevokeJson } from '../schemas.js';

export const revokeCommand = (run: Runner) =>
  new Command('revoke')
    .description('end keys for good')
    .argument('<key...>', 'ids, key prefixes or names')
    .option('--reason <text>', 'why; the audit trail keeps it')
    .option('--ignore-missing', 'go on with the others when some are not found')
    .addHelpText(
      'after',
      `
Revoking cannot be undone, and no request is accepted that starts after it. Several keys are
revoked together or not at all.

Examples:
  $ apikeys revoke rv_1a2b3c4d --reason "left the team"
  $ apikeys revoke rv_1a2b3c4d rv_5e6f7a8b --yes --json`,
    )
    .action((references, { reason, ignoreMissing }, command) =>
      run(globalsOf(command), async (context) => {
        const { tenant, actor } = await context.config();
        const dryRun = context.options.dryRun ?? false;
        const keys =
          dryRun || context.options.yes ? references : await confirmed(context, references, ignoreMissing);
        const done = await context.use((service) =>
          service.revoke({ keys, tenant, reason, ignoreMissing, dryRun, actor }),
        );
        const document: RevokeJson = { keys: done.keys.map(keyJson), changed: done.changed, dry_run: dryRun };
        await context.renderer.result({
          document,
          rows: done.keys,
          columns: KEY_COLUMNS,
          quiet: done.keys.map(({ id }) => id),
          footer: summary(done.changed, done.keys.length, dryRun),
        });
      }),
    );

/** Shows the impact and asks. Gives the ids of what was shown, so that nothing else can be revoked. */
async function confirmed(
  context: Context,
  references: readonly string[],
  ignoreMissing: boolean | undefined,
): Promise<readonly string[]> {
  if (!context.canPrompt) {
    throw new ApiKeysError(
      'CONFIRMATION_REQUIRED',
      'revoking cannot be undone, and there is no one here to ask',
      {
        hint: 'Add --yes to revoke without asking, or --dry-run to see what would be revoked.',
      },
    );
  }
  const { tenant } = await context.config();
  const { impacts, place } = await context.use(async (service) => {
    const keys = await service.resolve(references, { tenant, ignoreMissing });
    return { impacts: await service.impact(keys), place: service.place };
  });
  const live = impacts.filter(({ key }) => key.revokedAt === null);
  if (live.length > 0) {
    for (const impact of live) await context.renderer.note(impactText(impact));
    const what = live.length === 1 ? 'this key' : `these ${live.length} keys`;
    if (!(await context.confirm(`Revoke ${what} in ${place}? This cannot be undone.`))) {
      throw new ApiKeysError('NOT_CONFIRMED', 'not confirmed; nothing was changed');
    }
  }
  return impacts.map(({ key }) => key.id);
}

function impactText({ key, usageToday }: KeyImpact): string {
  const used = key.lastUsedAt === null ? 'never used' : `last used ${isoTime(key.lastUsedAt)}`;
  const { requestCount, spendCents } = usageToday;
  return `${label(key)}: ${used}; today ${requestCount} requests, ${spendCents} cents`;
}

const label = ({ keyPrefix, name, ownerId }: Key): string => `${keyPrefix}  ${name} (${ownerId})`;

function summary(changed: number, all: number, dryRun: boolean): string {
  const before = all - changed;
  const rest = before === 0 ? '' : `, ${before} revoked before`;
  return dryRun ? `Would revoke ${changed}${rest}. Nothing was changed.` : `Revoked ${changed}${rest}.`;
}
