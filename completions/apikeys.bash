# bash completion for apikeys, made by `apikeys completion bash`.
# What was typed is only ever compared: nothing of it is run.

# Sets commands and options to what the command that the line has come to, $command, offers.
_apikeys_offers() {
  options='-V --version --json -o --output -q --quiet -n --dry-run --no-input -y --yes --tenant --actor --config --database-url-file --embedded --break-lock --time --no-pager --color --debug -h --help'
  case $command in
    '') commands='create list show update rotate scopes limits revoke freeze unfreeze verify usage audit policy cleanup migrate doctor grants schema completion help' ;;
    'create') commands=''; options+=' --owner --scope --expires --description --metadata --rate --quota --budget --allow-ip --idempotency-key --out-file' ;;
    'list') commands=''; options+=' --owner --status --scope --name --expiring-within --unused-for --sort --desc --limit --cursor --all --count' ;;
    'show') commands=''; options+=' --owner' ;;
    'update') commands=''; options+=' --name --description --expires --metadata' ;;
    'rotate') commands=''; options+=' --owner --grace --expires --unfreeze --idempotency-key --out-file --wait --timeout --end-grace' ;;
    'scopes') commands=''; options+=' --owner --set --add --remove --has' ;;
    'limits') commands=''; options+=' --owner --rate --quota --budget --allow-ip --none' ;;
    'revoke') commands=''; options+=' --owner --and-freeze --reason --ignore-missing' ;;
    'freeze') commands=''; options+=' --owner --until --reason --ignore-missing' ;;
    'unfreeze') commands=''; options+=' --owner --reason --ignore-missing' ;;
    'verify') commands=''; options+=' --key-file --scope --ip --explain' ;;
    'usage') commands='record import'; options+=' --owner --since --until --by --limit' ;;
    'usage record') commands=''; options+=' --requests --spend-cents --at' ;;
    'usage import') commands=''; options+=' --import-id' ;;
    'audit') commands='head verify'; options+=' --owner --since --until --actor --action --limit --cursor --all --follow' ;;
    'audit head') commands='' ;;
    'audit verify') commands=''; options+=' --chain-only --head --max-runtime --resume' ;;
    'policy') commands='set unset' ;;
    'policy set') commands=''; options+=' --max-lifetime --require-expiry --max-keys --scope --prefix' ;;
    'policy unset') commands=''; options+=' --max-lifetime --require-expiry --max-keys --scope --prefix --all' ;;
    'cleanup') commands=''; options+=' --older-than --batch-size --max-runtime --usage-older-than --audit-older-than' ;;
    'migrate') commands=''; options+=' --status' ;;
    'doctor') commands='' ;;
    'grants') commands=''; options+=' --role --as --apply' ;;
    'schema') commands='' ;;
    'completion') commands='' ;;
    'help') commands='' ;;
  esac
}

