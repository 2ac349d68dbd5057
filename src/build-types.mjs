import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';

/**
 * Rolls the declarations that `tsc` wrote to `dist/types` up into one file: what `index.d.ts` exports, and what that is
 * made of, in `dist/index.d.ts`. Everything else is internal: it is not shipped, so no application can rely on it.
 */

const FOLDER = 'dist/types';

/** @typedef {{ text: string, scope: Scope }} Declaration */
/** @typedef {Map<string, { from: string, text: string } | Declaration>} Scope What the names in a file stand for. */

/** @type {Map<string, Scope>} */
const scopes = new Map();
/** @type {Map<string, Declaration>} */
const declarations = new Map();
/** @type {Map<string, string>} */
const packages = new Map();

const index = readFileSync(join(FOLDER, 'index.d.ts'), 'utf8');
const exported = [...index.matchAll(/^export (type )?\{([^}]*)\} from '([^']+)';/gm)].flatMap(
  ([, typeOnly = '', names = '', from = '']) =>
    namesIn(names).map((name) => ({ name, from: join(FOLDER, from), type: typeOnly || typeOf(names, name) })),
);
for (const { name, from } of exported) {
  const scope = scopeOf(from);
  if (!scope.has(name)) throw new Error(`${from} declares no ${name}`);
  include(name, scope);
}

const isExported = new Map(exported.map(({ name, type }) => [name, type]));
const byName = [...declarations].sort(([a], [b]) => (a < b ? -1 : 1));
const texts = byName.map(([, { text }]) => text.replace(/^export /m, ''));
const lists = ['', 'type '].map((kind) => {
  const names = [...isExported].flatMap(([name, type]) => (type === kind ? [name] : [])).sort();
  return `export ${kind}{\n${names.map((name) => `    ${name},\n`).join('')}};\n`;
});
rmSync(FOLDER, { recursive: true });
writeFileSync('dist/index.d.ts', [...new Set(packages.values()), ...new Set(texts), ...lists].join('\n'));

/** Includes what a name stands for, and all that is made of. @param {string} name @param {Scope} scope */
function include(name, scope) {
  const found = scope.get(name);
  if (found === undefined) return;
  if (!('scope' in found)) {
    if (found.from.startsWith('.'))
      throw new Error(`${name} is imported from ${found.from}, which does not declare it`);
    packages.set(found.text, found.text);
    return;
  }
  const present = declarations.get(name);
  if (present === found) return;
  if (present !== undefined) throw new Error(`two declarations are called ${name}: rename one of them`);
  declarations.set(name, found);
  for (const used of namesUsedIn(found.text)) include(used, found.scope);
}

/** @param {string} text */
function namesUsedIn(text) {
  const code = text.replaceAll(/\/\*[\s\S]*?\*\/|'[^'\n]*'/g, '');
  return [...code.matchAll(/\b[A-Z]\w*|(?<=\btypeof )\w+|\b[a-z]\w*(?=\.[A-Z])/g)].map(([name]) => name);
}

/** @param {string} module Its path, with `.js`. @returns {Scope} */
function scopeOf(module) {
  const known = scopes.get(module);
  if (known !== undefined) return known;
  /** @type {Scope} */
  const scope = new Map();
  scopes.set(module, scope);
  for (const text of statementsOf(readFileSync(module.replace(/\.js$/, '.d.ts'), 'utf8'))) {
    const [, list = '', from] = /^(?:import|export) (?:type )?([^'"]*) from '([^']+)';/.exec(text) ?? [];
    if (from === undefined) {
      const name =
        /^(?:export )?(?:declare )?(?:abstract )?(?:class|const|function|interface|type) (\w+)/m.exec(
          text,
        )?.[1];
      if (name !== undefined) declare(scope, name, text);
    } else {
      for (const name of namesIn(list)) {
        const found = from.startsWith('.') ? scopeOf(join(dirname(module), from)).get(name) : { from, text };
        if (found !== undefined) scope.set(name, found);
      }
    }
  }
  return scope;
}

/** Overloads are one declaration. @param {Scope} scope @param {string} name @param {string} text */
function declare(scope, name, text) {
  const present = scope.get(name);
  const before = present !== undefined && 'scope' in present ? present.text : '';
  scope.set(name, { text: before + text, scope });
}

/** Statements with the comments before them: each begins at the start of a line. @param {string} source */
function statementsOf(source) {
  return source
    .split(/(?<!\*\/\n)^(?=[a-z]|\/\*\*)/m)
    .filter((text) => text.trim() !== '' && text !== 'export {};\n');
}

/** @param {string} list As it stands in an import or export. */
function namesIn(list) {
  return list
    .replaceAll(/[{}]|\btype\b/g, '')
    .split(',')
    .map((name) => name.trim())
    .filter((name) => name !== '');
}

/** @param {string} list @param {string} name */
function typeOf(list, name) {
  return new RegExp(`\\btype ${name}\\b`).test(list) ? 'type ' : '';
}
