import type { Profile } from '../domain/profiles.js';
import { type ChainName, chainNameJson } from './chain.js';
import type { GrantsJson } from './schemas/grants.js';

interface Grants {
  readonly role: string;
  readonly as: Profile;
  readonly statements: readonly string[];
  readonly beyond: readonly string[];
  readonly brokenChains: readonly ChainName[];
}

export const grantsJson = (grants: Grants, changed: number): GrantsJson => ({
  role: grants.role,
  as: grants.as,
  statements: [...grants.statements],
  beyond: [...grants.beyond],
  broken_chains: grants.brokenChains.map(chainNameJson),
  changed,
});
