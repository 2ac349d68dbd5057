import { SHELLS } from '../completion/shells.js';
import { defineCommand } from '../definition/command.js';

/** The script is the whole output, whichever format is asked for: a shell reads it. */
export const completion = defineCommand({
  name: 'completion',
  group: 'Tools',
  description: 'print the completion script of a shell',
  arguments: { shell: { value: '<shell>', description: 'the shell that reads it', choices: SHELLS } },
  notes: `bash: needs the package bash-completion, or a line in ~/.bashrc that sources the
file. zsh: a folder of $fpath that is named before compinit runs. The next shell
that you open completes.`,
  examples: [
    'apikeys completion bash > ~/.local/share/bash-completion/completions/apikeys',
    'apikeys completion zsh > ~/.zfunc/_apikeys',
    'apikeys completion fish > ~/.config/fish/completions/apikeys.fish',
  ],
  result: null,
  async print({ shell }, program) {
    const { completionScript } = await import('../completion/script.js');
    return completionScript(shell, program);
  },
});
