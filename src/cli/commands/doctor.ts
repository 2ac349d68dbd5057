import { counted } from '../../domain/counted.js';
import type { DoctorJson } from '../../representation/schemas/doctor.js';
import type { Context } from '../context.js';
import { defineCommand } from '../definition/command.js';
import { type DoctorCheck, examine } from '../doctor.js';
import { EXIT, exitCodeOf } from '../exit-codes.js';
import type { Column, Formatter, StyledText } from '../output/result.js';

export const doctor = defineCommand({
  name: 'doctor',
  group: 'Operations',
  description: 'look whether everything is as it should be',
  notes: `Connection, TLS, schema, clock, privileges, keys that expire soon, cleanup, and
the configuration in force with the source of each value. Exits 0, or with the
code of the first real problem; what could not be looked at is told as skip.`,
  examples: ['apikeys doctor', `apikeys doctor --json | jq '.checks[] | select(.status != "ok")'`],
  result: 'doctor',
  run: report,
});

async function report(context: Context): Promise<number> {
  const { document, failure } = await examine(context);
  await context.renderer.result({
    document,
    rows: document.checks,
    columns: COLUMNS,
    quiet: document.checks
      .filter(({ status }) => status === 'warn' || status === 'fail')
      .map(({ name }) => name),
    human: (ui) => human(document, ui),
  });
  return failure === null ? EXIT.done : exitCodeOf(failure);
}

const COLUMNS: readonly Column<DoctorCheck>[] = [
  { name: 'status', header: 'status', value: ({ status }) => status },
  { name: 'name', header: 'check', value: ({ name }) => name },
  { name: 'message', header: 'message', value: ({ message }) => message },
  { name: 'hint', header: 'hint', value: ({ hint }) => hint },
];

const CONFIG_COLUMNS: readonly Column<DoctorJson['config'][number]>[] = [
  { name: 'name', header: 'setting', value: ({ name }) => name, flexible: true, minWidth: 16 },
  { name: 'value', header: 'value', value: ({ value }) => value, flexible: true },
  { name: 'source', header: 'from', value: ({ source }) => source, flexible: true },
];

function human({ checks, config, database, files }: DoctorJson, ui: Formatter): string {
  const record = ui.record({
    fields: checks.map(({ name, status, message, hint }) => ({
      label: { text: `${status.padEnd(4)}  ${name}`, style: STYLES[status](ui) },
      value: hint === null ? message : `${message}. ${hint}`,
    })),
    sections: [
      {
        title: 'Configuration in force',
        body: ui.table(CONFIG_COLUMNS, [
          { name: 'database', value: database.place, source: database.source },
          ...files.map(({ path, found }) => ({
            name: 'configuration file',
            value: path,
            source: found ? 'read' : 'not there',
          })),
          ...config,
        ]),
      },
    ],
  });
  return `${record.trimEnd()}\n\n${summary(checks)}`;
}

/** What the checks come to, in one line. */
function summary(checks: readonly DoctorCheck[]): string {
  const countOf = (status: DoctorCheck['status']): number =>
    checks.filter((check) => check.status === status).length;
  const parts = [
    counted(countOf('fail'), 'problem'),
    counted(countOf('warn'), 'warning'),
    `${countOf('skip')} not looked at`,
  ].filter((part) => !part.startsWith('0 '));
  return parts.length === 0
    ? `All ${checks.length} checks are ok.`
    : `${parts.join(', ')}, ${countOf('ok')} ok.`;
}

const STYLES: Readonly<Record<DoctorCheck['status'], (ui: Formatter) => StyledText['style']>> = {
  ok: ({ chalk }) => chalk.green,
  warn: ({ chalk }) => chalk.yellow,
  fail: ({ chalk }) => chalk.red,
  skip: ({ chalk }) => chalk.dim,
};
