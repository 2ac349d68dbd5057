// A module of our own, to be imported lazily: imported so by itself, the CommonJS package would lose its named exports in the bundle.
import { parse } from 'yaml';

/** Reads YAML whose every value is the text that stands there: `0123`, `1e3` and `True` are no numbers and no booleans. */
export const parseTexts = (text: string): unknown => parse(text, { schema: 'failsafe', logLevel: 'error' });
