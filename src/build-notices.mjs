import { readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

/**
 * Writes the licences of all packages that are bundled into the command line to `dist/THIRD-PARTY.txt`: theirs ask to go
 * wherever their code goes. Which packages those are, esbuild's metafile says. A package without a licence ends the build.
 */

const METAFILE = 'dist/cli.meta.json';

/** What may be bundled into a package under the MIT licence without further conditions. */
const ACCEPTED = ['MIT', 'ISC', 'BSD-2-Clause', 'BSD-3-Clause', '0BSD'];

const { outputs } = JSON.parse(readFileSync(METAFILE, 'utf8'));
const bundled = Object.values(outputs).flatMap(({ inputs }) => Object.keys(inputs));
const folders = new Set(
  bundled.flatMap((file) => /^.*node_modules\/(?:@[^/]+\/)?[^/]+/.exec(file)?.[0] ?? []),
);

const notices = [...folders].map(noticeOf).sort(({ name: a }, { name: b }) => (a < b ? -1 : 1));
const texts = new Set(notices.map(({ name, licence, text }) => `${name} (${licence})\n\n${text.trim()}\n`));
writeFileSync(
  'dist/THIRD-PARTY.txt',
  [`The command line of apikeys contains code of these packages.\n`, ...texts].join(
    `\n${'-'.repeat(80)}\n\n`,
  ),
);
rmSync(METAFILE);

/** @param {string} folder */
function noticeOf(folder) {
  const { name, version, license: licence } = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8'));
  if (!ACCEPTED.includes(licence))
    throw new Error(`${name} ${version} may not be bundled: its licence is ${licence}`);
  const text = licenceTextIn(folder);
  if (text === undefined) throw new Error(`${name} ${version} comes without the text of its licence`);
  return { name: `${name} ${version}`, licence, text };
}

/** The file of the licence; some packages have it at the end of their README alone. @param {string} folder */
function licenceTextIn(folder) {
  const files = readdirSync(folder);
  const find = (/** @type {RegExp} */ name) => files.filter((file) => name.test(file)).map(read)[0];
  const read = (/** @type {string} */ file) =>
    readFileSync(join(folder, file), 'utf8').replaceAll('\r\n', '\n');
  return find(/^licen[cs]e/i) ?? find(/^readme/i)?.match(/^#+ licen[cs]e\s+([\s\S]*)/im)?.[1];
}
