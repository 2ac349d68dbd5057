import { z } from 'zod';

/** As `isoTime` writes it. */
export const time = z.iso.datetime({ precision: 3 });

/** A UTC day. */
export const day = z.iso.date();

export const count = z.int().min(0);

export const sha256 = z.string().regex(/^[0-9a-f]{64}$/);
