import type { Expiry } from '../domain/duration.js';

/** What an operator may configure of the rules. */
export interface Settings {
  /** Begins every new secret. */
  readonly prefix: string;
  /** Bytes in a new secret, its checksum included: 24 to 64. */
  readonly secretBytes: number;
  /** The lifetime of a key that names none. */
  readonly defaultExpiry: Exclude<Expiry, { kind: 'at' }>;
  /** Live keys that an owner may have; 0: no limit. The owner's own limit comes first. */
  readonly maxKeysPerOwner: number;
  /** How long older secrets stay valid after a rotation, in milliseconds. */
  readonly rotationGrace: number;
  /** How long cleanup keeps the dead, in milliseconds. */
  readonly retention: number;
  /** The roll-out flag: false refuses everything that makes or widens access. */
  readonly keyManagement: boolean;
}

const HOUR = 3_600_000;
const DAY = 24 * HOUR;

export const DEFAULT_SETTINGS: Settings = {
  prefix: 'rv_',
  secretBytes: 32,
  defaultExpiry: { kind: 'in', ms: 90 * DAY },
  maxKeysPerOwner: 10,
  rotationGrace: 24 * HOUR,
  retention: 30 * DAY,
  keyManagement: true,
};
