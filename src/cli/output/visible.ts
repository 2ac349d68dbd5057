/**
 * Control, format (bidi and zero-width among them), surrogate, private and unassigned characters (`\p{C}`), line and
 * paragraph separators, what is drawn as nothing, and the letters that attach themselves to whatever
 * follows them (Unicode's Prepend), the column gap included.
 */
const UNSAFE =
  '[\\p{C}\\p{Zl}\\p{Zp}\\p{Default_Ignorable_Code_Point}' +
  '\\u{d4e}\\u{111c2}\\u{111c3}\\u{113d1}\\u{1193f}\\u{11941}\\u{11a3a}\\u{11a84}-\\u{11a89}\\u{11d46}\\u{11f02}]';

/**
 * A mark with nothing to sit on would sit on the column gap, a pile of them reaches into other lines, and a skin
 * tone joins whatever is before it.
 */
const STRAY = '^\\p{M}|(?<=\\p{M}{4})\\p{M}|\\p{Emoji_Modifier}';

const PRINTABLE_ASCII = /^[\x20-\x7e]*$/;
const SUSPECT = new RegExp(`${UNSAFE}|${STRAY}`, 'u');

/**
 * Text as a terminal may show it: whatever would move the cursor, colour, reorder, hide or join text is
 * written out (`\x1b`, `\n`, `\u{202e}`). Emoji sequences that Unicode recommends keep their joiners.
 * The result is for eyes: a backslash is not doubled, so it cannot be read back.
 *
 * @example
 * ```ts
 * visible('ci\u001b[2J'); // 'ci\\x1b[2J'
 * ```
 */
export function visible(text: string): string {
  if (PRINTABLE_ASCII.test(text) || !SUSPECT.test(text)) return text;
  if (!PICTOGRAPHIC.test(text)) return text.replace(TOKENS, escapeCharacter);
  return text.replace(
    tokensAndEmoji(),
    (token, emoji: string | undefined) => emoji ?? escapeCharacter(token),
  );
}

const PICTOGRAPHIC = /\p{Extended_Pictographic}|\p{Regional_Indicator}|\u20e3/u;
const TOKENS = new RegExp(SUSPECT.source, 'gu');
let compiled: RegExp | undefined;

/** Compiling the list of all emoji takes tens of milliseconds, so only a text that needs it pays. */
function tokensAndEmoji(): RegExp {
  compiled ??= new RegExp(`${STRAY}|(\\p{RGI_Emoji})|${UNSAFE}`, 'gv');
  return compiled;
}

/** The narrower set that machine text escapes: nothing that acts on a terminal or ends a line, nothing else changed. */
const ACTIVE = /[\p{Cc}\p{Cs}\p{Zl}\p{Zp}\p{Bidi_Control}]/u;
const ALL_ACTIVE = new RegExp(ACTIVE.source, 'gu');

/** Control and bidi characters, line separators and lone surrogates made visible; everything else as it is. */
export function withoutControls(text: string): string {
  return ACTIVE.test(text) ? text.replace(ALL_ACTIVE, escapeCharacter) : text;
}

/** Colour and weight, as chalk writes them, or the end of a line: all that our own text may contain beside characters. */
const OWN_CONTROLS = /(\u001b\[\d+(?:;\d+)*m|\n)/;
const PLAIN_CONTROLS = /(\n)/;

/**
 * A composed, possibly coloured text on its way to a terminal. What went into it has passed `visible`
 * already; this holds even if something was forgotten.
 */
export function guardTerminal(text: string, coloured: boolean): string {
  return text
    .split(coloured ? OWN_CONTROLS : PLAIN_CONTROLS)
    .map((part, index) => (index % 2 === 1 ? part : withoutControls(part)))
    .join('');
}

const NAMED: ReadonlyMap<string, string> = new Map([
  ['\t', '\\t'],
  ['\n', '\\n'],
  ['\r', '\\r'],
]);

function escapeCharacter(character: string): string {
  const code = character.codePointAt(0) ?? 0;
  return (
    NAMED.get(character) ??
    (code < 0x100 ? `\\x${code.toString(16).padStart(2, '0')}` : `\\u{${code.toString(16)}}`)
  );
}
