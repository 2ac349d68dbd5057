import { flawOf, flawWords, type KeyFlaw, pastedKey, type SecretShape } from '../../domain/pasted-key.js';
import { verificationJson } from '../../representation/verification.js';
import { severalKeysInText } from '../../service/refusals.js';
import type { Check, Explanation, Verification } from '../../service/verify/verify.js';
import { defineCommand } from '../definition/command.js';
import { EXIT } from '../exit-codes.js';
import { noteFlaw } from '../input/key-reference.js';
import { readPastedText } from '../input/secret-input.js';
import type { Formatter } from '../output/result.js';

export const verify = defineCommand({
  name: 'verify',
  group: 'Checking and usage',
  description: 'tell whether a raw key is valid now',
  arguments: { '-': { value: '[-]', description: 'the raw key comes on stdin' } },
  options: {
    keyFile: { value: '<file>', description: 'read the raw key from this file' },
    scope: {
      value: '<scope>',
      description: 'the key has to grant this, too; repeatable',
      repeatable: true,
    },
    explain: { description: 'every check and its answer' },
  },
  excludes: { '-': ['keyFile'] },
  notes: `Exits 0 if it is valid and 5 if it is not. It does not count as usage.

The checks, in their order; the first that fails decides:
  format, checksum, known, tenant, not-revoked, not-frozen, not-retired,
  not-expired, scopes`,
  examples: [
    'printenv API_KEY | apikeys verify --scope orders:write',
    'apikeys verify --key-file /run/secrets/key --explain',
  ],
  result: 'verify',
  prompts: true,
  async run(context, { '-': argument, keyFile, scope, explain }) {
    const text = await readPastedText(context, { argument, keyFile });
    const { settings } = await context.config();
    const raw = rawKeyIn(text, settings);
    await noteFlaw(context, raw);
    const question = { scopes: scope };
    const { verification, explanation, standby } = await context.use(async (service) => {
      const explained = explain ? await service.explain(raw, question) : null;
      return {
        verification: explained ?? (await service.verify(raw, { ...question, count: false })),
        explanation: explained,
        standby: service.kind === 'server' && (await service.isStandby()),
      };
    });
    if (standby) await context.renderer.note(STANDBY);
    await context.renderer.result({
      document: verificationJson(verification, explanation?.checks ?? null),
      rows: [verification],
      columns: [
        { name: 'valid', header: 'valid', value: ({ valid }: Verification) => valid },
        { name: 'code', header: 'code', value: ({ code }) => code },
        { name: 'key_id', header: 'key', value: ({ key }) => key?.id ?? null },
      ],
      quiet: [],
      human: (ui) => human(verification, explanation, flawOf(raw, settings), ui),
    });
    return verification.valid ? EXIT.done : EXIT.no;
  },
});

const STANDBY =
  'warning: this server is a standby, so a key that was revoked a moment ago may still be valid here; ask the primary';

/** The key in a text; or without one, what there is: the verifier says what is wrong with it. */
function rawKeyIn(text: string, settings: SecretShape): string {
  const pasted = pastedKey(text, settings);
  if (pasted.kind === 'several') throw severalKeysInText();
  return pasted.kind === 'key' ? pasted.rawKey : text.trim();
}

function human(
  verification: Verification,
  explanation: Explanation | null,
  flaw: KeyFlaw | null,
  ui: Formatter,
): string {
  const { valid, code } = verification;
  const verdict = valid ? ui.chalk.green('valid') : `${ui.chalk.red('not valid')} (${code})`;
  const answer = `${verdict}: ${ui.text(about(verification, flaw))}`;
  if (explanation === null) return answer;
  const checks = ui.record({ fields: explanation.checks.map((check) => checkField(check, ui)) });
  return `${answer}\n\n${checks}`;
}

function about({ code, key, missingScopes }: Verification, flaw: KeyFlaw | null): string {
  if (key === null && code === 'MALFORMED') return 'no key looks like this';
  if (key === null)
    return flaw === null ? 'no key has this secret' : `no key has this secret, and ${flawWords(flaw)}`;
  const missing = missingScopes.length === 0 ? '' : `; missing: ${missingScopes.join(', ')}`;
  return `${key.name} (${key.ownerId}), ${key.keyPrefix}${missing}`;
}

function checkField({ check, passed, detail }: Check, { chalk }: Formatter) {
  const [word, style] =
    passed === null ? ['-', (text: string) => text] : passed ? ['yes', chalk.green] : ['no', chalk.red];
  return { label: { text: `${word.padEnd(3)}  ${check}`, style }, value: detail };
}
