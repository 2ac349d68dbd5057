import type { CommandUnknownOpts } from '@commander-js/extra-typings';

/** The program that a command is part of. */
export function rootOf(command: CommandUnknownOpts): CommandUnknownOpts {
  return command.parent === null ? command : rootOf(command.parent);
}

/** What one types to run it: `apikeys`, `create`. */
export function pathOf(command: CommandUnknownOpts): string[] {
  return [...(command.parent === null ? [] : pathOf(command.parent)), command.name()];
}
