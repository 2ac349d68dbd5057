import { defineCommand } from '../definition/command.js';
import { wholeNumber } from '../input/whole-number.js';
import { changePolicy } from '../output/change-policy.js';

export const policySet = defineCommand({
  name: 'set',
  description: 'set rules of a policy; the others stay',
  options: {
    maxLifetime: { value: '<duration>', description: 'the longest lifetime that a key may be given: 90d' },
    requireExpiry: { description: 'every key has to have an end' },
    maxKeys: { value: '<n>', description: 'live keys of an owner, at least 1', parse: wholeNumber },
    scope: {
      value: '<scope>',
      description: 'what keys may be given, such as orders:*; repeatable',
      repeatable: true,
    },
    prefix: {
      value: '<prefix>',
      description: 'what new secrets may begin with, such as acme_; repeatable',
      repeatable: true,
    },
  },
  atLeastOne: {
    of: ['maxLifetime', 'requireExpiry', 'maxKeys', 'scope', 'prefix'],
    missing: 'no rule was given',
  },
  notes: `For the tenant of --tenant, else for all tenants. It changes no key. Needs a
role of the profile policy (\`apikeys grants --as policy\`).`,
  examples: [
    'apikeys policy set --max-lifetime 365d --require-expiry',
    "apikeys policy set --tenant acme --scope 'orders:*' --max-keys 20 --dry-run",
  ],
  result: 'policy-set',
  dryRun: 'shown',
  async run(context, { scope: scopes, prefix: prefixes, ...rules }) {
    return changePolicy(context, { ...rules, scopes, prefixes });
  },
});
