import { isDeepStrictEqual } from 'node:util';
import { parseObject } from '../../domain/audit.js';
import {
  type ChainState,
  initialState,
  KEY_STATE_FIELDS,
  OWNER_STATE_FIELDS,
  type StateField,
  UNKNOWN,
} from '../../domain/key-state.js';
import type { StoredSecret, StoredState } from '../../repository/stored-state.js';

/** Where the row of a key or owner differs from what its events say. */
export function stateDifferences(
  told: ChainState,
  stored: StoredState,
  secrets: SecretsCheck,
): readonly StateField[] {
  // That it is there at all, its head has shown.
  if (told.deleted === true) return [];
  const fields = stored.keyId === null ? OWNER_STATE_FIELDS : KEY_STATE_FIELDS;
  const differ: StateField[] = fields.filter(
    (field) => !(told.partial && told[field] === undefined) && !isSame(told[field], stored.state[field]),
  );
  return stored.keyId === null || secrets.agree(told) ? differ : [...differ, 'secrets'];
}

const isSame = (a: unknown, b: unknown): boolean => a === b || isDeepStrictEqual(a, b);

/** Holds the secrets of one key, as they come, against what its events say, without keeping them. */
export class SecretsCheck {
  readonly #told: ChainState['secrets'];
  #same = 0;
  #differ = 0;

  constructor({ secrets }: ChainState) {
    this.#told = secrets;
  }

  add({ version, facts, ended }: StoredSecret): void {
    const { ended: wasEnded = false, ...told } = this.#told?.[version] ?? {};
    // What retired by itself may have been ended beside others, of which no event speaks.
    if (isSame(told, facts) && (ended || !wasEnded)) this.#same += 1;
    else this.#differ += 1;
  }

  agree({ partial }: ChainState): boolean {
    if (this.#told === undefined) return partial === true;
    return this.#differ === 0 && this.#same === Object.keys(this.#told).length;
  }
}

/** What is known where a pruned chain begins; of a chain that begins with its first event, what holds before it. */
export function stateAtStart(
  keyId: string | null,
  anchor: { readonly state: string | null } | undefined,
): ChainState {
  if (anchor === undefined) return initialState(keyId);
  return (anchor.state === null ? undefined : parseObject(anchor.state)) ?? UNKNOWN;
}
