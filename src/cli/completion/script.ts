import type { Command } from 'commander';
import { bashScript } from './bash.js';
import { fishScript } from './fish.js';
import type { Shell } from './shells.js';
import { type CommandNode, commandTree } from './tree.js';
import { zshScript } from './zsh.js';

const WRITERS: Readonly<Record<Shell, (root: CommandNode) => string>> = {
  bash: bashScript,
  zsh: zshScript,
  fish: fishScript,
};

/**
 * The completion script of a shell. It holds every word that it offers: a TAB runs neither the program nor
 * anything that was typed.
 */
export function completionScript(shell: Shell, program: Command): string {
  return WRITERS[shell](commandTree(program));
}
