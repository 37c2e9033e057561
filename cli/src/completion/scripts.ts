/** Shells that there are scripts for. */
export const SHELLS = ["bash", "zsh", "fish"] as const;
export type Shell = (typeof SHELLS)[number];

// Each script asks the hidden command `__complete`, the one place that knows the words: it answers "word<TAB>description" lines.
const BASH = `# secuxflow-cli completion for bash; to have it always:
# secuxflow-cli completion bash > /etc/bash_completion.d/secuxflow-cli
_secuxflow_cli() {
  local current="\${COMP_WORDS[COMP_CWORD]}"
  COMPREPLY=()
  if [[ "\${COMP_WORDS[COMP_CWORD-1]}" =~ ^--(token-file|pcap|rules|key)$ ]]; then
    mapfile -t COMPREPLY < <(compgen -f -- "$current")
    return
  fi
  mapfile -t COMPREPLY < <("\${COMP_WORDS[0]}" __complete -- "\${COMP_WORDS[@]:1:COMP_CWORD}" 2>/dev/null | cut -f1)
}
complete -o nosort -F _secuxflow_cli secuxflow-cli
`;

const ZSH = `#compdef secuxflow-cli
# secuxflow-cli completion for zsh; to have it always:
# secuxflow-cli completion zsh > "\${fpath[1]}/_secuxflow-cli"
_secuxflow_cli() {
  local -a found
  local line
  if [[ "\${words[CURRENT-1]}" == --(token-file|pcap|rules|key) ]]; then
    _files
    return
  fi
  for line in "\${(@f)$("\${words[1]}" __complete -- "\${(@)words[2,CURRENT]}" 2>/dev/null)}"; do
    [[ -n "$line" ]] && found+=("\${\${line%%$'\\t'*}//:/\\\\:}:\${line#*$'\\t'}")
  done
  _describe 'secuxflow-cli' found
}
compdef _secuxflow_cli secuxflow-cli
`;

const FISH = `# secuxflow-cli completion for fish; to have it always:
# secuxflow-cli completion fish > ~/.config/fish/completions/secuxflow-cli.fish
function __secuxflow_cli_complete
  set -l words (commandline -opc) (commandline -ct)
  command $words[1] __complete -- $words[2..-1] 2>/dev/null
end
complete -c secuxflow-cli -f -a '(__secuxflow_cli_complete)'
complete -c secuxflow-cli -l token-file -r -F
complete -c secuxflow-cli -l pcap -r -F
complete -c secuxflow-cli -l rules -r -F
complete -c secuxflow-cli -l key -r -F
`;

export const SCRIPTS: Readonly<Record<Shell, string>> = { bash: BASH, zsh: ZSH, fish: FISH };
