import { changedPolicyJson } from '../../representation/policy.js';
import type { PolicyRequest } from '../../service/policies/set-policy.js';
import type { Context } from '../context.js';
import { noteBrokenChains } from './broken-chains.js';
import { policyResult } from './policy-view.js';

/** Changes rules, and prints the policy as it is then; with `--dry-run`, as it would be. */
export async function changePolicy(
  { options, renderer, use }: Context,
  rules: Omit<PolicyRequest, 'dryRun'>,
): Promise<undefined> {
  const dryRun = options.dryRun ?? false;
  const done = await use((service) => service.setPolicy({ ...rules, dryRun }));
  const of = done.tenant === null ? 'all tenants' : `tenant ${done.tenant}`;
  const footer =
    done.changed === 0
      ? `It was so before; nothing was changed for ${of}.`
      : dryRun
        ? `Would be so for ${of}. Nothing was changed.`
        : `Changed for ${of}. Keys that there are stay as they are.`;
  const result = policyResult(changedPolicyJson(done, dryRun), { footer });
  await renderer.result({ ...result, quiet: [] });
  await noteBrokenChains(renderer, done.brokenChains);
}
