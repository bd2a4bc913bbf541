/** `relay completions` */

import { Argument, type Command } from "commander";
import { bashCompletion } from "./completions/bash.ts";
import { fishCompletion } from "./completions/fish.ts";
import { verbTree } from "./completions/verb_tree.ts";
import { zshCompletion } from "./completions/zsh.ts";
import { print, verb } from "./shared.ts";

const shells = ["bash", "zsh", "fish"] as const;

/** The file that each shell reads to complete the verbs of a program, their options and values. */
export function completionsOf(program: Command): Record<typeof shells[number], string> {
  const tree = verbTree(program);
  return { bash: bashCompletion(tree), zsh: zshCompletion(tree), fish: fishCompletion(tree) };
}

export function completionsVerb(): Command {
  return verb("completions", "print what makes a shell complete verbs, options and their values")
    .addArgument(new Argument("<shell>", "your shell").choices(shells))
    .addHelpText(
      "after",
      "\n" + [
        "  source <(relay completions bash)                                    in ~/.bashrc",
        '  relay completions zsh > "${fpath[1]}/_relay"                        once',
        "  relay completions fish > ~/.config/fish/completions/relay.fish      once",
      ].join("\n"),
    )
    .action((shell: typeof shells[number], _, command: Command) => {
      print(completionsOf(command.parent!)[shell].trimEnd());
    });
}
