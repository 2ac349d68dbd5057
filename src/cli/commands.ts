import { audit } from './commands/audit.js';
import { cleanup } from './commands/cleanup.js';
import { completion } from './commands/completion.js';
import { create } from './commands/create.js';
import { doctor } from './commands/doctor.js';
import { freeze } from './commands/freeze.js';
import { grants } from './commands/grants.js';
import { helpOn } from './commands/help.js';
import { limits } from './commands/limits.js';
import { list } from './commands/list.js';
import { migrate } from './commands/migrate.js';
import { policy } from './commands/policy.js';
import { revoke } from './commands/revoke.js';
import { rotate } from './commands/rotate.js';
import { schemaOf } from './commands/schema.js';
import { scopes } from './commands/scopes.js';
import { show } from './commands/show.js';
import { unfreeze } from './commands/unfreeze.js';
import { update } from './commands/update.js';
import { usage } from './commands/usage.js';
import { verify } from './commands/verify.js';
import { type CommandDefinition, GROUPS } from './definition/command.js';

const WITH_A_RESULT: readonly CommandDefinition[] = [
  create,
  list,
  show,
  update,
  rotate,
  scopes,
  limits,
  revoke,
  freeze,
  unfreeze,
  verify,
  usage,
  audit,
  policy,
  cleanup,
  migrate,
  doctor,
  grants,
];

const EXPLAINED = [...WITH_A_RESULT, schemaOf(WITH_A_RESULT), completion];

/** Every command, in the order of the help: by group, and within one as they stand here. */
export const COMMANDS: readonly CommandDefinition[] = GROUPS.flatMap((group) =>
  [...EXPLAINED, helpOn(EXPLAINED)].filter((command) => command.group === group),
);
