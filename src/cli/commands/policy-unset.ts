import { defineCommand } from '../definition/command.js';
import { changePolicy } from '../output/change-policy.js';

export const policyUnset = defineCommand({
  name: 'unset',
  description: 'take rules of a policy away',
  options: {
    maxLifetime: { description: 'the longest lifetime' },
    requireExpiry: { description: 'that every key has to have an end' },
    maxKeys: { description: 'the number of keys of an owner' },
    scope: { description: 'all scopes: keys may be given any' },
    prefix: { description: 'all prefixes: new secrets may begin with any' },
    all: { description: 'every rule' },
  },
  excludes: { all: ['maxLifetime', 'requireExpiry', 'maxKeys', 'scope', 'prefix'] },
  atLeastOne: {
    of: ['maxLifetime', 'requireExpiry', 'maxKeys', 'scope', 'prefix', 'all'],
    missing: 'no rule was named',
  },
  notes: 'For the tenant of --tenant, else for all tenants. It changes no key.',
  examples: ['apikeys policy unset --max-lifetime', 'apikeys policy unset --tenant acme --all'],
  result: 'policy-unset',
  dryRun: 'shown',
  async run(context, { all, maxLifetime, requireExpiry, maxKeys, scope, prefix }) {
    const gone = (named: boolean | undefined) => (named || all ? null : undefined);
    return changePolicy(context, {
      maxLifetime: gone(maxLifetime),
      requireExpiry: gone(requireExpiry),
      maxKeys: gone(maxKeys),
      scopes: gone(scope),
      prefixes: gone(prefix),
    });
  },
});
