import type { Command } from 'commander';

/** The program that a command is part of. */
export function rootOf(command: Command): Command {
  return command.parent === null ? command : rootOf(command.parent);
}

/** What one types to run it: `apikeys`, `create`. */
export function pathOf(command: Command): string[] {
  return [...(command.parent === null ? [] : pathOf(command.parent)), command.name()];
}
