import { Command, Option } from '@commander-js/extra-typings';
import { PROFILES } from '../../domain/profiles.js';
import { globalsOf } from '../options.js';
import type { Runner } from '../program.js';
import type { GrantsJson } from '../schemas.js';

export const grantsCommand = (run: Runner) =>
  new Command('grants')
    .description('print, or apply, the SQL for least privilege')
    .requiredOption('--role <role>', 'an existing role of the database')
    .addOption(new Option('--as <profile>', 'what the role is for').choices(PROFILES).makeOptionMandatory())
    .option('--apply', 'run it, all or nothing; needs the role that ran migrate')
    .addHelpText(
      'after',
      `
  admin     runs every command but migrate; cannot change or delete audit events
  verifier  looks hashes up and records usage
  auditor   reads everything but the hashes of secrets

Examples:
  $ apikeys grants --role apikeys_app --as verifier
  $ apikeys grants --role apikeys_ops --as admin --apply`,
    )
    .action(({ role, as, apply }, command) =>
      run(globalsOf(command), async ({ options, renderer, use }) => {
        const applied = apply === true && !options.dryRun;
        const { grantsFor } = await import('../../service/grants.js');
        const statements = applied
          ? await use((service) => service.applyGrants({ role, as }))
          : grantsFor({ role, as });
        const document: GrantsJson = { role, as, statements: [...statements], changed: applied ? 1 : 0 };
        await renderer.result({
          document,
          rows: statements,
          columns: [
            { name: 'statement', header: 'statement', value: (statement: string) => `${statement};` },
          ],
          quiet: applied ? [] : statements.map((statement) => `${statement};`),
          human: (ui) =>
            applied
              ? `Applied: ${ui.text(role)} may do the work of ${ui.chalk.bold(as)}, and nothing else.`
              : statements.map((statement) => `${ui.text(statement)};`).join('\n'),
        });
        return undefined;
      }),
    );
