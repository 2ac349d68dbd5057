import { type ArgumentNode, type CommandNode, type OptionNode, type Value, withDescendants } from './tree.js';

/** The completion script for zsh, 5.1 and later: for a folder of `$fpath`, or to be sourced. */
export function zshScript(root: CommandNode): string {
  return `#compdef apikeys
# zsh completion for apikeys, made by \`apikeys completion zsh\`.
# What was typed is only ever compared: nothing of it is run.

# zsh itself runs $(…) and the like in the folder of a file name.
_apikeys_files() {
  [[ $PREFIX$SUFFIX == *(\\\`|\\$[^[:alnum:]_])* ]] || _files
}

# The options of every command.
typeset -ga _apikeys_globals=(
${indented(root.options.flatMap(optionSpecs), 2)}
)

${withDescendants(root).toReversed().map(commandFunction).join('\n\n')}

if [[ $funcstack[1] == _apikeys ]]; then
  _apikeys "$@"
else
  compdef _apikeys apikeys
fi
`;
}

function commandFunction(command: CommandNode): string {
  const own = command.path.length === 0 ? [] : command.options.flatMap(optionSpecs);
  const specs = ['$_apikeys_globals', ...own];
  return command.commands.length === 0 ? leaf(command, specs) : parent(command, specs);
}

function leaf(command: CommandNode, specs: readonly string[]): string {
  return `${functionName(command)}() {
  _arguments -s -S \\
${continued([...specs, ...command.arguments.map(argumentSpec)], 4)}
}`;
}

/** The words after the name of a command are its own to complete. */
function parent(command: CommandNode, specs: readonly string[]): string {
  const names = command.commands.map(({ path, description }) => quoted(`${path.at(-1)}:${description}`));
  const cases = command.commands.map(
    (child) => `        (${child.path.at(-1)}) ${functionName(child)} && ret=0 ;;`,
  );
  const [first] = command.arguments;
  const also =
    first === undefined || first.value.kind === 'anything' ? [] : [`      ${action(first)} && ret=0`];
  // An argument stands where a command could.
  const more = [...specs, ...command.arguments.slice(1).map(argumentSpec)];
  const otherwise =
    first === undefined
      ? ''
      : `
        (*)
          _arguments -s -S \\
${continued(more, 12)} && ret=0
          ;;`;
  return `${functionName(command)}() {
  local curcontext=$curcontext state line ret=1
  local -a all=("\${words[@]}")
  local -A opt_args
  local -a commands
  commands=(
${indented(names, 4)}
  )
  _arguments -C -s -S \\
${continued([...specs, "': :->first'", "'*::: :->rest'"], 4)} && ret=0
  case $state in
    (first)
      _describe -t commands command commands && ret=0${also.map((one) => `\n${one}`).join('')}
      ;;
    (rest)
      # What ends the options is left out of the rest.
      local -a ended=(\${(M)all[1,$#all-$#words]:#--})
      words=("$line[1]" $ended "\${words[@]}")
      ((CURRENT += 1 + $#ended))
      curcontext=\${curcontext%:*:*}:apikeys-$line[1]:
      case $line[1] in
${cases.join('\n')}${otherwise}
      esac
      ;;
  esac
  return ret
}`;
}

const functionName = ({ path }: CommandNode): string => ['_apikeys', ...path].join('_').replaceAll('-', '_');

/** `-o` takes its value glued on or as the next word, `--output` after `=` or as the next word. */
function optionSpecs({ names, description, value, placeholder, repeatable }: OptionNode): string[] {
  const others = names.length > 1 ? `(${names.join(' ')})` : '';
  const before = repeatable ? '*' : others;
  const text = `[${escaped(description)}]`;
  const after = value === undefined ? '' : `:${escaped(placeholder)}:${choice(value)}`;
  return names.map((name) => {
    const glue = name.startsWith('--') ? '=' : '+';
    return quoted(`${before}${name}${value === undefined ? '' : glue}${text}${after}`);
  });
}

function argumentSpec({ name, value, variadic }: ArgumentNode): string {
  return quoted(`${variadic ? '*' : ''}:${escaped(name)}:${choice(value)}`);
}

/** A blank offers nothing. */
function choice(value: Value): string {
  if (value.kind === 'words') return `(${value.words.join(' ')})`;
  return value.kind === 'file' ? '_apikeys_files' : ' ';
}

function action({ name, value }: ArgumentNode): string {
  return value.kind === 'words' ? `_values ${quoted(name)} ${value.words.join(' ')}` : '_apikeys_files';
}

function escaped(text: string): string {
  return text.replaceAll(/[\\[\]:]/g, '\\$&');
}

function quoted(text: string): string {
  return `'${text.replaceAll("'", "'\\''")}'`;
}

function indented(lines: readonly string[], spaces: number): string {
  return lines.map((line) => `${' '.repeat(spaces)}${line}`).join('\n');
}

function continued(lines: readonly string[], spaces: number): string {
  return lines.map((line) => `${' '.repeat(spaces)}${line}`).join(' \\\n');
}
