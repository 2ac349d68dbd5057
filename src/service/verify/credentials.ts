/** Headers by name: the web's `Headers`, or what Node, Express and Fastify have as `request.headers`. */
export type RequestHeaders =
  | { get(name: string): string | null }
  | Readonly<Record<string, string | readonly string[] | undefined>>;

/** As much of a request as it takes to know who sent it: the web's `Request` is one, and so is Node's. */
export interface HeaderedRequest {
  readonly headers?: RequestHeaders | null | undefined;
  /** As Node has them: every value of a header by itself. */
  readonly headersDistinct?: Readonly<Record<string, readonly string[] | undefined>> | undefined;
  /** As an event of AWS has them, whose `headers` keep the last of several. */
  readonly multiValueHeaders?: Readonly<Record<string, readonly string[] | undefined>> | null | undefined;
  /** As they came, name and value in turn, as Node has them: its `headers` keep the first of two `Authorization`. */
  readonly rawHeaders?: readonly string[] | undefined;
  /** Node's own request, where a framework has it here. */
  readonly raw?: unknown;
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
export function credentialsOf(request: HeaderedRequest): Credentials {
  try {
    return credentialsIn(request);
  } catch {
    // A request from outside may be any object, with getters that throw: that is no failure of whoever asks.
    return { kind: 'unclear', why: 'the headers of the request cannot be read' };
  }
}

function credentialsIn(request: HeaderedRequest): Credentials {
  const found: string[] = [];
  for (const value of valuesOf(request, 'authorization')) {
    const [, token] = /^bearer(?: +(.*))?$/i.exec(value.trim()) ?? [undefined, null];
    if (token === null) continue;
    // Headers of the same name are joined by a comma on the way, which no key of ours contains.
    if (token === undefined || !/^[^\s,]+$/.test(token)) {
      return { kind: 'unclear', why: 'the Authorization header holds no single bearer token' };
    }
    found.push(token);
  }
  for (const value of valuesOf(request, 'x-api-key')) {
    // Two headers are joined in the same way.
    for (const key of value.split(',')) if (key.trim() !== '') found.push(key.trim());
  }
  const [rawKey, ...more] = found;
  if (rawKey === undefined) return { kind: 'none' };
  if (more.some((other) => other !== rawKey)) {
    return { kind: 'unclear', why: 'the request holds more than one API key' };
  }
  return { kind: 'key', rawKey };
}

/** Every value of a header. What is of another type than headers have counts as missing, and is never an error. */
function valuesOf(request: unknown, name: string): readonly string[] {
  if (typeof request !== 'object' || request === null) return [];
  const { headers, rawHeaders, headersDistinct, multiValueHeaders, raw } = fieldsOf(request);
  const values = valuesIn(headers, name);
  const beside = fieldsOf(raw);
  const asTheyCame = [
    ...rawValues(rawHeaders ?? beside.rawHeaders, name),
    ...valuesIn(headersDistinct ?? beside.headersDistinct, name),
    ...valuesIn(multiValueHeaders, name),
  ];
  const [first] = values;
  // An event may have all of its headers there. What was changed since, by a middleware say, stands in `headers` alone.
  if (first === undefined) return headers === undefined || headers === null ? asTheyCame : values;
  return asTheyCame.includes(first) ? [...values, ...asTheyCame] : values;
}

const fieldsOf = (value: unknown): Readonly<Record<string, unknown>> => {
  if (typeof value !== 'object' || value === null) return {};
  const fields: Record<string, unknown> = Object(value);
  return fields;
};

function valuesIn(headers: unknown, name: string): readonly string[] {
  if (typeof headers !== 'object' || headers === null) return [];
  if (isGettable(headers)) return textsOf(headers.get(name));
  return Object.entries(headers).flatMap(([each, value]) =>
    each.toLowerCase() === name ? textsOf(value) : [],
  );
}

function rawValues(rawHeaders: unknown, name: string): readonly string[] {
  if (!Array.isArray(rawHeaders)) return [];
  return rawHeaders.filter(
    (value, index): value is string =>
      index % 2 === 1 && typeof value === 'string' && String(rawHeaders[index - 1]).toLowerCase() === name,
  );
}

function textsOf(value: unknown): readonly string[] {
  if (typeof value === 'string') return [value];
  return Array.isArray(value) ? value.filter((each): each is string => typeof each === 'string') : [];
}

const isGettable = (headers: object): headers is { get(name: string): unknown } =>
  'get' in headers && typeof headers.get === 'function';
