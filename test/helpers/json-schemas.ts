import { z } from 'zod';
import { SCHEMAS } from '../../src/representation/schemas.js';

type SchemaName = keyof typeof SCHEMAS;

/** What the zod schema of a command finds wrong with `document`; empty if nothing. */
export function faultsByZod(name: SchemaName, document: unknown): string[] {
  return faults(SCHEMAS[name], document);
}

/** What a JSON Schema, as `apikeys schema` printed it, finds wrong with `document`; empty if nothing. */
export function faultsByJsonSchema(schema: unknown, document: unknown): string[] {
  return faults(z.fromJSONSchema(schema as Parameters<typeof z.fromJSONSchema>[0]), document);
}

function faults(schema: z.ZodType, document: unknown): string[] {
  const result = schema.safeParse(document);
  return result.success
    ? []
    : result.error.issues.map(({ path, message }) => `${path.join('.')}: ${message}`);
}
