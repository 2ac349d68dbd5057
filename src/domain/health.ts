/** What an examination says of one thing. */
export const FINDING_STATUSES = ['ok', 'warn', 'fail'] as const;

/** Where the keys live: in a server, or in the PostgreSQL that is built in. */
export const DATABASE_KINDS = ['server', 'embedded'] as const;

/** Keys that end this soon deserve a look. */
export const EXPIRING_DAYS = 14;

/** Cleanup that runs at least weekly never leaves the dead for longer than this beyond their retention. */
export const OVERDUE_DAYS = 7;
