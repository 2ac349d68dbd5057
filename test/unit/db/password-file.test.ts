import { describe, expect, test } from 'vitest';
import { findPassword, passwordFileOf } from '../../../src/db/server/password-file.js';

const LOGIN = { host: 'h', port: 5432, database: 'd', user: 'u' };

describe("libpq's password file", () => {
  test.each([
    ['all fields', 'h:5432:d:u:pw', 'pw'],
    ['stars', '*:*:*:*:pw', 'pw'],
    ['the first line that fits', 'x:*:*:*:no\nh:*:*:*:pw\nh:5432:d:u:later', 'pw'],
    ['a comment before', '#h:5432:d:u:no\nh:5432:d:u:pw', 'pw'],
    ['escapes in the password', String.raw`h:5432:d:u:a\:b\\c`, String.raw`a:b\c`],
    ['a colon in the password', 'h:5432:d:u:a:b', 'a:b'],
    ['a line end of Windows', 'h:5432:d:u:pw\r\n', 'pw'],
    ['blanks in the password', 'h:5432:d:u: p w ', ' p w '],
    ['a port that is not it', 'h:05432:d:u:pw', undefined],
    ['another user', 'h:5432:d:v:pw', undefined],
    ['a line too short', 'h:5432:d:u', undefined],
    ['an empty file', '', undefined],
  ])('%s', (_what, text, password) => expect(findPassword(text, LOGIN)).toBe(password));

  test('a host with a colon is written with an escape', () => {
    expect(findPassword(String.raw`\:\:1:*:*:*:pw`, { ...LOGIN, host: '::1' })).toBe('pw');
  });

  test("a server's usual socket is localhost", () => {
    expect(findPassword('localhost:*:*:*:pw', { ...LOGIN, host: '/var/run/postgresql' })).toBe('pw');
    expect(findPassword('localhost:*:*:*:pw', { ...LOGIN, host: '/srv/sockets' })).toBeUndefined();
  });

  test('is in the home', () => {
    expect(passwordFileOf({ HOME: '/home/ann' })).toBe('/home/ann/.pgpass');
    expect(passwordFileOf({})).toBeUndefined();
  });
});
