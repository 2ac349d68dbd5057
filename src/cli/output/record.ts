import {
  type Formatter,
  type RecordField,
  type RecordSection,
  type RecordView,
  styledText,
} from './result.js';
import { visible } from './visible.js';
import { displayWidth, padEnd, wrap } from './width.js';

const GAP = 2;

/** Below this, a value goes on the line under its label. */
const LEAST_VALUE_WIDTH = 24;

/** Labels and values in two aligned columns, then sections under their titles; long values wrap at `ui.width`. */
export function renderRecord(view: RecordView, ui: Formatter): string {
  const sections = view.sections ?? [];
  const labels = [view, ...sections].flatMap(({ fields }) => fields ?? []);
  const labelWidth = Math.max(0, ...labels.map(({ label }) => displayWidth(visible(styledText(label).text))));
  const parts = [
    fieldLines(view.fields, labelWidth, ui),
    ...sections.map((one) => sectionLines(one, labelWidth, ui)),
  ];
  return parts
    .filter((lines) => lines.length > 0)
    .map((lines) => lines.map((line) => `${line}\n`).join(''))
    .join('\n');
}

function sectionLines(section: RecordSection, labelWidth: number, ui: Formatter): string[] {
  const body = (section.body ?? '').split('\n').filter((line) => line !== '');
  const content = [...fieldLines(section.fields ?? [], labelWidth, ui), ...body];
  const nothing = section.empty === undefined ? [] : [ui.chalk.dim(section.empty)];
  return [ui.chalk.bold(section.title), ...(content.length > 0 ? content : nothing)];
}

function fieldLines(fields: readonly RecordField[], labelWidth: number, ui: Formatter): string[] {
  return fields.flatMap(({ label, value }) => {
    const { text, style } = value === null ? ui.dim('-') : styledText(value);
    const name = styledText(label);
    const title = visible(name.text);
    const indent = labelWidth + GAP;
    const room = ui.width - indent;
    if (room < LEAST_VALUE_WIDTH) {
      const lines = wrap(visible(text), Math.max(1, ui.width - GAP));
      return [name.style(title), ...lines.map((line) => ' '.repeat(GAP) + style(line))];
    }
    return wrap(visible(text), room).map((line, index) =>
      index === 0
        ? name.style(title) + padEnd('', indent - displayWidth(title)) + style(line)
        : ' '.repeat(indent) + style(line),
    );
  });
}
