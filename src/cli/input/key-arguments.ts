/** One key, as a command takes it. */
export const ONE_KEY = {
  key: {
    value: '<key>',
    description: 'id, key prefix or name; -: a raw key on stdin',
  },
} as const;

/** Of keys of one name, whose is meant. */
export const OWNER_OF_KEY = {
  owner: { value: '<owner>', description: 'of several keys of that name, the one of this owner' },
} as const;

/** Keys, perhaps of one owner; or without a key, all of an owner. */
export const KEYS_OR_OWNER = {
  arguments: {
    keys: { value: '[key...]', description: 'ids, key prefixes or names; -: a raw key on stdin' },
  },
  // An owner without keys is no error, so that none can be missing.
  needs: { ignoreMissing: 'keys' },
  atLeastOne: { of: ['keys', 'owner'], missing: 'no key was named' },
} as const;
