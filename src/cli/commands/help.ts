import { Argument, Command, CommanderError, type CommandUnknownOpts } from '@commander-js/extra-typings';
import { quote } from '../../domain/quote.js';
import type { ApiKeysError } from '../../errors.js';
import { CliError } from '../cli-error.js';
import { TOPIC_NAMES, type TopicName } from '../help/topic-names.js';

/** It explains every command that `program` has by now. */
export const helpCommand = (program: CommandUnknownOpts) =>
  new Command('help')
    .description('explain a command, or what concerns all of them')
    .summary('on a command, options, environment or exit-codes')
    .addArgument(
      new Argument('[topic]', 'what to explain')
        .choices([...program.commands.map((command) => command.name()), 'help', ...TOPIC_NAMES])
        // Without the parser's own check, which would answer a slip with the whole list.
        .argParser((text) => text),
    )
    .argument('[subcommand]', 'a command of a command')
    .addHelpText(
      'after',
      `
Examples:
  $ apikeys help create
  $ apikeys help exit-codes`,
    )
    .action(async (topic, subcommand) => {
      const name = TOPIC_NAMES.find((one) => one === topic);
      if (name !== undefined && subcommand === undefined) return printTopic(name, program);
      const words = [topic, subcommand].filter((word) => word !== undefined);
      words.reduce(child, program).outputHelp();
    });

async function printTopic(name: TopicName, program: CommandUnknownOpts): Promise<void> {
  const { topicText } = await import('../help/topics.js');
  program.configureOutput().writeOut?.(topicText(name, program));
}

function child(parent: CommandUnknownOpts, word: string): CommandUnknownOpts {
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
