import { LIMIT_NAMES, type LimitName } from '../../domain/limits.js';
import { limitsOfJson } from '../../representation/limits.js';
import type { ChangedLimits, LimitsOf } from '../../service/limits/limits.js';
import { CliError } from '../cli-error.js';
import { defineCommand } from '../definition/command.js';
import { optionalKeyReference } from '../input/key-reference.js';
import { LIMIT_OPTIONS } from '../input/limit-options.js';
import { limitFields } from '../output/limit-fields.js';
import type { Column, Formatter } from '../output/result.js';

export const limits = defineCommand({
  name: 'limits',
  group: 'Keys',
  description: 'show or change what a key, or an owner, may use',
  arguments: {
    key: { value: '[key]', description: "the key's id, key prefix or name; -: a raw key on stdin" },
  },
  options: {
    owner: { value: '<owner>', description: 'without a key: this owner as a whole, all its keys together' },
    ...LIMIT_OPTIONS,
    none: {
      value: '<limit>',
      description: 'take rate, quota, budget or ip off; repeatable',
      repeatable: true,
    },
  },
  atLeastOne: { of: ['key', 'owner'], missing: 'neither a key nor an owner was named' },
  notes: "Who is refused uses up nothing. An owner's limits hold beside those of its keys.",
  examples: [
    'apikeys limits rv_1a2b3c4d --rate 100/1m --quota 5000/day',
    'apikeys limits --owner alice --budget 2000/month --none quota',
  ],
  result: 'limits',
  dryRun: 'refused',
  async run(context, { key, owner, rate, quota, budget, allowIp, none }) {
    const { renderer, use } = context;
    const target = { key: await optionalKeyReference(context, key), owner };
    const changes = { rate, quota, budget, allowIps: allowIp, none: none?.map(limitName) };
    const isChange = Object.values(changes).some((value) => value !== undefined);
    const done: ChangedLimits = await use(async (service) =>
      isChange
        ? service.updateLimits({ ...target, ...changes })
        : { ...(await service.limits(target)), changed: 0 },
    );
    await renderer.result({
      document: limitsOfJson(done, done.changed),
      rows: done.uses,
      columns: COLUMNS,
      quiet: [],
      human: (ui) => human(done, ui),
    });
    return undefined;
  },
});

type Use = LimitsOf['uses'][number];

const COLUMNS: readonly Column<Use>[] = [
  { name: 'limit', header: 'limit', value: ({ limit }) => limit },
  { name: 'allowed', header: 'allowed', value: ({ allowed }) => allowed, align: 'right' },
  { name: 'used', header: 'used', value: ({ used }) => used, align: 'right' },
  { name: 'remaining', header: 'remaining', value: ({ remaining }) => remaining, align: 'right' },
  { name: 'resets_at', header: 'anew', value: ({ resetsAt }) => resetsAt },
];

function limitName(text: string): LimitName {
  const name = LIMIT_NAMES.find((one) => one === text);
  if (name !== undefined) return name;
  throw new CliError('INVALID_USAGE', `there is no limit of that name`, {
    hint: `Use one of ${LIMIT_NAMES.join(', ')}.`,
  });
}

function human(done: ChangedLimits, ui: Formatter): string {
  const whose =
    done.key === null ? `owner ${done.ownerId} as a whole` : `${done.key.name} (${done.key.keyPrefix})`;
  const title = `${ui.chalk.bold(ui.text(whose))}${done.changed === 1 ? ': changed' : ''}`;
  const fields = limitFields(done, ui);
  if (fields.length === 0) return `${title}: no limits`;
  return `${title}\n\n${ui.record({ fields })}`;
}
