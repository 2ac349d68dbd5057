import { formatDuration } from '../../domain/duration.js';
import { POLICY_RULES, type PolicyRule } from '../../error-details.js';
import type { PolicyJson, PolicyRulesJson } from '../../representation/schemas/policy.js';
import type { LifetimeCut } from '../../service/keys/lifetime.js';
import type { Renderer } from './renderer.js';
import type { Column, Formatter, Result } from './result.js';

interface RuleRow {
  readonly rule: PolicyRule;
  readonly own: RuleValue;
  readonly allTenants: RuleValue;
  readonly inForce: RuleValue;
}

type RuleValue = PolicyRulesJson[PolicyRule];

const WORDS: Readonly<Record<PolicyRule, string>> = {
  max_lifetime: 'longest lifetime',
  require_expiry: 'an end is required',
  max_keys: 'keys per owner',
  scopes: 'scopes',
  prefixes: 'prefixes of secrets',
};

const column = (name: string, header: string, of: (row: RuleRow) => RuleValue): Column<RuleRow> => ({
  name,
  header,
  value: of,
  cell: (row, ui) => allowed(of(row)) ?? ui.dim('-'),
  priority: 1,
  flexible: true,
});

const RULE: Column<RuleRow> = {
  name: 'rule',
  header: 'rule',
  value: ({ rule }) => rule,
  cell: ({ rule }) => WORDS[rule],
  priority: 2,
};
const IN_FORCE = column('in_force', 'in force', ({ inForce }) => inForce);

const COLUMNS: readonly Column<RuleRow>[] = [
  RULE,
  column('policy', 'its own', ({ own }) => own),
  column('all_tenants', 'all tenants', ({ allTenants }) => allTenants),
  IN_FORCE,
];

/** What a rule allows, in words; null for no rule. */
function allowed(value: RuleValue): string | null {
  if (value === null || value === false) return null;
  if (value === true) return 'yes';
  // Two policies that have nothing in common leave nothing.
  return typeof value === 'object' ? value.join(', ') || 'none' : String(value);
}

/** How a policy is printed: a line a rule. */
export function policyResult<Document extends PolicyJson>(
  document: Document,
  more: Pick<Result<RuleRow>, 'footer'> = {},
): Result<RuleRow> {
  const { policy, all_tenants, in_force, tenant_id } = document;
  const rows = POLICY_RULES.map((rule) => ({
    rule,
    own: policy[rule],
    allTenants: all_tenants[rule],
    inForce: in_force[rule],
  }));
  return {
    document,
    rows,
    columns: COLUMNS,
    quiet: rows.flatMap(({ rule, inForce }) => {
      const value = allowed(inForce);
      return value === null ? [] : [`${rule}=${value}`];
    }),
    human: (ui: Formatter) => ui.table(tenant_id === null ? [RULE, IN_FORCE] : COLUMNS, rows),
    ...more,
  };
}

/** A policy in one sentence: `longest lifetime 90d, keys per owner 20`. */
export const policySentence = (rules: PolicyRulesJson): string =>
  POLICY_RULES.flatMap((rule) => {
    const value = allowed(rules[rule]);
    if (value === null) return [];
    return [rule === 'require_expiry' ? WORDS[rule] : `${WORDS[rule]} ${value}`];
  }).join(', ');

/** A lifetime that nobody asked for was too long: the key is made all the same. */
export async function noteLifetimeCut(
  { note }: Pick<Renderer, 'note'>,
  cut: LifetimeCut | null,
): Promise<void> {
  if (cut === null) return;
  const from = cut.fromMs === null ? 'it would have had no end' : 'it would have been longer';
  await note(`note: the policy cut the lifetime of this key to ${formatDuration(cut.toMs)}; ${from}`);
}
