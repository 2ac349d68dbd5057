import { describe, expect, test } from 'vitest';
import { exitCodeOf } from '../../../src/cli/exit-codes.js';
import { hintOf } from '../../../src/cli/hints.js';
import { connectError } from '../../../src/db/server/connect-errors.js';

const LOGIN = { role: 'app', database: 'orders' };

/** What a server or a pooler answers to the first message of a connection. */
const refusal = (code: string, text = 'hunter2', routine?: string) =>
  connectError(Object.assign(new Error(text), { code, severity: 'FATAL', routine }), 'h:5432/orders', {
    login: LOGIN,
  });

test.each([
  ['28P01', 9],
  ['28000', 9],
  ['3D000', 9],
  ['08P01', 9],
  ['08004', 9],
  ['0A000', 9],
  ['22023', 9],
  ['42501', 9],
  ['42704', 9],
  ['53400', 9],
  ['55000', 9],
  ['58P01', 9],
  ['XX000', 9],
  ['XYZ00', 9],
  ['53300', 6],
  ['57P01', 6],
  ['57P03', 6],
  ['08006', 6],
])('%s is no defect of ours: exit %i, and nothing of its text', (code, exit) => {
  const error = refusal(code);
  expect(exitCodeOf(error.code)).toBe(exit);
  expect(`${error.message} ${hintOf(error)}`).not.toMatch(/defect|hunter2/);
  expect(hintOf(error)).not.toBeNull();
});

describe('what poolers have no codes for', () => {
  test.each([
    ['08P01', 'no more connections allowed (max_client_conn)', 'DATABASE_BUSY'],
    ['08P01', 'query_wait_timeout', 'DATABASE_BUSY'],
    ['08P01', 'server login has been failing, try again later (server_login_retry)', 'DATABASE_UNREACHABLE'],
    ['08P01', 'pgbouncer cannot connect to server', 'DATABASE_UNREACHABLE'],
    ['08P01', 'the database system is shutting down', 'DATABASE_UNREACHABLE'],
    ['08P01', 'no such user: app', 'LOGIN_REFUSED'],
    ['08P01', 'unsupported startup parameter: options', 'LOGIN_REFUSED'],
    ['XX000', 'Tenant or user not found', 'LOGIN_REFUSED'],
    ['XX000', 'MaxClientsInSessionMode: max clients reached', 'DATABASE_BUSY'],
    ['XX000', 'Max client connections reached', 'DATABASE_BUSY'],
    ['XX000', 'The endpoint has been disabled', 'LOGIN_REFUSED'],
    ['53400', 'too many connections for this plan', 'DATABASE_BUSY'],
  ])('%s "%s" is %s', (code, text, expected) => {
    expect(refusal(code, text).code).toBe(expected);
  });
});

test('a role that may not connect is told apart from one that may not set what it asks for', () => {
  expect(hintOf(refusal('42501', 'x', 'CheckMyDatabase'))).toContain(
    'GRANT CONNECT ON DATABASE "orders" TO "app"',
  );
  expect(hintOf(refusal('42501', 'x', 'set_config_option'))).toContain('PGOPTIONS');
});

test.each([
  ['ERR_TLS_CERT_ALTNAME_INVALID', 'not made for this host name'],
  ['CERT_HAS_EXPIRED', 'has expired'],
  ['CERT_NOT_YET_VALID', 'not valid yet'],
])('%s is no matter of the authority', (code, message) => {
  const error = connectError(Object.assign(new Error('x'), { code }), 'h:5432/d');
  expect(error.message).toContain(message);
  expect(hintOf(error)).not.toContain('sslrootcert');
  expect(exitCodeOf(error.code)).toBe(6);
});
