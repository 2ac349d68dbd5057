import { setFlagsFromString } from 'node:v8';
import { type ChainFault, chainKind } from '../../domain/audit.js';
import { counted } from '../../domain/counted.js';
import { auditVerdictJson } from '../../representation/audit.js';
import type { AuditVerdict, BrokenPlace } from '../../service/audit/verify.js';
import { defineCommand } from '../definition/command.js';
import { EXIT } from '../exit-codes.js';
import { linesOf } from '../input/file-lines.js';
import { ownerWords } from '../output/event-words.js';
import type { Column, Formatter } from '../output/result.js';

export const auditVerify = defineCommand({
  name: 'verify',
  description: 'check that the trail is whole, and that keys are what it says',
  summary: 'check the trail, and the keys against it',
  options: {
    chainOnly: { description: 'leave the state of keys, secrets and owners alone' },
    head: { value: '<file>', description: 'also against heads that `apikeys audit head` gave' },
    maxRuntime: {
      value: '<duration>',
      description: 'stop after this time, such as 10m',
    },
    resume: { value: '<cursor>', description: 'go on where a run was stopped, as it said' },
  },
  notes: `Exit 0 if every chain holds, 5 if not. Checked as of one moment: the hash of
each event, its place, what it follows, and the heads on keys and owners; and
that keys, secrets and freezes are what their events say.
The hashes have no key. Whoever may rewrite all of these, add events, or remove
a key with its whole chain, is only found out by heads that were kept
elsewhere: give them with --head.
A run that is stopped says where to --resume; what it found counts there too.`,
  examples: [
    'apikeys audit verify --head heads-2026-11-21.ndjson',
    'apikeys audit verify --json | jq .broken',
  ],
  result: 'audit-verify',
  async run({ config, renderer, use, signal }, { head, resume, ...options }) {
    // Pages that are read once leave nothing behind: a young generation that grows with them would only hold more of it.
    setFlagsFromString('--semi-space-growth-factor=1');
    const { timeout } = await config();
    const heads = head === undefined ? undefined : linesOf(head, { signal, silence: timeout });
    const verdict = await use((service) => service.verifyAudit({ ...options, heads, cursor: resume }), {
      patient: true,
    });
    const { nextCursor } = verdict;
    await renderer.result({
      document: auditVerdictJson(verdict),
      rows: verdict.broken,
      columns: MACHINE_COLUMNS,
      quiet: [],
      human: (ui) => human(verdict, ui),
    });
    if (nextCursor !== null) {
      await renderer.note(
        `Time was up. The next run goes on with the same options and --resume ${nextCursor}`,
      );
    }
    return verdict.valid ? EXIT.done : EXIT.no;
  },
});

const COLUMNS: readonly Column<BrokenPlace>[] = [
  { name: 'chain', header: 'chain', value: chainKind, priority: 6 },
  { name: 'tenant_id', header: 'tenant', value: ({ tenantId }) => tenantId, priority: 2, flexible: true },
  {
    name: 'owner_id',
    header: 'owner',
    value: ({ ownerId }) => ownerId,
    cell: (place) => (place.keyId === null && place.ownerId === '' ? ownerWords(place) : place.ownerId),
    priority: 4,
    flexible: true,
  },
  { name: 'key_id', header: 'key', value: ({ keyId }) => keyId, priority: 5, flexible: true, minWidth: 13 },
  { name: 'seq', header: 'event', value: ({ seq }) => seq, align: 'right', priority: 6 },
  {
    name: 'fault',
    header: 'fault',
    value: ({ fault }) => fault,
    cell: ({ fault, field }) => (field === null ? FAULTS[fault] : `${FAULTS[fault]}: ${field}`),
    priority: 6,
  },
];

/** A person reads the field beside the fault. */
const MACHINE_COLUMNS: readonly Column<BrokenPlace>[] = [
  ...COLUMNS,
  { name: 'field', header: 'field', value: ({ field }) => field },
];

const FAULTS: Readonly<Record<ChainFault, string>> = {
  hash: 'altered',
  seq: 'events before it are missing',
  prev_hash: 'does not follow the one before',
  head: 'is not the stored or saved head',
  truncated: 'missing, and all after it',
  missing: 'missing: nothing is left',
  segment: 'written although the trail was broken before it',
  state: 'the row is not what the events say',
};

function human(verdict: AuditVerdict, ui: Formatter): string {
  const { valid, chains, events, broken, nextCursor } = verdict;
  const read = `${counted(chains, 'chain', ui.number(chains))}, ${counted(events, 'event', ui.number(events))}`;
  const holds = nextCursor === null ? 'Every chain holds:' : 'Every chain so far holds:';
  const words = `${valid ? ui.chalk.green(holds) : ui.chalk.red(brokenWords(verdict, ui))} ${read}.`;
  return broken.length === 0 ? words : `${ui.table(COLUMNS, broken)}\n${words}`;
}

function brokenWords({ broken, brokenCount }: AuditVerdict, ui: Formatter): string {
  const places = brokenCount === 1 ? 'one place' : `${ui.number(brokenCount)} places`;
  const shown = broken.length === brokenCount ? '' : `, ${ui.number(broken.length)} of which are shown`;
  return `The trail is broken in ${places}${shown}:`;
}
