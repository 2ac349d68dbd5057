export { AUDIT_ACTIONS, type AuditAction, type AuditEvent } from './domain/audit.js';
export { KEY_STATUSES, type Key, type KeyStatus } from './domain/key.js';
export { checkScope } from './domain/scopes.js';
export { ApiKeysError, ERROR_CODES, type ErrorCode } from './errors.js';
