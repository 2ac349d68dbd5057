/** Headers by name: the web's `Headers`, or what Node, Express and Fastify have as `request.headers`. */
export type RequestHeaders =
  | { get(name: string): string | null }
  | Readonly<Record<string, string | readonly string[] | undefined>>;

/** As much of a request as it takes to know who sent it: the web's `Request` is one, and so is Node's. */
export interface HeaderedRequest {
  readonly headers: RequestHeaders;
}

export type Credentials =
  | { readonly kind: 'key'; readonly rawKey: string }
  | { readonly kind: 'none' }
  /** Not to be understood in one way alone. */
  | { readonly kind: 'unclear'; readonly why: string };

/**
 * Finds the API key of a request: `Authorization: Bearer <key>`, or `X-API-Key: <key>`. A client uses one of them (RFC
 * 6750, section 2); both are understood if they say the same. Another scheme of `Authorization` is somebody else's.
 */
export function credentialsOf({ headers }: HeaderedRequest): Credentials {
  const found: string[] = [];
  for (const value of valuesOf(headers, 'authorization')) {
    const [, token] = /^bearer(?: +(.*))?$/i.exec(value.trim()) ?? [undefined, null];
    if (token === null) continue;
    // Headers of the same name are joined by a comma on the way, which no key of ours contains.
    if (token === undefined || !/^[^\s,]+$/.test(token)) {
      return { kind: 'unclear', why: 'the Authorization header holds no single bearer token' };
    }
    found.push(token);
  }
  for (const value of valuesOf(headers, 'x-api-key')) {
    if (value.trim() !== '') found.push(value.trim());
  }
  const [rawKey, ...more] = found;
  if (rawKey === undefined) return { kind: 'none' };
  if (more.some((other) => other !== rawKey)) {
    return { kind: 'unclear', why: 'the request holds more than one API key' };
  }
  return { kind: 'key', rawKey };
}

function valuesOf(headers: RequestHeaders, name: string): readonly string[] {
  if (isGettable(headers)) return listOf(headers.get(name));
  return Object.entries(headers).flatMap(([each, value]) =>
    each.toLowerCase() === name ? listOf(value) : [],
  );
}

const listOf = (value: string | readonly string[] | null | undefined): readonly string[] =>
  typeof value === 'string' ? [value] : (value ?? []);

const isGettable = (headers: RequestHeaders): headers is { get(name: string): string | null } =>
  typeof headers.get === 'function';
