import { quote } from '../../domain/quote.js';
import type { ChangedKeys } from '../../service/keys/change-keys.js';
import type { ChangedOwner } from '../../service/owners/freeze-owner.js';
import { defineCommand } from '../definition/command.js';
import { KEYS_OR_OWNER } from '../input/key-arguments.js';
import { keyReferences } from '../input/key-reference.js';
import { noteBrokenChains } from '../output/broken-chains.js';
import { changeResult, doneToKeys, keyCount } from '../output/key-changes.js';
import { relativeTime, utcTime } from '../output/time.js';

export const freeze = defineCommand({
  name: 'freeze',
  group: 'Stopping keys',
  description: 'suspend keys, or an owner with all its keys',
  ...KEYS_OR_OWNER,
  options: {
    owner: {
      value: '<owner>',
      description: 'the owner as a whole: its keys stop, and it gets no new ones; with keys: only its',
    },
    until: {
      value: '<when>',
      description: 'thaw by itself: after 2h, the day 2030-01-31, or an RFC 3339 time',
    },
    reason: { value: '<text>', description: 'why; the audit trail keeps it' },
    ignoreMissing: { description: 'go on with the others when some are not found' },
  },
  notes: 'Lift it with `apikeys unfreeze`. Another freeze never shortens a freeze.',
  examples: [
    'apikeys freeze rv_1a2b3c4d --until 2h --reason "leaked in a log?"',
    'apikeys freeze --owner bob --reason "incident 42"',
  ],
  result: 'freeze',
  dryRun: 'shown',
  async run(context, { keys: named, owner, until, reason, ignoreMissing }) {
    const { now, options, renderer, use } = context;
    const dryRun = options.dryRun ?? false;
    const terms = { until, reason, dryRun };
    const keys = await keyReferences(context, named);
    if (owner !== undefined && keys.length === 0) {
      const done = await use((service) => service.freezeOwner({ owner, ...terms }));
      await renderer.result(changeResult({ ...done, dryRun, summary: ownerSummary(done, dryRun, now()) }), {
        done: dryRun || done.changed === 0 ? undefined : `owner ${quote(done.owner.ownerId)} was frozen`,
      });
      await noteBrokenChains(renderer, done.brokenChains);
      return undefined;
    }
    const done = await use((service) => service.freeze({ keys, owner, ignoreMissing, ...terms }));
    const before = done.keys.length - done.changed;
    const rest = before === 0 ? '' : `; ${keyCount(before)} frozen at least as long already`;
    const summary = dryRun
      ? `Would freeze ${keyCount(done.changed)}${rest}. Nothing was changed.`
      : `Froze ${keyCount(done.changed)}${untilText(done, now())}${rest}.`;
    await renderer.result(changeResult({ ...done, dryRun, summary }), {
      done: doneToKeys(done.changed, 'frozen', dryRun),
    });
    await noteBrokenChains(renderer, done.brokenChains);
    return undefined;
  },
});

/** ` until 2026-11-21 03:00:00 UTC (in 2 hours)`; keys that were frozen longer before have ends of their own. */
function untilText({ keys, changed }: ChangedKeys, now: Date): string {
  if (changed === 0) return '';
  const ends = new Set(keys.map(({ frozenUntil }) => frozenUntil?.getTime() ?? null));
  const [end = null] = ends;
  if (ends.size > 1) return ', each until the time shown';
  return end === null ? ' until unfrozen' : ` until ${momentText(new Date(end), now)}`;
}

const momentText = (end: Date, now: Date): string => `${utcTime(end)} (${relativeTime(end, now)})`;

function ownerSummary({ owner, keys, changed }: ChangedOwner, dryRun: boolean, now: Date): string {
  if (dryRun) {
    return changed === 0
      ? `Owner ${owner.ownerId} is frozen at least as long already.`
      : `Would stop owner ${owner.ownerId} with ${keyCount(keys.length)}. Nothing was changed.`;
  }
  const end =
    owner.frozenUntil === null ? 'until it is unfrozen' : `until ${momentText(owner.frozenUntil, now)}`;
  const lead = changed === 0 ? 'was frozen already' : 'is frozen';
  const stopped = keys.length === 0 ? 'it has no keys' : `its ${keyCount(keys.length)} stopped`;
  return `Owner ${owner.ownerId} ${lead} ${end}: ${stopped}, and it gets no new ones.`;
}
