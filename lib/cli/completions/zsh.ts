/** Completion for zsh, by its `_arguments`. */

import { type OptionNode, type Values, type VerbNode, withAll } from "./verb_tree.ts";

/** The file that zsh autoloads for this program. */
export function zshCompletion(program: VerbNode): string {
  const functions = withAll(program).reverse().map((verb) => verb.verbs.length > 0 ? branch(verb) : leaf(verb));
  const name = program.path[0]!;
  return `#compdef ${name}\n\n${functions.join("\n")}\n_${name} "$@"\n`;
}

/** A function that hands over to that of the verb which is typed next. */
function branch(verb: VerbNode): string {
  const verbs = verb.verbs.map(({ path, description }) => quote(`${path.at(-1)}:${description}`));
  return `${nameOf(verb)}() {
  local curcontext=$curcontext state line
  local -a verbs=(
    ${verbs.join("\n    ")}
  )
  _arguments -C -S \\
    ${[...verb.options.map(option), quote("1: :->verb"), quote("*:: :->rest")].join(" \\\n    ")} && return
  case $state in
    verb) _describe -t commands verb verbs ;;
    rest) (( $+functions[${nameOf(verb)}_$line[1]] )) && ${nameOf(verb)}_$line[1] ;;
  esac
}
`;
}

function leaf(verb: VerbNode): string {
  const rest = verb.values === undefined ? [] : [quote(`*: :${action(verb.values)}`)];
  return `${nameOf(verb)}() {
  _arguments -S \\
    ${[...verb.options.map(option), ...rest].join(" \\\n    ")}
}
`;
}

function option({ flags, description, values }: OptionNode): string {
  const explanation = `[${description.replaceAll(/[[\]\\]/g, "\\$&")}]`;
  const value = values === undefined ? "" : `: :${action(values)}`;
  if (flags.length === 1) return quote(`${flags[0]}${values === undefined ? "" : "="}${explanation}${value}`);
  return `${quote(`(${flags.join(" ")})`)}{${flags.join(",")}}${quote(`${explanation}${value}`)}`;
}

function action(values: Values): string {
  if (values === "free") return " ";
  if (values === "file") return "_files";
  if (values === "folder") return "_files -/";
  return `(${values.join(" ")})`;
}

function nameOf({ path }: VerbNode): string {
  return `_${path.join("_")}`;
}

function quote(text: string): string {
  return `'${text.replaceAll("'", `'\\''`)}'`;
}
