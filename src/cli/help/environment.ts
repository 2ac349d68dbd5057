import type { Setting } from '../../service/setting.js';
import { SETTINGS, shownFallback } from '../../service/settings.js';
import { variableOf } from '../config/variable.js';

/** `apikeys help environment`. */
export function environmentHelp(): string {
  const settings = Object.values<Setting<unknown, never>>(SETTINGS).map((setting) => ({
    variable: variableOf(setting),
    fallback: shownFallback(setting),
    meaning: setting.meaning,
  }));
  const widths = {
    variable: Math.max(...settings.map(({ variable }) => variable.length)),
    fallback: Math.max(...settings.map(({ fallback }) => fallback.length)),
  };
  const rows = settings.map(
    ({ variable, fallback, meaning }) =>
      `  ${variable.padEnd(widths.variable)}  ${fallback.padEnd(widths.fallback)}  ${meaning}`,
  );
  return `Settings and defaults (no other APIKEYS_* is taken); flags first, YAML after:
${rows.join('\n')}

Which database, the first that is set:
  APIKEYS_DATABASE_URL_FILE  a file that holds the URL
  APIKEYS_DATABASE_URL       the URL, embedded or embedded:/path
  DATABASE_URL               the URL, after that of the YAML file
  PGHOST PGHOSTADDR PGPORT PGDATABASE PGUSER PGSERVICE, with PGPASSWORD PGSSL*
  PGPASSFILE PGSERVICEFILE PGSYSCONFDIR PGOPTIONS PGTARGETSESSIONATTRS PGAPPNAME

Also, beside CI and NODE_DEBUG for questions:
  APIKEYS_CONFIG   the YAML file (apikeys/config.yaml in XDG_CONFIG_HOME, /etc)
  XDG_DATA_HOME    where the embedded database is (~/.local/share)
  Output: NO_COLOR FORCE_COLOR TERM COLORTERM COLUMNS APIKEYS_PAGER PAGER
`;
}
