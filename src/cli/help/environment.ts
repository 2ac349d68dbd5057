import { SETTINGS, type Setting } from '../config/settings.js';

const MEANINGS: Readonly<Record<keyof typeof SETTINGS, string>> = {
  prefix: 'prefix of every new secret',
  secretBytes: 'bytes in a secret, 24 to 64',
  defaultExpiry: 'lifetime of a key; 0 = for ever',
  maxKeysPerOwner: 'keys per owner; 0 = no limit',
  rotationGrace: 'how long old secrets stay valid',
  retention: 'how long cleanup keeps the dead',
  keyManagement: 'false refuses to make keys',
  tenant: 'confines everything to it',
  actor: 'whom the audit trail names',
  timeout: 'longest wait for the database',
};

/** The only defaults that are no value of their own. */
const DEFAULTS = new Map([[SETTINGS.actor.variable, 'user@host']]);

/** `apikeys help environment`. */
export function environmentHelp(): string {
  const meanings = new Map(Object.entries(MEANINGS));
  const settings = Object.entries<Setting<unknown>>(SETTINGS).map(([name, { variable, fallback, show }]) => ({
    variable,
    fallback: DEFAULTS.get(variable) ?? show(fallback),
    meaning: meanings.get(name) ?? '',
  }));
  const widths = {
    variable: Math.max(...settings.map(({ variable }) => variable.length)),
    fallback: Math.max(...settings.map(({ fallback }) => fallback.length)),
  };
  const rows = settings.map(
    ({ variable, fallback, meaning }) =>
      `  ${variable.padEnd(widths.variable)}  ${fallback.padEnd(widths.fallback)}  ${meaning}`,
  );
  return `Settings and their defaults; a flag comes first, the YAML file after these:
${rows.join('\n')}

Which database, the first that is set:
  APIKEYS_DATABASE_URL_FILE  a file that holds the URL
  APIKEYS_DATABASE_URL       the URL, embedded or embedded:/path
  DATABASE_URL               the URL, after that of the YAML file
  PGHOST, PGPORT, PGDATABASE, PGUSER, with PGPASSWORD, PGPASSFILE, PGSSL*,
  PGAPPNAME, PGOPTIONS, PGCONNECT_TIMEOUT

Also:
  APIKEYS_CONFIG   the YAML file (apikeys/config.yaml in XDG_CONFIG_HOME, /etc)
  XDG_DATA_HOME    where the embedded database is (~/.local/share)
  Output, questions: NO_COLOR FORCE_COLOR TERM COLORTERM COLUMNS CI NODE_DEBUG
`;
}
