import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  type AuditEvent,
  type AuditFacts,
  chainHash,
  EMPTY_CHAIN,
  nextEvent,
  verifyLink,
} from '../../../src/domain/audit.js';

const facts: AuditFacts = {
  id: '0190a1b2-c3d4-7e5f-8a9b-0c1d2e3f4a5b',
  at: new Date('2030-01-31T12:00:00.123Z'),
  actor: 'alice@host',
  dbRole: 'apikeys_admin',
  action: 'key.created',
  tenantId: 'default',
  ownerId: 'alice',
  keyId: '0190a1b2-c3d4-7e5f-8a9b-0c1d2e3f4a5c',
  reason: null,
  details: '{"name": "ci"}',
};

function chain(length: number): AuditEvent[] {
  const events: AuditEvent[] = [];
  for (let i = 0; i < length; i++) events.push(nextEvent(events.at(-1) ?? EMPTY_CHAIN, facts));
  return events;
}

describe('chainHash', () => {
  test('never changes for what is stored', () => {
    expect(chainHash({ ...facts, seq: 1, prevHash: null }).toString('hex')).toBe(
      '68c8eb486ca00b8e4ccf476a2a319ee671c17da0307b3838508071395be4f719',
    );
    expect(chainHash({ ...facts, seq: 2, prevHash: Buffer.alloc(32, 7), reason: 'é' }).toString('hex')).toBe(
      '8e7374b2386e8e25896822ef7e1fca6a4b88dd543af006da640d4d382cf1b131',
    );
  });

  test('covers every field', () => {
    const event = { ...facts, seq: 2, prevHash: Buffer.alloc(32, 7) };
    const others: Omit<AuditEvent, 'hash'>[] = [
      { ...event, id: '0190a1b2-c3d4-7e5f-8a9b-0c1d2e3f4a5d' },
      { ...event, seq: 3 },
      { ...event, at: new Date(facts.at.getTime() + 1) },
      { ...event, actor: 'bob' },
      { ...event, dbRole: 'postgres' },
      { ...event, action: 'key.revoked' },
      { ...event, tenantId: 'other' },
      { ...event, ownerId: 'bob' },
      { ...event, keyId: null },
      { ...event, reason: '' },
      { ...event, details: '{"name":"ci"}' },
      { ...event, prevHash: Buffer.alloc(32, 8) },
      { ...event, prevHash: null },
    ];
    const hashes = [event, ...others].map((each) => chainHash(each).toString('hex'));
    expect(new Set(hashes).size).toBe(hashes.length);
  });

  test('text cannot move from one field into the next', () => {
    fc.assert(
      fc.property(fc.string(), fc.string(), fc.string(), (actor, dbRole, moved) => {
        fc.pre(moved !== '');
        const event = { ...facts, seq: 1, prevHash: null };
        const a = chainHash({ ...event, actor: actor + moved, dbRole });
        const b = chainHash({ ...event, actor, dbRole: moved + dbRole });
        expect(a.equals(b)).toBe(false);
      }),
    );
  });
});

describe('a chain', () => {
  test('begins at 1 without a predecessor, and each event names the one before', () => {
    const [first, second] = chain(2);
    expect(first).toMatchObject({ ...facts, seq: 1, prevHash: null });
    expect(second).toMatchObject({ ...facts, seq: 2, prevHash: first?.hash });
  });

  test('holds from its beginning and from any head', () => {
    let head: { seq: number; hash: Buffer | null } = EMPTY_CHAIN;
    for (const event of chain(5)) {
      expect(verifyLink(head, event)).toBeNull();
      head = { seq: event.seq, hash: Buffer.from(event.hash) };
    }
  });

  test('shows an event that was altered, left out, repeated, reordered or put into another chain', () => {
    const [first, second, third] = chain(3);
    if (first === undefined || second === undefined || third === undefined) throw new Error('no chain');
    expect(verifyLink(first, { ...second, actor: 'mallory' })).toBe('hash');
    expect(verifyLink(first, { ...second, hash: Buffer.alloc(32) })).toBe('hash');
    expect(verifyLink(first, third)).toBe('seq');
    expect(verifyLink(EMPTY_CHAIN, second)).toBe('seq');
    expect(verifyLink(second, second)).toBe('seq');
    const forged = nextEvent(EMPTY_CHAIN, { ...facts, actor: 'mallory' });
    expect(verifyLink(forged, second)).toBe('prev_hash');
    expect(verifyLink({ seq: 1, hash: null }, second)).toBe('prev_hash');
    expect(verifyLink(EMPTY_CHAIN, nextEvent({ seq: 0, hash: Buffer.alloc(32) }, facts))).toBe('prev_hash');
  });
});
