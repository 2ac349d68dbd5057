import type { ErrorDetails, TimeForm } from '../error-details.js';

const FORMS: Readonly<Record<TimeForm, string>> = {
  duration: 'a duration (30m, 24h, 7d, 2w, 1y)',
  day: 'a UTC day (2030-01-31)',
  time: 'an RFC 3339 time (2030-01-31T12:00:00Z, or +02:00 for Z)',
  never: 'never',
};

/** What to write where a time was not understood: all forms that are taken there. */
export function writeTime({ forms = ['duration'] }: ErrorDetails): string {
  const words = forms.map((form) => FORMS[form]);
  const last = words.pop() ?? '';
  return `Write ${words.length === 0 ? last : `${words.join(', ')} or ${last}`}.`;
}
