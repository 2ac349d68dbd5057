import { Argument, Command } from '@commander-js/extra-typings';
import { rootOf } from '../command-tree.js';
import { SHELLS } from '../completion/shells.js';

/** The script is the whole output, whichever format is asked for: a shell reads it. */
export const completionCommand = () =>
  new Command('completion')
    .description('print the completion script of a shell')
    .addArgument(new Argument('<shell>', 'the shell that reads it').choices(SHELLS))
    .addHelpText(
      'after',
      `
bash: needs the package bash-completion, or a line in ~/.bashrc that sources the
file. zsh: a folder of $fpath that is named before compinit runs. The next shell
that you open completes.

Examples:
  $ apikeys completion bash > ~/.local/share/bash-completion/completions/apikeys
  $ apikeys completion zsh > ~/.zfunc/_apikeys
  $ apikeys completion fish > ~/.config/fish/completions/apikeys.fish`,
    )
    .action(async (shell, _options, command) => {
      const { completionScript } = await import('../completion/script.js');
      command.configureOutput().writeOut?.(completionScript(shell, rootOf(command)));
    });
