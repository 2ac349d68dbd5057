import { expect, test } from 'vitest';
import { describeMessage, messageReader, type WireMessage } from '../../helpers/wire-messages.js';

function message(type: string, body: Buffer): Buffer {
  const length = Buffer.alloc(4);
  length.writeInt32BE(body.length + 4);
  return Buffer.concat([Buffer.from(type), length, body]);
}

function request(code: number): Buffer {
  const body = Buffer.alloc(4);
  body.writeInt32BE(code);
  return message('', body);
}

const FRONTEND = Buffer.concat([
  request(80_877_103),
  request(80_877_104),
  message('', Buffer.from('\0\x03\0\0user\0postgres\0\0', 'latin1')),
  message('Q', Buffer.from('SELECT 1\0')),
  message('P', Buffer.from('name\0SELECT $1\0\0\0')),
  message('S', Buffer.alloc(0)),
]);

const BACKEND = Buffer.concat([
  Buffer.from('N'),
  message('R', Buffer.alloc(4)),
  message('E', Buffer.from('SERROR\0VERROR\0C23505\0Mno\0\0')),
  message('C', Buffer.from('SELECT 1\0')),
  message('Z', Buffer.from('T')),
]);

/** Reads in pieces of `size` bytes. */
function readAll(direction: 'frontend' | 'backend', bytes: Buffer, size: number): WireMessage[] {
  const reader = messageReader(direction, 3, { awaitingByte: direction === 'backend' });
  const messages: WireMessage[] = [];
  for (let at = 0; at < bytes.length; at += size)
    messages.push(...reader.read(bytes.subarray(at, at + size)));
  return messages;
}

test.each([1, 2, 3, 7, 10_000])('cuts both directions into messages from pieces of %i bytes', (size) => {
  const frontend = readAll('frontend', FRONTEND, size);
  expect(frontend.map(describeMessage)).toEqual([
    '3 F ssl-request',
    '3 F gss-request',
    '3 F startup',
    '3 F Q SELECT 1',
    '3 F P SELECT $1',
    '3 F S',
  ]);
  expect(Buffer.concat(frontend.map(({ bytes }) => bytes)).equals(FRONTEND)).toBe(true);

  const backend = readAll('backend', BACKEND, size);
  expect(backend.map(describeMessage)).toEqual([
    '3 B no-encryption',
    '3 B R',
    '3 B E 23505',
    '3 B C SELECT 1',
    '3 B Z T',
  ]);
  expect(Buffer.concat(backend.map(({ bytes }) => bytes)).equals(BACKEND)).toBe(true);
});

test('tells a cancel request from a login', () => {
  const cancel = readAll('frontend', request(80_877_102), 1_000);
  expect(cancel.map(({ type }) => type)).toEqual(['cancel']);
});

test('says so when the server switches to TLS', () => {
  const reader = messageReader('backend', 0, { awaitingByte: true });
  expect(() => reader.read(Buffer.from('S'))).toThrow('encrypted');
});
