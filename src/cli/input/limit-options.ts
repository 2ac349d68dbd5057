/** What a key, or an owner as a whole, may use, as options give it. */
export const LIMIT_OPTIONS = {
  rate: { value: '<n/window>', description: 'requests in a window of 1s to 1d: 100/1m' },
  quota: { value: '<n/period>', description: 'requests a day, week, month or in total: 5000/day' },
  budget: { value: '<n/period>', description: 'cents, likewise: 2000/month' },
  allowIp: {
    value: '<cidr>',
    description: 'from these addresses alone, such as 10.0.0.0/8; repeatable',
    repeatable: true,
  },
} as const;
