// What the layers below give and public types are made of: an application has to be able to name it.
export type { MigrationStatus, SchemaStatus } from '../db/schema/migrate.js';
export type { EventFilter, EventPosition, ListedEvent } from '../repository/audit.js';
export type { ChainRef } from '../repository/audit-anchors.js';
export type { ChainEnd } from '../repository/audit-chains.js';
export type { ForeignBinding } from '../repository/foreign-bindings.js';
export type { OwnerFreeze, OwnerRef } from '../repository/owners.js';
export type { OlderSecret, SecretRecord } from '../repository/secrets.js';
export type { ServerFacts } from '../repository/server-facts.js';
export type { UsageTotal } from '../repository/usage.js';
export type { KeyUsage } from '../repository/usage-report.js';
