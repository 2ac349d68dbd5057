import { grantedScopesJson, keyScopesJson } from '../../representation/key.js';
import type { ScopeQuestion } from '../../service/keys/update-key.js';
import type { Context } from '../context.js';
import { defineCommand } from '../definition/command.js';
import { EXIT } from '../exit-codes.js';
import { ONE_KEY, OWNER_OF_KEY } from '../input/key-arguments.js';
import { keyReference } from '../input/key-reference.js';

export const scopes = defineCommand({
  name: 'scopes',
  group: 'Keys',
  description: 'show, change or ask what a key may do',
  arguments: ONE_KEY,
  options: {
    ...OWNER_OF_KEY,
    set: { value: '<scope>', description: 'these and no others; repeatable', repeatable: true },
    add: { value: '<scope>', description: 'these, too; repeatable', repeatable: true },
    remove: { value: '<scope>', description: 'not these any more; repeatable', repeatable: true },
    has: {
      value: '<scope>',
      description: 'exit 0 if the key grants all of these, 5 if not; repeatable',
      repeatable: true,
    },
  },
  // It asks, and the others change.
  excludes: { has: ['set', 'add', 'remove'] },
  examples: [
    'apikeys scopes rv_1a2b3c4d --add orders:read --remove orders:write',
    'apikeys scopes "CI deploy" --has deploy:write && echo yes',
  ],
  result: 'scopes',
  dryRun: 'refused',
  async run(context, { key: argument, owner, set, add, remove, has }) {
    const named = { key: await keyReference(context, argument), owner };
    if (has !== undefined) return ask(context, { ...named, scopes: has });
    const changing = set !== undefined || add !== undefined || remove !== undefined;
    const { key, changed, before } = await context.use(async (service) =>
      changing
        ? service.updateScopes({ ...named, set, add, remove })
        : { key: await service.get(named.key, named), changed: 0, before: null },
    );
    const result = {
      document: keyScopesJson({ key, changed }),
      rows: key.scopes,
      columns: [{ name: 'scope', header: 'scope', value: (scope: string) => scope }],
      quiet: key.scopes,
      empty: 'This key has no scopes: it may do nothing. Give it one with --add.',
      ...(changing && { footer: changeText(before?.scopes ?? [], key.scopes) }),
    };
    await context.renderer.result(result, { done: changed === 0 ? undefined : 'the scopes were changed' });
    return EXIT.done;
  },
});

/** `Added orders:read; removed orders:write.` */
function changeText(before: readonly string[], after: readonly string[]): string {
  const added = after.filter((scope) => !before.includes(scope));
  const removed = before.filter((scope) => !after.includes(scope));
  const parts = [
    ...(added.length > 0 ? [`added ${added.join(', ')}`] : []),
    ...(removed.length > 0 ? [`removed ${removed.join(', ')}`] : []),
  ].join('; ');
  if (parts === '') return 'It was so before; nothing was changed.';
  return `${parts.charAt(0).toUpperCase()}${parts.slice(1)}.`;
}

async function ask(context: Context, question: ScopeQuestion): Promise<number> {
  const { key, ok, missing } = await context.use((service) => service.hasScopes(question));
  await context.renderer.result({
    document: grantedScopesJson({ key, ok, missing }),
    rows: [ok],
    columns: [{ name: 'granted', header: 'granted', value: (granted: boolean) => granted }],
    quiet: [],
    human: (ui) =>
      ok ? ui.chalk.green('yes') : `${ui.chalk.red('no')}: ${ui.text(missing.join(', '))} is missing`,
  });
  return ok ? EXIT.done : EXIT.no;
}
