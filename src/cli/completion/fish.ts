import { type CommandNode, type OptionNode, type Value, withDescendants } from './tree.js';

/** The completion script for fish, 3.0 and later. */
export function fishScript(root: CommandNode): string {
  const commands = withDescendants(root);
  const valued = commands.flatMap(valuedOptions);
  const parents = commands.filter((command) => command.commands.length > 0);
  return `# fish completion for apikeys, made by \`apikeys completion fish\`.
# What was typed is only ever compared: nothing of it is run.

# Whether the option $argv[2] of the command $argv[1] takes a value.
function __apikeys_takes
    switch "$argv[1] $argv[2]"
        case ${valued.join(' ')}
            return 0
    end
    return 1
end

# Whether $argv[1] has a command of the name $argv[2].
function __apikeys_has
    switch "$argv[1]/$argv[2]"
        case ${parents.flatMap((parent) => parent.commands.map(({ path }) => quoted(`${parent.path.join(' ')}/${path.at(-1)}`))).join(' ')}
            return 0
    end
    return 1
end

# Prints the command that the line has come to, and the number of arguments that it has by then.
function __apikeys_place
    set -l tokens (commandline -opc)
    set -l command ''
    set -l count 0
    set -l skip no
    set -l ended no
    for token in $tokens[2..-1]
        if test $skip = yes
            set skip no
        else if test $ended = no -a "x$token" = x--
            set ended yes
        else if test $ended = no; and string match -q -- '--*' $token
            __apikeys_takes "$command" $token; and set skip yes
        else if test $ended = no; and string match -q -- '-?*' $token
            set -l letters (string split '' -- $token)[2..-1]
            for index in (seq (count $letters))
                if __apikeys_takes "$command" -$letters[$index]
                    test $index -eq (count $letters); and set skip yes
                    break
                end
            end
        else if test $count -eq 0; and __apikeys_has "$command" $token
            set command (string trim -- "$command $token")
        else
            set count (math $count + 1)
        end
    end
    echo $command
    echo $count
end

# Whether the line has come to the command $argv[1], and, if given, to its argument number $argv[2].
function __apikeys_at
    set -l place (__apikeys_place)
    test "$place[1]" = "$argv[1]"; or return 1
    test (count $argv) -lt 2 -o "$argv[2]" = "$place[2]"
end

complete -c apikeys -f
${commands.flatMap(lines).join('\n')}
`;
}

function valuedOptions(command: CommandNode): string[] {
  const path = command.path.length === 0 ? '*' : command.path.join(' ');
  return command.options
    .filter(({ value }) => value !== undefined)
    .flatMap(({ names }) => names.map((name) => quoted(`${path} ${name}`)));
}

function lines(command: CommandNode): string[] {
  const path = command.path.join(' ');
  const at = (place: string) => `complete -c apikeys -n ${quoted(`__apikeys_at "${path}"${place}`)}`;
  return [
    '',
    ...command.commands.map(
      (child) => `${at(' 0')} -a ${quoted(child.path.at(-1) ?? '')} -d ${quoted(child.description)}`,
    ),
    ...command.arguments.flatMap(({ value, variadic }, index) =>
      value.kind === 'anything' ? [] : [`${at(variadic ? '' : ` ${index}`)} ${offered(value)}`],
    ),
    ...command.options.map((option) => {
      // Those of the program hold for every command.
      const start = command.path.length === 0 ? 'complete -c apikeys' : at('');
      return `${start} ${flags(option)} -d ${quoted(option.description)}`;
    }),
  ];
}

function flags({ names, value }: OptionNode): string {
  const parts = names.map((name) => (name.startsWith('--') ? `-l ${name.slice(2)}` : `-s ${name.slice(1)}`));
  if (value === undefined) return parts.join(' ');
  return [
    ...parts,
    value.kind === 'file' ? '-r' : '-x',
    ...(value.kind === 'anything' ? [] : [offered(value)]),
  ].join(' ');
}

function offered(value: Value): string {
  return value.kind === 'words' ? `-a ${quoted(value.words.join(' '))}` : '-F';
}

function quoted(text: string): string {
  return `'${text.replaceAll(/[\\']/g, '\\$&')}'`;
}
