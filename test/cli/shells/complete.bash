# Prints what TAB offers at the end of a line.
# usage: bash --norc complete.bash script line word...      (the words as readline takes the line apart)
source "$1"
COMP_LINE=$2 COMP_POINT=${#2}
shift 2
COMP_WORDS=("$@") COMP_CWORD=$(($# - 1))
apikeys() { : > called; }
_apikeys apikeys "${COMP_WORDS[COMP_CWORD]}" "${COMP_WORDS[COMP_CWORD - 1]}"
if ((${#COMPREPLY[@]} > 0)); then printf '%s\n' "${COMPREPLY[@]}"; fi
