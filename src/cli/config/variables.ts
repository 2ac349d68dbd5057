import { nearName } from '../../domain/near-name.js';
import { masked } from '../../domain/quote.js';
import { SETTINGS } from '../../service/settings.js';
import { CliError } from '../cli-error.js';
import { variableOf } from './variable.js';

/** All that are read, here or by the pager. */
const KNOWN: readonly string[] = [
  ...Object.values(SETTINGS).map(variableOf),
  'APIKEYS_DATABASE_URL',
  'APIKEYS_DATABASE_URL_FILE',
  'APIKEYS_CONFIG',
  'APIKEYS_PAGER',
];

/** What Kubernetes and Docker set for a service named `apikeys`, or `apikeys-db`; and what our own tests are told by. */
const OF_OTHERS =
  /^APIKEYS_(?:TEST_.+|(?:.+_)?(?:SERVICE_HOST|SERVICE_PORT(?:_.+)?|PORT(?:_\d+_(?:TCP|UDP|SCTP)(?:_(?:PROTO|PORT|ADDR))?)?))$/;

/**
 * Throws `INVALID_CONFIG` for a variable that looks like one of ours and is none: a wall, or the kill switch, would be gone
 * without a word. One that is set and empty is as good as none.
 */
export function refuseUnknownVariables(env: Readonly<Record<string, string | undefined>>): void {
  const stray = Object.keys(env).find(
    (name) => /^APIKEYS_/.test(name) && env[name] && !KNOWN.includes(name) && !OF_OTHERS.test(name),
  );
  if (stray === undefined) return;
  const near = nearName(stray, KNOWN);
  throw new CliError(
    'INVALID_CONFIG',
    `the variable ${masked(stray)} has no effect: there is no such setting`,
    {
      hint: `${near === undefined ? 'Unset it.' : `Did you mean ${near}?`} \`apikeys help environment\` lists all.`,
    },
  );
}
