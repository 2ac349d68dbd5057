import { afterEach, describe, expect, test, vi } from 'vitest';
import { withPipeline } from '../../../src/db/pipeline/pipeline.js';
import { hashSecret } from '../../../src/domain/secret.js';
import { verifyCodeOf } from '../../../src/domain/verification.js';
import { findSecretsByHash } from '../../../src/repository/verify.js';
import { eachEngine } from '../../helpers/engines.js';
import { makeKey } from './verifiers.js';

const DAY = 86_400_000;
const ROUNDS = 20;

afterEach(() => {
  vi.useRealTimers();
});

const HOST_CLOCKS = [
  ['right', 0],
  ['a day late', -DAY],
  ['a day early', DAY],
] as const;

interface Boundary {
  readonly what: string;
  /** Lets it begin or end at `time`. */
  set(id: string, time: string): readonly string[];
  readonly before: string;
  readonly after: string;
  /** True where it is about a secret that is not the newest. */
  readonly rotated?: boolean;
}

const BOUNDARIES: readonly Boundary[] = [
  {
    what: 'the expiry of a key',
    set: (id, time) => [`UPDATE apikeys.keys SET expires_at = ${time} WHERE id = '${id}'`],
    before: 'VALID',
    after: 'EXPIRED',
  },
  {
    what: 'the end of an old secret',
    set: (id, time) => [
      `UPDATE apikeys.secrets SET valid_until = ${time} WHERE key_id = '${id}' AND version = 1`,
    ],
    before: 'VALID',
    after: 'RETIRED',
    rotated: true,
  },
  {
    what: "the end of a key's freeze",
    set: (id, time) => [
      `UPDATE apikeys.keys SET frozen_at = now(), frozen_until = ${time} WHERE id = '${id}'`,
    ],
    before: 'FROZEN',
    after: 'VALID',
  },
  {
    what: "the end of an owner's freeze",
    set: (id, time) => [
      `UPDATE apikeys.owners AS owner SET frozen_at = now(), frozen_until = ${time}
         FROM apikeys.keys AS key WHERE key.id = '${id}' AND key.owner_id = owner.owner_id`,
    ],
    before: 'FROZEN',
    after: 'VALID',
  },
];

eachEngine((db) => {
  describe.each(BOUNDARIES)('$what', ({ set, before, after, rotated }) => {
    test.each(HOST_CLOCKS)(
      "is exact to the millisecond by the database's clock, with a host clock that is %s",
      async (_, off) => {
        // The embedded engine's clock is the host's.
        if (off !== 0 && db.kind === 'embedded') return;
        if (off !== 0) vi.useFakeTimers({ toFake: ['Date'], now: Date.now() + off });
        const { id, raw } = await makeKey(db);
        if (rotated) await db.service.rotate({ key: id, actor: 'test' });
        const hashes = [hashSecret(raw)];
        const answers = [];
        for (let round = 0; round < ROUNDS; round++) {
          const [end] = await db.rows(
            `SELECT trunc(extract(epoch FROM clock_timestamp()) * 1000)::bigint + ${round + 2} AS at`,
          );
          const at = Number(end?.at);
          const time = `'1970-01-01Z'::timestamptz + ${at} * interval '1 ms'`;
          for (const statement of set(id, time)) await db.rows(statement);
          // Both ways of looking up, until it is over.
          for (let asked = 0, over = false; !over; asked++) {
            const found = await withPipeline(db.engine, (pipeline) =>
              findSecretsByHash(
                pipeline,
                asked % 2 === 0 ? hashes : Array.from({ length: 9 }, () => hashes[0] ?? Buffer.alloc(0)),
                10_000,
              ),
            );
            for (const one of found) {
              if (one === undefined) throw new Error('the secret was not found');
              const state = verifyCodeOf(one);
              answers.push([one.now.getTime() < at ? before : after, state]);
              over = one.now.getTime() > at + 1;
            }
          }
        }
        expect(answers.filter(([expected, answer]) => expected !== answer)).toEqual([]);
        const seen = new Set(answers.map(([, answer]) => answer));
        expect(seen).toEqual(new Set([before, after]));
      },
    );
  });
});
