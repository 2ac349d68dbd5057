import type { Setting } from '../../service/setting.js';

/** The environment variable of a setting: `APIKEYS_DEFAULT_EXPIRY` is what the YAML file has as `default_expiry`. */
export const variableOf = ({ name }: Pick<Setting<unknown>, 'name'>): string =>
  `APIKEYS_${name.toUpperCase()}`;
