import type { Command } from 'commander';
import { environmentHelp } from './environment.js';
import { exitCodesHelp } from './exit-codes.js';
import { globalOptions } from './format.js';
import { incidentHelp } from './incident.js';
import type { TopicName } from './topic-names.js';

/** The text of a topic, for this program. */
export function topicText(name: TopicName, program: Command): string {
  return TEXTS[name](program);
}

const TEXTS: Readonly<Record<TopicName, (program: Command) => string>> = {
  options: optionsHelp,
  environment: environmentHelp,
  'exit-codes': exitCodesHelp,
  incident: incidentHelp,
};

function optionsHelp(program: Command): string {
  const helper = program.createHelp();
  helper.prepareContext({});
  return `Every command takes these options, before or after its name.\n\n${globalOptions(program, helper)}\n`;
}
