import { type CommandNode, type Value, withDescendants } from './tree.js';

/** The completion script for bash: it needs no other package, and keeps to what bash 3.2 knows. */
export function bashScript(root: CommandNode): string {
  const commands = withDescendants(root);
  return `# bash completion for apikeys, made by \`apikeys completion bash\`.
# What was typed is only ever compared: nothing of it is run.

# Sets commands and options to what the command that the line has come to, $command, offers.
_apikeys_offers() {
  options='${optionNames(root)}'
  case $command in
${commands.map(offers).join('\n')}
  esac
}

# Sets takes to what follows the option $1: nothing, <any>, <file>, or the words it may be.
_apikeys_option() {
  takes=
  case "$command $1" in
${commands.flatMap(optionCases).join('\n')}
  esac
}

# Sets takes to what the argument number $1 of the command may be.
_apikeys_argument() {
  takes='<any>'
  case "$command $1" in
${commands.flatMap(argumentCases).join('\n')}
  esac
}

# Sets words to the line up to the cursor, putting together again what bash takes apart at = and :.
_apikeys_words() {
  local line=\${COMP_LINE:0:COMP_POINT} rest word i
  words=()
  for ((i = 0; i <= COMP_CWORD; i++)); do
    rest=\${line#"\${line%%[![:space:]]*}"}
    word=\${COMP_WORDS[i]}
    if ((i == COMP_CWORD)); then word=$rest; fi
    if ((i == 0)) || [[ $rest != "$line" ]]; then
      words+=("$word")
    else
      words[\${#words[@]} - 1]+=$word
    fi
    line=\${rest#"$word"}
  done
}

# Reads a group of short options, such as -qo: the last one may take the next word.
_apikeys_group() {
  local letters=\${1#-}
  while [[ -n $letters ]]; do
    _apikeys_option "-\${letters:0:1}"
    letters=\${letters:1}
    if [[ -n $takes ]]; then
      if [[ -n $letters ]]; then takes=; fi
      return
    fi
  done
}

# Reads the words before the cursor.
_apikeys_read() {
  local word
  for word in "$@"; do
    if [[ -n $takes ]]; then
      takes=
    elif [[ -z $ended && $word == -- ]]; then
      ended=1
    elif [[ -z $ended && $word == --*=* ]]; then
      continue
    elif [[ -z $ended && $word == --* ]]; then
      _apikeys_option "$word"
    elif [[ -z $ended && $word == -?* ]]; then
      _apikeys_group "$word"
    elif ((count == 0)) && [[ " $commands " == *" $word "* ]]; then
      command=\${command:+$command }$word
      _apikeys_offers
    else
      count=$((count + 1))
    fi
  done
}

# Offers what $1 says, for a word that begins with $2; $3 stands before it in the same word.
_apikeys_offer() {
  local begun=\${2#[\\"\\']} before=
  if [[ $COMP_WORDBREAKS != *=* ]]; then before=$3; fi
  case $1 in
    '<any>') ;;
    '<file>')
      if [[ -z $before ]] && compopt -o default 2>/dev/null; then return; fi
      while IFS= read -r line; do COMPREPLY+=("$before$line"); done < <(compgen -f -- "$begun")
      ;;
    *) COMPREPLY=($(compgen -P "$before" -W "$1" -- "$begun")) ;;
  esac
}

_apikeys() {
  local IFS=$' \\t\\n' line words=() command= commands= options= takes= ended= count=0 last
  _apikeys_words
  _apikeys_offers
  last=$((\${#words[@]} - 1))
  _apikeys_read "\${words[@]:1:last-1}"
  COMPREPLY=()
  local word=\${words[last]}
  if [[ -n $takes ]]; then
    _apikeys_offer "$takes" "$word" ''
  elif [[ -z $ended && $word == --*=* ]]; then
    _apikeys_option "\${word%%=*}"
    _apikeys_offer "\${takes:-<any>}" "\${word#*=}" "\${word%%=*}="
  elif [[ -z $ended && $word == -* ]]; then
    _apikeys_offer "$options" "$word" ''
  else
    _apikeys_argument "$count"
    if ((count == 0)) && [[ -n $commands ]]; then
      if [[ $takes == '<'* ]]; then takes=$commands; else takes="$commands $takes"; fi
    fi
    _apikeys_offer "$takes" "$word" ''
  fi
}

complete -F _apikeys apikeys
`;
}

function optionNames(command: CommandNode): string {
  return command.options.flatMap(({ names }) => names).join(' ');
}

function offers(command: CommandNode): string {
  const names = command.commands.map(({ path }) => path.at(-1)).join(' ');
  const own = command.path.length === 0 ? '' : optionNames(command);
  const more = own === '' ? '' : `; options+=' ${own}'`;
  return `    '${command.path.join(' ')}') commands='${names}'${more} ;;`;
}

/** Options of the program are known after every command. */
function optionCases(command: CommandNode): string[] {
  const patterns = new Map<string, string[]>();
  for (const { names, value } of command.options) {
    if (value === undefined) continue;
    const all = names.map((name) =>
      command.path.length === 0 ? `*' ${name}'` : `'${command.path.join(' ')} ${name}'`,
    );
    patterns.set(taken(value), [...(patterns.get(taken(value)) ?? []), ...all]);
  }
  return [...patterns].map(([takes, all]) => `    ${all.join(' | ')}) takes='${takes}' ;;`);
}

function argumentCases(command: CommandNode): string[] {
  return command.arguments.flatMap(({ value, variadic }, index) =>
    value.kind === 'anything'
      ? []
      : [`    '${command.path.join(' ')} '${variadic ? '*' : index}) takes='${taken(value)}' ;;`],
  );
}

function taken(value: Value): string {
  if (value.kind === 'words') return value.words.join(' ');
  return value.kind === 'file' ? '<file>' : '<any>';
}
