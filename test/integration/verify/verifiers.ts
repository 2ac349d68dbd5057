import type { Engine } from '../../../src/db/engine.js';
import { serviceContext } from '../../../src/service/context.js';
import { DEFAULT_SETTINGS } from '../../../src/service/settings.js';
import { createVerifier, type Verifier, type VerifierOptions } from '../../../src/service/verify/verify.js';
import type { TestService } from '../../helpers/engines.js';

let serial = 0;

/** A name that no other test of the file uses. */
export const unique = (what: string): string => `${what}-${++serial}`;

export const verifierOn = (engine: Engine, options?: VerifierOptions): Verifier =>
  createVerifier(serviceContext(engine, DEFAULT_SETTINGS), options);

export interface MadeKey {
  readonly id: string;
  readonly raw: string;
  readonly owner: string;
}

export interface MakeOptions {
  readonly owner?: string;
  readonly tenant?: string;
  readonly scopes?: readonly string[];
  readonly name?: string;
  readonly metadata?: Readonly<Record<string, string>>;
}

/** Makes a key of an owner of its own. */
export async function makeKey(
  { service }: Pick<TestService, 'service'>,
  { owner = unique('owner'), name = 'ci', ...more }: MakeOptions = {},
): Promise<MadeKey> {
  const { key, apiKey } = await service.create({ name, owner, actor: 'test', ...more });
  if (apiKey === null) throw new Error('the key has no secret');
  return { id: key.id, raw: apiKey, owner };
}
