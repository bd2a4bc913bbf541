/** Completion for fish. */

import { type Values, type VerbNode, withAll } from "./verb_tree.ts";

/** The file that fish reads for this program. */
export function fishCompletion(program: VerbNode): string {
  const name = program.path[0]!;
  const lines = withAll(program).flatMap((verb) => {
    const start = `complete -c ${name} -n ${quote(condition(verb))}`;
    return [
      ...verb.verbs.map(({ path, description }) => `${start} -a ${path.at(-1)} -d ${quote(description)}`),
      ...verb.options.map(({ flags, description, values }) => {
        const forms = flags.map((flag) => (flag.startsWith("--") ? `-l ${flag.slice(2)}` : `-s ${flag.slice(1)}`));
        return `${start} ${forms.join(" ")}${values === undefined ? "" : ` -r${offer(values)}`} -d ${
          quote(description)
        }`;
      }),
      ...(verb.values === undefined || verb.values === "free" ? [] : [start + offer(verb.values)]),
    ];
  });
  return `# fish completion for ${name}\n\ncomplete -c ${name} -f\n${lines.join("\n")}\n`;
}

/** True where a verb has been typed, and none of the verbs that are below it. */
function condition({ path, verbs }: VerbNode): string {
  const typed = path.slice(1).map((verb) => `__fish_seen_subcommand_from ${verb}`);
  const below = verbs.map((verb) => verb.path.at(-1)).join(" ");
  return [...typed, ...(below === "" ? [] : [`not __fish_seen_subcommand_from ${below}`])].join("; and ");
}

function offer(values: Values): string {
  if (values === "free") return " -f";
  if (values === "file") return " -F";
  if (values === "folder") return ` -f -a '(__fish_complete_directories)'`;
  return ` -f -a ${quote(values.join(" "))}`;
}

function quote(text: string): string {
  return `'${text.replaceAll("\\", "\\\\").replaceAll("'", "\\'")}'`;
}
