import { z } from 'zod';
import { CHAIN_FAULTS } from '../../domain/audit.js';
import { STATE_FIELDS } from '../../domain/key-state.js';
import { chainPlaceSchema } from './chain.js';
import { eventSchema } from './event.js';
import { count, sha256, time } from './values.js';

export const auditSchema = z.strictObject({
  events: z.array(eventSchema),
  next_cursor: z.string().nullable(),
});

/** A line: the head of a chain, or, as the last one, the number of all others and their checksum. */
export const auditHeadSchema = z.union([
  chainPlaceSchema.extend({ hash: sha256 }),
  z.strictObject({ chains: count, at: time, sha256 }),
]);

export const auditVerifySchema = z.strictObject({
  valid: z.boolean(),
  chains: count,
  events: count,
  broken: z.array(
    chainPlaceSchema.extend({
      fault: z.enum(CHAIN_FAULTS),
      field: z.enum(STATE_FIELDS).nullable(),
    }),
  ),
  broken_count: count,
  next_cursor: z.string().nullable(),
});

export type AuditJson = z.infer<typeof auditSchema>;
export type AuditHeadJson = z.infer<typeof auditHeadSchema>;
export type AuditVerifyJson = z.infer<typeof auditVerifySchema>;
