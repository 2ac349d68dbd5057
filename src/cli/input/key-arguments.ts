/** One key, as a command takes it. */
export const ONE_KEY = {
  key: { value: '<key>', description: "the key's id, key prefix or name" },
} as const;

/** Keys, or all of an owner whom `--owner` names. */
export const KEYS_OR_OWNER = {
  arguments: { keys: { value: '[key...]', description: 'ids, key prefixes or names' } },
  // An owner without keys is no error, so that none can be missing.
  excludes: { keys: ['owner'], ignoreMissing: ['owner'] },
  atLeastOne: { of: ['keys', 'owner'], missing: 'no key was named' },
} as const;
