# Prints what TAB offers at the end of each line, in a zsh on a pseudo-terminal, and an empty line after each. What
# should not be there, pwned and called, is printed too.
# usage: zsh -f complete.zsh folder-of-_apikeys line...
zmodload zsh/zpty || exit 1
folder=$1
shift

zpty shell zsh -f -i
type() { zpty -w shell "$1"; }
type "fpath=(${(q)folder} \$fpath); autoload -Uz compinit && compinit -D -u; PS1="
type 'apikeys() { : > called }'
# What is offered goes to a file, beside the terminal.
type 'compadd() {
  if [[ ${@[1,(i)(-|--)]} != *-[OAD]\ * ]]; then
    local -a offered
    builtin compadd -A offered "$@"
    print -rl -- $offered >> offered
  fi
  builtin compadd "$@"
}'
# complete-word, as the usual expand-or-complete runs $(...) by itself, before any completion.
type 'capture() { zle complete-word; BUFFER=; print -r -- "end-of-$((40 + 2))" }; zle -N capture; bindkey "^X" capture'

for line; do
  rm -f offered pwned called
  zpty -w -n shell "$line"$'\C-x'
  zpty -r shell printed $'*end-of-42*' || exit 1
  [[ ! -e offered ]] || sort -u offered | grep .
  for found in pwned(N) called(N); do print -r -- $found; done
  print
done
zpty -d shell
