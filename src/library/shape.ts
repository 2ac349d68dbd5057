import type { KeyReference } from '../domain/key-reference.js';
import { didYouMean } from '../domain/near-name.js';
import { quote } from '../domain/quote.js';

/** What a value has to be, at run time: an application in plain JavaScript has no compiler that says so. */
export interface Kind<T> {
  /** As in `owner is not text`. */
  readonly words: string;
  is(value: unknown): value is T;
}

/** A kind for every option of `T`: the compiler asks for one where an option is added. */
export type Shape<T> = {
  readonly [Name in keyof T]-?: undefined extends T[Name]
    ? Optional<Exclude<T[Name], undefined>>
    : Kind<T[Name]>;
};

interface Optional<T> extends Kind<T | undefined> {
  readonly optional: true;
}

const kind = <T>(words: string, is: (value: unknown) => value is T): Kind<T> => ({ words, is });

export const text = kind('text', (value): value is string => typeof value === 'string');
export const number = kind(
  'a number',
  (value): value is number => typeof value === 'number' && !Number.isNaN(value),
);
export const count = kind(
  'a whole number',
  (value): value is number => Number.isSafeInteger(value) && Number(value) >= 0,
);
export const yesOrNo = kind('true or false', (value): value is boolean => typeof value === 'boolean');
export const time = kind(
  'a valid Date',
  (value): value is Date => value instanceof Date && !Number.isNaN(value.getTime()),
);
export const anObject = kind(
  'an object',
  (value): value is object => typeof value === 'object' && value !== null,
);
/** Array.from has the holes of an array, too, which `every` leaves out. */
export const texts = kind(
  'a list of texts',
  (value): value is readonly string[] => Array.isArray(value) && Array.from(value).every(text.is),
);
const isKey = (value: unknown): value is KeyReference =>
  text.is(value) || (isPlain(value) && Object.keys(value).join() === 'rawKey' && text.is(value.rawKey));
export const key = kind('text or { rawKey }', isKey);
export const keys = kind(
  'a list of texts or of { rawKey }',
  (value): value is readonly KeyReference[] => Array.isArray(value) && Array.from(value).every(isKey),
);
export const textByName = kind(
  'an object of texts by name',
  (value): value is Readonly<Record<string, string>> => isPlain(value) && Object.values(value).every(text.is),
);

export const fn = <T>(): Kind<T> => kind('a function', (value): value is T => typeof value === 'function');

/** Not there at all. */
export const absent = kind('left out', (value): value is never => value === undefined);

export const stream = <T>(): Kind<AsyncIterable<T>> =>
  kind(
    'an async iterable',
    (value): value is AsyncIterable<T> =>
      typeof value === 'object' && value !== null && Symbol.asyncIterator in value,
  );

export const oneOf = <const T extends string>(choices: readonly T[]): Kind<T> =>
  kind(`one of ${choices.join(', ')}`, (value): value is T => choices.some((choice) => choice === value));

export const listOf = <const T extends string>(choices: readonly T[]): Kind<readonly T[]> => {
  const one = oneOf(choices);
  return kind(
    `a list of ${choices.join(', ')}`,
    (value): value is readonly T[] => Array.isArray(value) && Array.from(value).every(one.is),
  );
};

export const optional = <T>({ words, is }: Kind<T>): Optional<T> => ({
  words,
  optional: true,
  is: (value): value is T | undefined => value === undefined || is(value),
});

/** Null takes away what there is. */
export const orNull = <T>({ words, is }: Kind<T>): Kind<T | null> =>
  kind(`${words}, or null`, (value): value is T | null => value === null || is(value));

/** Nothing but a class of its own, an array or a Map has more than one prototype above it. */
function isPlain(value: unknown): value is Readonly<Record<string, unknown>> {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return false;
  const above: unknown = Object.getPrototypeOf(value);
  return above === null || Object.getPrototypeOf(above) === null;
}

/**
 * What is wrong with an object of options, or null. Options by another name are wrong, since they would have no effect;
 * so are those of a prototype, which a copy of the object would not have.
 */
export function faultOf(shape: Readonly<Record<string, Kind<unknown>>>, value: unknown): string | null {
  if (!isPlain(value)) return 'the options are not a plain object';
  const stray = Object.keys(value).find((name) => !Object.hasOwn(shape, name));
  if (stray !== undefined)
    return `there is no option ${quote(stray)}${didYouMean(stray, Object.keys(shape))}`;
  for (const [name, { words, is }] of Object.entries(shape)) {
    const given = Object.hasOwn(value, name) ? value[name] : undefined;
    if (!is(given)) return given === undefined ? `${name} is missing` : `${name} is not ${words}`;
  }
  return null;
}
