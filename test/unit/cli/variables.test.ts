import { expect, test } from 'vitest';
import { variableOf } from '../../../src/cli/config/variable.js';
import { refuseUnknownVariables } from '../../../src/cli/config/variables.js';
import { SETTINGS } from '../../../src/service/settings.js';
import { runInProcess } from '../../helpers/run-in-process.js';

const VARIABLES = Object.values(SETTINGS).map(variableOf);

test.each(VARIABLES)('%s is known, and a slip of it is not', (variable) => {
  expect(() => refuseUnknownVariables({ [variable]: 'x' })).not.toThrow();
  for (const slip of [variable.slice(0, -1), `${variable}S`, variable.replace(/(.)(.)$/, '$2$1')]) {
    if (VARIABLES.includes(slip)) continue;
    expect(() => refuseUnknownVariables({ [slip]: 'x' }), slip).toThrow(
      expect.objectContaining({
        code: 'INVALID_CONFIG',
        hint: expect.stringContaining('Did you mean APIKEYS_'),
      }),
    );
  }
});

test.each([
  'APIKEYS_SERVICE_HOST',
  'APIKEYS_SERVICE_PORT',
  'APIKEYS_SERVICE_PORT_HTTP',
  'APIKEYS_PORT',
  'APIKEYS_PORT_5432_TCP',
  'APIKEYS_PORT_5432_TCP_PROTO',
  'APIKEYS_PORT_5432_TCP_PORT',
  'APIKEYS_PORT_5432_TCP_ADDR',
  'APIKEYS_DB_SERVICE_HOST',
  'APIKEYS_DB_PORT_5432_UDP_ADDR',
  'APIKEYS_TEST_SEED',
  'APIKEYSX',
  'MY_APIKEYS_PREFX',
])('%s is of somebody else', (variable) => {
  expect(() => refuseUnknownVariables({ [variable]: 'tcp://10.0.0.1:5432' })).not.toThrow();
});

test('is refused before any database is opened, and counts for nothing where it is empty', async () => {
  const env = { APIKEYS_DATABASE_URL: 'postgres://127.0.0.1:1/x', APIKEYS_PREFX: 'acme_' };
  expect(await runInProcess(['list'], { env })).toMatchObject({
    exitCode: 2,
    stdout: '',
    stderr:
      'apikeys: the variable APIKEYS_PREFX has no effect: there is no such setting\n' +
      'hint: Did you mean APIKEYS_PREFIX? `apikeys help environment` lists all.\n',
  });
  expect(await runInProcess(['list'], { env: { ...env, APIKEYS_PREFX: '' } })).toMatchObject({ exitCode: 6 });
  expect(await runInProcess(['help', 'environment'], { env })).toMatchObject({ exitCode: 0 });
});
