import { PROFILES } from '../../domain/profiles.js';
import { quote, quoteIdentifier } from '../../domain/quote.js';
import { grantsJson } from '../../representation/grants.js';
import { defineCommand } from '../definition/command.js';
import { noteBrokenChains } from '../output/broken-chains.js';
import type { Result } from '../output/result.js';

export const grants = defineCommand({
  name: 'grants',
  group: 'Operations',
  description: 'print, or apply, the SQL for least privilege',
  options: {
    role: { value: '<role>', description: 'an existing role of the database', required: true },
    as: { value: '<profile>', description: 'what the role is for', choices: PROFILES, required: true },
    apply: { description: 'run it, all or nothing; needs the role that ran migrate' },
  },
  notes: `  admin     runs every command but migrate; changes neither policies nor events
  verifier  looks hashes up and records usage, but not by hand
  auditor   reads everything but the hashes of secrets
  policy    shows and changes policies; sees no key`,
  examples: [
    'apikeys grants --role apikeys_app --as verifier',
    'apikeys grants --role apikeys_ops --as admin --apply',
  ],
  result: 'grants',
  dryRun: 'shown',
  async run({ options, renderer, use }, { role, as, apply }) {
    const applied = apply === true && !options.dryRun;
    const { grantsFor } = await import('../../service/grants.js');
    const { statements, beyond, brokenChains } = applied
      ? await use((service) => service.applyGrants({ role, as }))
      : { statements: grantsFor({ role, as }), beyond: [], brokenChains: [] };
    const document = grantsJson({ role, as, statements, beyond, brokenChains }, applied ? 1 : 0);
    // All or nothing also when it is pasted: half of it would leave the role without any privilege.
    const script = [
      `-- The work of ${as} for ${quoteIdentifier(role)}, and nothing else; to be run by the owner of the schema.`,
      ...['BEGIN', ...statements, 'COMMIT'].map((statement) => `${statement};`),
    ];
    const result: Result<string> = {
      document,
      rows: script,
      columns: [{ name: 'statement', header: 'statement', value: (statement: string) => statement }],
      quiet: applied ? [] : script,
      human: (ui) =>
        applied
          ? `Applied: ${ui.text(role)} may do the work of ${ui.chalk.bold(as)}${beyond.length > 0 ? '.' : ', and nothing else in the schema.'}`
          : script.map((statement) => ui.text(statement)).join('\n'),
    };
    await renderer.result(result, {
      done: applied ? `the privileges of role ${quote(role)} were granted` : undefined,
    });
    if (beyond.length > 0) {
      await renderer.note(
        `warning: by PUBLIC, or by a role that it may act as, ${role} may do more: ${beyond.join('; ')}`,
      );
    }
    await noteBrokenChains(renderer, brokenChains);
    return undefined;
  },
});
