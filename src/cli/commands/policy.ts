import { policyJson } from '../../representation/policy.js';
import { defineCommand } from '../definition/command.js';
import { policyResult } from '../output/policy-view.js';
import { policySet } from './policy-set.js';
import { policyUnset } from './policy-unset.js';

export const policy = defineCommand({
  name: 'policy',
  group: 'Operations',
  description: 'show what keys may be, for a tenant or for all',
  summary: 'show, or change, what keys may be',
  arguments: { show: { value: '[show]', choices: ['show'] } },
  commands: [policySet, policyUnset],
  notes: `With --tenant: its own rules, those for all tenants, and what is in force, the
narrower of both. Without: those for all tenants. create, rotate, update and
scopes are held to it (exit 4 POLICY_VIOLATION), whatever the client's settings.`,
  examples: ['apikeys policy --tenant acme', 'apikeys policy show --json | jq .in_force'],
  result: 'policy',
  async run({ renderer, use }) {
    await renderer.result(policyResult(policyJson(await use((service) => service.policy()))));
    return undefined;
  },
});
