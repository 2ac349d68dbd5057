import type { ApiKeysError } from '../../errors.js';
import type { ParameterName } from './connection-parameters.js';

/** One of the places that say where a database is. Its values hold the password: never print them. */
export interface ConnectionSource {
  /** Not one of them is empty. */
  readonly values: ReadonlyMap<ParameterName, string>;
  /** The refusal of a value; `why` comes behind the parameter's name, and repeats nothing of the value. */
  invalid(parameter: ParameterName, why: string): ApiKeysError;
}

/** A value, and how to refuse it. */
export interface Given {
  readonly text: string;
  invalid(why: string): ApiKeysError;
}

/** The value of the first source that has one. */
export function findIn(sources: readonly ConnectionSource[], parameter: ParameterName): Given | undefined {
  for (const source of sources) {
    const text = source.values.get(parameter);
    if (text) return { text, invalid: (why) => source.invalid(parameter, why) };
  }
  return undefined;
}
