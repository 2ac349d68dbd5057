import type { RuleOptions, WireMessage } from '../../helpers/wire-proxy.js';

/** One way to lose the connection. */
export interface CutPoint {
  readonly rule: RuleOptions;
  /** Whether the change takes effect all the same: the server got the COMMIT, or nothing had begun and all of it was done anew. */
  readonly takesEffect: boolean;
  /** `17 frontend Q COMMIT cut-after drain`, for a failure's message. */
  readonly label: string;
}

/**
 * Every way to lose the connection before and after each message of a run that went well. Before a message is after the
 * last one, when both go the same way, so that is left out.
 */
export function cutPoints(transcript: readonly WireMessage[]): CutPoint[] {
  const commit = transcript.findLastIndex(({ type, text }) => type === 'Q' && text === 'COMMIT');
  const begin = transcript.map(isBegin);
  const unanswered = transcript.map((_, position) => {
    const since = begin.lastIndexOf(true, position);
    return since !== -1 && !transcript.slice(since, position).some(({ type }) => type === 'Z');
  });
  const seen = { frontend: 0, backend: 0 };
  return transcript.flatMap(({ direction, type, text }, position) => {
    const rule = { direction, index: seen[direction]++ };
    const label = `${position} ${direction} ${type} ${text?.slice(0, 20) ?? ''}`;
    const answered = type === 'Z';
    const after = position >= commit || (unanswered[position] && !answered) || begin[position + 1] === true;
    // With the answer lost, or with the server losing its client before it can answer.
    const fates = position === commit ? (['drain', 'destroy'] as const) : (['drain'] as const);
    const turn = transcript[position - 1]?.direction !== direction;
    return [
      ...(turn
        ? [
            {
              rule: { ...rule, action: 'cut-before' as const },
              takesEffect: position > commit || unanswered[position] === true,
              label: `${label} cut-before`,
            },
          ]
        : []),
      ...fates.map((server) => ({
        rule: { ...rule, action: 'cut-after' as const, server },
        takesEffect: after === true,
        label: `${label} cut-after ${server}`,
      })),
    ];
  });
}

const isBegin = ({ type, text }: WireMessage): boolean => type === 'Q' && text?.startsWith('BEGIN') === true;
