/**
 * `usher completion`: the script that a shell reads.
 *
 * The scripts know nothing themselves: they hand the words to
 * `usher __complete` (complete.ts), which knows commands, flags and live
 * names.
 *
 * @module
 */
import { defineCommand } from "../../command.ts";

const BASH = `# bash completion of usher: eval "$(usher completion bash)"
_usher() {
  local line words=("\${COMP_WORDS[@]:1:COMP_CWORD}")
  COMPREPLY=()
  while IFS= read -r line; do
    if [ "$line" = ":files	" ]; then
      compopt -o filenames 2>/dev/null
      COMPREPLY=($(compgen -f -- "\${COMP_WORDS[COMP_CWORD]}"))
      return
    fi
    COMPREPLY+=("\${line%%	*}")
  done < <(usher __complete "\${words[@]}" 2>/dev/null)
}
complete -F _usher usher
`;

const ZSH = `#compdef usher
# zsh completion of usher: source <(usher completion zsh)
_usher() {
  local line
  local -a found
  while IFS= read -r line; do
    if [[ "$line" == ":files	" ]]; then
      _files
      return
    fi
    found+=("\${\${line%%	*}//:/\\\\:}:\${line#*	}")
  done < <(usher __complete "\${(@)words[2,CURRENT]}" 2>/dev/null)
  _describe usher found
}
compdef _usher usher
`;

const FISH = `# fish completion of usher: usher completion fish | source
function __usher_complete
    set -l words (commandline -opc)[2..-1] (commandline -ct)
    for line in (usher __complete $words 2>/dev/null)
        if string match -q ':files*' -- $line
            __fish_complete_path (commandline -ct)
        else
            echo $line
        end
    end
end
complete -c usher -f -a '(__usher_complete)'
`;

const SCRIPTS: Readonly<Record<string, string>> = {
  bash: BASH,
  zsh: ZSH,
  fish: FISH,
};
const SHELLS = Object.keys(SCRIPTS);

export const completion = defineCommand({
  about:
    "Print the completion script of a shell. It completes commands, flags, and the names of VMs, nodes and operations as they are now.",
  words: {
    usage: SHELLS.join("|"),
    min: 1,
    max: 1,
    completes: "none",
    choices: SHELLS,
    oneOf: "shell",
  },
  flags: {},
  examples: [
    ['eval "$(usher completion bash)"', "in ~/.bashrc"],
    ["source <(usher completion zsh)", "in ~/.zshrc"],
    ["usher completion fish | source", "in config.fish"],
  ],
  run(context, { words: [shell = ""] }) {
    context.io.stdout.write(SCRIPTS[shell] ?? "");
    return Promise.resolve(0);
  },
});
