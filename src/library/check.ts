import type { KeyReference } from '../domain/key-reference.js';
import { ApiKeysError } from '../errors.js';
import { faultOf, fn, type Kind, key, optional, type Shape, text } from './shape.js';

/** The options of a call, once they are what their type says. Throws `INVALID_INPUT`, naming the option. */
export function checked<T extends object | undefined>(shape: Shape<NonNullable<T>>, request: T): T {
  const fault = request === undefined ? null : faultOf(shape, request);
  if (fault !== null) throw invalid(fault);
  return request;
}

/** As {@link checked}, where the options cannot be left out. */
export function required<T extends object>(shape: Shape<T>, request: T): T {
  // Without types, nothing at all may come.
  return checked<T>(shape, request === undefined ? Object(null) : request);
}

/** An argument that is no object of options. `what` names it. */
export function argument<T>(what: string, { words, is }: Kind<T>, value: T): T {
  if (is(value)) return value;
  throw invalid(`${what} is not ${words}`);
}

export const keyArgument = (named: KeyReference): KeyReference => argument('the key', key, named);

export const idArgument = (id: string): string => argument('the id of the key', text, id);

/** A function that may be left out, such as the one that a new secret is shown by. */
export const callback = <T>(what: string, value: T | undefined): T | undefined =>
  argument(what, optional(fn<T>()), value);

export const invalid = (message: string): ApiKeysError => new ApiKeysError('INVALID_INPUT', message);