# Sets takes to what follows the option $1: nothing, <any>, <file>, or the words it may be.
_apikeys_option() {
  takes=
  case "$command $1" in
    *' -o' | *' --output') takes='table tsv json ndjson csv' ;;
    *' --tenant' | *' --actor') takes='<any>' ;;
    *' --config' | *' --database-url-file') takes='<file>' ;;
    *' --time') takes='relative absolute' ;;
    *' --color') takes='auto always never' ;;
    'create --owner' | 'create --scope' | 'create --expires' | 'create --description' | 'create --metadata' | 'create --rate' | 'create --quota' | 'create --budget' | 'create --allow-ip' | 'create --idempotency-key') takes='<any>' ;;
    'create --out-file') takes='<file>' ;;
    'list --owner' | 'list --scope' | 'list --name' | 'list --expiring-within' | 'list --unused-for' | 'list --limit' | 'list --cursor') takes='<any>' ;;
    'list --status') takes='active revoked frozen expired' ;;
    'list --sort') takes='created name expires last-used' ;;
    'show --owner') takes='<any>' ;;
    'update --name' | 'update --description' | 'update --expires' | 'update --metadata') takes='<any>' ;;
    'rotate --owner' | 'rotate --grace' | 'rotate --expires' | 'rotate --idempotency-key' | 'rotate --timeout') takes='<any>' ;;
    'rotate --out-file') takes='<file>' ;;
    'scopes --owner' | 'scopes --set' | 'scopes --add' | 'scopes --remove' | 'scopes --has') takes='<any>' ;;
    'limits --owner' | 'limits --rate' | 'limits --quota' | 'limits --budget' | 'limits --allow-ip' | 'limits --none') takes='<any>' ;;
    'revoke --owner' | 'revoke --reason') takes='<any>' ;;
    'freeze --owner' | 'freeze --until' | 'freeze --reason') takes='<any>' ;;
    'unfreeze --owner' | 'unfreeze --reason') takes='<any>' ;;
    'verify --key-file') takes='<file>' ;;
    'verify --scope' | 'verify --ip') takes='<any>' ;;
    'usage --owner' | 'usage --since' | 'usage --until' | 'usage --limit') takes='<any>' ;;
    'usage --by') takes='day week month' ;;
    'usage record --requests' | 'usage record --spend-cents' | 'usage record --at') takes='<any>' ;;
    'usage import --import-id') takes='<any>' ;;
    'audit --owner' | 'audit --since' | 'audit --until' | 'audit --actor' | 'audit --limit' | 'audit --cursor') takes='<any>' ;;
    'audit --action') takes='key.created key.updated key.scopes_changed key.limits_changed key.rotated key.grace_ended key.frozen key.unfrozen key.revoked key.secrets_deleted key.deleted owner.first_key owner.frozen owner.unfrozen owner.limits_changed policy.changed usage.recorded usage.imported usage.pruned audit.pruned role.granted schema.migrated' ;;
    'audit verify --head') takes='<file>' ;;
    'audit verify --max-runtime' | 'audit verify --resume') takes='<any>' ;;
    'policy set --max-lifetime' | 'policy set --max-keys' | 'policy set --scope' | 'policy set --prefix') takes='<any>' ;;
    'cleanup --older-than' | 'cleanup --batch-size' | 'cleanup --max-runtime' | 'cleanup --usage-older-than' | 'cleanup --audit-older-than') takes='<any>' ;;
    'grants --role') takes='<any>' ;;
    'grants --as') takes='admin verifier auditor policy' ;;
  esac
}

# Sets takes to what the argument number $1 of the command may be.
_apikeys_argument() {
  takes='<any>'
  case "$command $1" in
    'usage import '0) takes='<file>' ;;
    'policy '0) takes='show' ;;
    'schema '0) takes='create list show update rotate scopes limits revoke freeze unfreeze verify usage usage-record usage-import audit audit-head audit-verify policy policy-set policy-unset cleanup migrate doctor grants error' ;;
    'completion '0) takes='bash zsh fish' ;;
    'help '0) takes='create list show update rotate scopes limits revoke freeze unfreeze verify usage audit policy cleanup migrate doctor grants schema completion help options environment exit-codes incident' ;;
  esac
}

# Sets words to the line up to the cursor, putting together again what bash takes apart at = and :.
_apikeys_words() {
  local line=${COMP_LINE:0:COMP_POINT} rest word i
  words=()
  for ((i = 0; i <= COMP_CWORD; i++)); do
    rest=${line#"${line%%[![:space:]]*}"}
    word=${COMP_WORDS[i]}
    if ((i == COMP_CWORD)); then word=$rest; fi
    if ((i == 0)) || [[ $rest != "$line" ]]; then
      words+=("$word")
    else
      words[${#words[@]} - 1]+=$word
    fi
    line=${rest#"$word"}
  done
}

# Reads a group of short options, such as -qo: the last one may take the next word.
_apikeys_group() {
  local letters=${1#-}
  while [[ -n $letters ]]; do
    _apikeys_option "-${letters:0:1}"
    letters=${letters:1}
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
      command=${command:+$command }$word
      _apikeys_offers
    else
      count=$((count + 1))
    fi
  done
}

# Offers what $1 says, for a word that begins with $2; $3 stands before it in the same word.
_apikeys_offer() {
  local begun=${2#[\"\']} before=
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
  local IFS=$' \t\n' line words=() command= commands= options= takes= ended= count=0 last
  _apikeys_words
  _apikeys_offers
  last=$((${#words[@]} - 1))
  _apikeys_read "${words[@]:1:last-1}"
  COMPREPLY=()
  local word=${words[last]}
  if [[ -n $takes ]]; then
    _apikeys_offer "$takes" "$word" ''
  elif [[ -z $ended && $word == --*=* ]]; then
    _apikeys_option "${word%%=*}"
    _apikeys_offer "${takes:-<any>}" "${word#*=}" "${word%%=*}="
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
