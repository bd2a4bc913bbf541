/** Completion for bash, which needs no other package. */

import { type Values, type VerbNode, withAll } from "./verb_tree.ts";

/** The script that bash reads for this program. */
export function bashCompletion(program: VerbNode): string {
  const name = program.path[0]!;
  const all = withAll(program);
  const verbs = all.slice(1).map(({ path }) => quote(path.join(" "))).join(" | ");
  return `# bash completion for ${name}

_${name}() {
  local word=\${COMP_WORDS[COMP_CWORD]} previous=\${COMP_WORDS[COMP_CWORD-1]} path=${name} offer=() index
  # In \`--option=value\` the sign is a word of its own.
  if [[ $word == '=' ]]; then
    word=''
  elif [[ $previous == '=' ]]; then
    previous=\${COMP_WORDS[COMP_CWORD-2]}
  fi
  for ((index = 1; index < COMP_CWORD; index++)); do
    case "$path \${COMP_WORDS[index]}" in
    ${verbs}) path+=" \${COMP_WORDS[index]}" ;;
    esac
  done
  case "$path $previous" in
${all.flatMap(optionCases).join("\n")}
  *)
    case "$path \${word:0:1}" in
${all.map(flagsCase).join("\n")}
    *)
      case "$path" in
${all.flatMap(wordCase).join("\n")}
      esac
      ;;
    esac
    ;;
  esac
  [[ \${offer[0]} == -[fd] ]] && compopt -o filenames 2>/dev/null
  mapfile -t COMPREPLY < <(compgen "\${offer[@]}" -- "$word")
}

complete -F _${name} ${name}
`;
}

/** What follows an option that takes a value. */
function optionCases({ path, options }: VerbNode): string[] {
  return options.flatMap(({ flags, values }) => {
    if (values === undefined) return [];
    const pattern = flags.map((flag) => quote([...path, flag].join(" "))).join(" | ");
    return `  ${pattern}) ${offer(values)};;`;
  });
}

/** What begins with a hyphen. */
function flagsCase({ path, options }: VerbNode): string {
  return `    ${quote(`${path.join(" ")} -`)}) ${offer(options.flatMap(({ flags }) => flags))};;`;
}

/** What stands where there is no option. */
function wordCase({ path, verbs, values }: VerbNode): string[] {
  const offered = verbs.length > 0 ? verbs.map((verb) => verb.path.at(-1)!) : values;
  return offered === undefined ? [] : [`      ${quote(path.join(" "))}) ${offer(offered)};;`];
}

function offer(values: Values): string {
  if (values === "free") return "";
  if (values === "file") return "offer=(-f) ";
  if (values === "folder") return "offer=(-d) ";
  return `offer=(-W ${quote(values.join(" "))}) `;
}

function quote(text: string): string {
  return `'${text.replaceAll("'", `'\\''`)}'`;
}
