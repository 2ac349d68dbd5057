import { readFileSync } from 'node:fs';

/**
 * Prints the reference of the library, `src/library.md`, from the declarations that are shipped: what they say of
 * themselves is the only place where it is written.
 */

const source = readFileSync('dist/index.d.ts', 'utf8');
const exported = new Set(
  [...source.matchAll(/^export (?:type )?\{([^}]*)\};/gm)].flatMap(([, list]) => list.match(/\w+/g) ?? []),
);

/** Comment, text and name of each declaration. */
const declarations = [
  ...source.matchAll(
    /^((?:\/\*\*(?:(?!\*\/)[\s\S])*\*\/\n)?)((?:declare )?(class|const|function|interface|type) (\w+)[\s\S]*?)(?=^\/\*\*|^(?:declare|interface|type|export|import) |$(?![\s\S]))/gm,
  ),
].map(([, comment = '', text = '', kind = '', name = '']) => ({ comment, text: text.trim(), kind, name }));

const PARTS = [
  { title: 'Functions', kinds: ['function', 'class'] },
  { title: 'Types', kinds: ['interface', 'type'] },
  { title: 'Lists', kinds: ['const'] },
];

const described = declarations.filter(isDescribed);
process.stdout.write(
  `${[
    '# The library',
    "What `import { … } from 'apikeys'` gives. Printed by `npm run docs` from the declarations: change those, not this.",
    ...described.flatMap(sectionsOf),
    ...PARTS.flatMap(({ title, kinds }) => [
      `## ${title}`,
      ...declarations
        .filter((declaration) => kinds.includes(declaration.kind) && !isDescribed(declaration))
        .flatMap(({ name, comment, text }) => [
          `### ${name}`,
          ...(exported.has(name) ? [] : ['Part of the types above; it has no name outside of them.']),
          ...prose(comment),
          fence(text),
        ]),
    ]),
  ].join('\n\n')}\n`,
);

/** An interface whose methods have examples is told method by method. @param {{ kind: string, text: string }} declaration */
function isDescribed({ kind, text }) {
  return kind === 'interface' && text.includes('@example');
}

/** @param {{ name: string, comment: string, text: string }} declaration */
function sectionsOf({ name, comment, text }) {
  const members = [
    ...text.matchAll(
      /^ {4}((?:\/\*\*(?:(?!\*\/)[\s\S])*\*\/\n {4})?)((?:readonly )?(\w+)[\s\S]*?;)(?=\n {4}[\w/]|\n\})/gm,
    ),
  ];
  const sections = groupByName(members);
  return [
    `## ${name}`,
    ...prose(comment),
    ...[...sections].flatMap(([member, { comment: told, texts }]) => [
      `### ${name}.${member}`,
      ...prose(told),
      fence(texts.join('\n')),
    ]),
  ];
}

/** Overloads stand under one name. @param {RegExpExecArray[]} members */
function groupByName(members) {
  const groups = new Map();
  for (const [, comment = '', text = '', member = ''] of members) {
    const group = groups.get(member) ?? { comment: '', texts: [] };
    group.comment += comment;
    group.texts.push(text.replaceAll(/^ {4}/gm, ''));
    groups.set(member, group);
  }
  return groups;
}

/** The text of a comment, with its examples as code. @param {string} comment @returns {string[]} */
function prose(comment) {
  const [text = '', ...examples] = comment
    .replaceAll(/^ *\/\*\*+ ?|\s*\*\/\s*$/gm, '')
    .replaceAll(/^ *\* ?/gm, '')
    .replaceAll(/\{@link (\w+)\}/g, '`$1`')
    .split(/^@example\n/m)
    .map((part) => part.trim());
  return [...(text === '' ? [] : [text]), ...examples.map(fence)];
}

/** @param {string} code */
function fence(code) {
  return `\`\`\`ts\n${code}\n\`\`\``;
}
