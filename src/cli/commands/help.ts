import { Command, CommanderError } from 'commander';
import { quote } from '../../domain/quote.js';
import type { ApiKeysError } from '../../errors.js';
import { CliError } from '../cli-error.js';
import { type CommandDefinition, defineCommand } from '../definition/command.js';
import { TOPIC_NAMES } from '../help/topic-names.js';

/** It explains `commands`, and itself. */
export const helpOn = (commands: readonly CommandDefinition[]) =>
  defineCommand({
    name: 'help',
    group: 'Tools',
    description: 'explain a command, or what concerns all of them',
    summary: 'on a command or a topic, such as incident',
    arguments: {
      topic: {
        value: '[topic]',
        description: 'what to explain',
        offers: [...commands.map(({ name }) => name), 'help', ...TOPIC_NAMES],
      },
      subcommand: { value: '[subcommand]', description: 'a command of a command' },
    },
    examples: ['apikeys help create', 'apikeys help incident'],
    result: null,
    async print({ topic, subcommand }, program) {
      const name = TOPIC_NAMES.find((one) => one === topic);
      if (name !== undefined && subcommand === undefined) {
        const { topicText } = await import('../help/topics.js');
        return topicText(name, program);
      }
      const words = [topic, subcommand].filter((word) => word !== undefined);
      return words.reduce(child, program).helpInformation();
    },
  });

function child(parent: Command, word: string): Command {
  const found = parent.commands.find((command) => command.name() === word);
  if (found !== undefined) return found;
  const topics = parent.parent === null ? TOPIC_NAMES : [];
  throw unknownTopic(word, [...parent.commands.map((command) => command.name()), ...topics]);
}

function unknownTopic(word: string, names: readonly string[]): ApiKeysError {
  return new CliError('INVALID_USAGE', `there is no help on ${quote(word)}`, {
    hint: guess(word, names) ?? '`apikeys --help` shows what there is.',
  });
}

/** `Did you mean create?`: the parser knows how to guess, of the commands that it has. */
function guess(word: string, names: readonly string[]): string | undefined {
  const parser = new Command()
    .helpCommand(false)
    .exitOverride()
    .configureOutput({ writeErr: () => undefined });
  for (const name of names) parser.command(name);
  try {
    parser.parse(['--', word], { from: 'user' });
  } catch (error) {
    if (error instanceof CommanderError) return /\((Did you mean .*)\)/.exec(error.message)?.[1];
    throw error;
  }
  return undefined;
}
