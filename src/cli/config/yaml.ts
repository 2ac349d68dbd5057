// A module of our own, to be imported lazily: imported so by itself, the CommonJS package would lose its named exports in the bundle.
import { parseAllDocuments } from 'yaml';

/** What a document says, or what is wrong with it, in words that repeat nothing of it: it may hold a password. */
export type ReadYaml = { readonly value: unknown } | { readonly fault: string };

/** Reads YAML whose every value is the text that stands there: `0123`, `1e3` and `True` are no numbers and no booleans. */
export function readTexts(text: string): ReadYaml {
  const documents = parseAllDocuments(text, { schema: 'failsafe', logLevel: 'silent' });
  const [document, second] = documents;
  if (document === undefined) return { value: null };
  if (second !== undefined) return { fault: 'holds several documents' };
  if (document.errors.length > 0) return { fault: 'is not valid YAML' };
  // A tag would make another value of a text, and this schema has none.
  if (document.warnings.length > 0) return { fault: 'has a YAML tag, which is not heeded' };
  return { value: document.toJS() };
}
