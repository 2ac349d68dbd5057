/** Keys that end this soon deserve a look. */
export const EXPIRING_DAYS = 14;

/** Cleanup that runs at least weekly never leaves the dead for longer than this beyond their retention. */
export const OVERDUE_DAYS = 7;
