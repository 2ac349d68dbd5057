import { COUNTED_LIMITS, formatWindow } from '../../domain/limits.js';
import type { LimitsState, LimitUse } from '../../domain/standing.js';
import type { Formatter, RecordField } from './result.js';

/** A line for each limit: how much of it is used, of how much, and when it begins anew. */
export function limitFields({ limits: { allowedIps }, uses }: LimitsState, ui: Formatter): RecordField[] {
  return [
    ...useFields(uses, ui),
    ...(allowedIps.length === 0 ? [] : [{ label: 'Allowed from', value: allowedIps.join(', ') }]),
  ];
}

/** The limits that count alone. `of` says whose each is. */
export function useFields(
  uses: readonly LimitUse[],
  ui: Formatter,
  of: (use: LimitUse) => string = () => '',
): RecordField[] {
  return COUNTED_LIMITS.flatMap((limit) =>
    uses
      .filter((use) => use.limit === limit)
      .map((use) => ({ label: `${LABELS[limit]}${of(use)}`, value: useText(use, ui) })),
  );
}

const LABELS = { rate: 'Rate', quota: 'Quota', budget: 'Budget' } as const;

function useText({ limit, used, allowed, windowMs, period, resetsAt }: LimitUse, ui: Formatter): string {
  const what = limit === 'budget' ? 'cents' : 'requests';
  const per = windowMs === null ? PERIODS[period ?? 'total'] : `in ${formatWindow(windowMs)}`;
  const again = resetsAt === null ? '' : `, anew ${ui.relative(resetsAt)}`;
  return `${ui.number(used)} of ${ui.number(allowed)} ${what} ${per} used${again}`;
}

const PERIODS = { day: 'a day', week: 'a week', month: 'a month', total: 'in all' } as const;
