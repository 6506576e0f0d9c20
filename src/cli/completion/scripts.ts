/**
 * The scripts that make a shell ask `muster __complete` what can stand at the cursor.
 *
 * They know no command and no flag, so they stay right when Muster changes. The muster that is asked is the one on the line.
 */

/** The shells that there is a script for. */
export const SHELLS = ['bash', 'zsh', 'fish'] as const;

export type Shell = (typeof SHELLS)[number];

/** Bash splits words at = and :, and replaces only what stands behind the last of them. */
const BASH = `# bash completion for muster:  source <(muster completion bash)
_muster() {
  local -a words=() lines=()
  local index word line glued= cut= breaks=
  for ((index = 1; index <= COMP_CWORD; index++)); do
    word=\${COMP_WORDS[index]}
    if [[ \${#words[@]} -gt 0 && ( -n $glued || $word == [=:]* ) ]]; then
      words[\${#words[@]} - 1]+=$word
    else
      words+=("$word")
    fi
    glued=
    [[ $word == *[=:] ]] && glued=1
  done
  [[ $COMP_WORDBREAKS == *=* ]] && breaks+='='
  [[ $COMP_WORDBREAKS == *:* ]] && breaks+=':'
  word=\${words[\${#words[@]} - 1]}
  [[ -n $breaks ]] && cut=\${word%"\${word##*[$breaks]}"}
  while IFS= read -r line; do
    lines+=("$line")
  done < <("\${COMP_WORDS[0]/#\\~/$HOME}" __complete -- "\${words[@]}" 2>/dev/null)
  COMPREPLY=()
  if [[ \${lines[0]-} == files ]]; then
    compopt -o default 2>/dev/null
    return
  fi
  for line in "\${lines[@]:1}"; do
    line=\${line%%$'\\t'*}
    COMPREPLY+=("\${line#"$cut"}")
  done
}
complete -F _muster muster
`;

const ZSH = `#compdef muster
# zsh completion for muster:  source <(muster completion zsh), after compinit
_muster() {
  local -a lines texts shown
  local line
  lines=("\${(@f)$("\${(Q)words[1]/#\\~/$HOME}" __complete -- "\${(@Q)words[2,CURRENT]}" 2>/dev/null)}")
  if [[ $lines[1] == files ]]; then
    _files
    return
  fi
  for line in "\${(@)lines[2,-1]}"; do
    [[ -n $line ]] || continue
    texts+=("\${line%%$'\\t'*}")
    shown+=("\${line/$'\\t'/  -- }")
  done
  (( $#texts )) || return 1
  compadd -l -d shown -a texts
}
compdef _muster muster
`;

const FISH = `# fish completion for muster:  muster completion fish | source
function __muster_complete
  set -l words (commandline -opc)
  set -l lines ($words[1] __complete -- $words[2..-1] (commandline -ct) 2>/dev/null)
  if test "$lines[1]" = files
    __fish_complete_path (commandline -ct)
  else if set -q lines[2]
    printf '%s\\n' $lines[2..-1]
  end
end
complete -c muster -f -a '(__muster_complete)'
`;

export const SCRIPTS: Readonly<Record<Shell, string>> = { bash: BASH, zsh: ZSH, fish: FISH };
