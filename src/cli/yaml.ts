// A module of our own, to be imported lazily: imported so by itself, the CommonJS package would lose its named exports in the bundle.
export { parse } from 'yaml';
