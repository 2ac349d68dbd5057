import type { Timeouts } from './engine.js';

const PATIENCE = 600_000;

/**
 * Divides one wait into its parts, so that they end before the whole does. All in milliseconds. With `patient`,
 * statements may take ten minutes.
 */
export function timeoutsWithin(whole: number, patient = false): Timeouts {
  return {
    connect: whole * 0.5,
    lock: whole * 0.5,
    statement: patient ? PATIENCE : whole * 0.8,
    answer: patient ? PATIENCE + whole : whole * 0.9,
  };
}
