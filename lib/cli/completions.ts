/** `relay completions` */

import { Argument, type Command } from "commander";
import { bashCompletion } from "./completions/bash.ts";
import { fishCompletion } from "./completions/fish.ts";
import { powershellCompletion } from "./completions/powershell.ts";
import { verbTree } from "./completions/verb_tree.ts";
import { zshCompletion } from "./completions/zsh.ts";
import { words } from "./language.ts";
import { print, verb } from "./shared.ts";
import { table } from "./terminal.ts";

const shells = ["bash", "zsh", "fish", "powershell"] as const;

/** The script with which each shell completes the verbs of a program, their options and values. */
export function completionsOf(program: Command): Record<typeof shells[number], string> {
  const tree = verbTree(program);
  return {
    bash: bashCompletion(tree),
    zsh: zshCompletion(tree),
    fish: fishCompletion(tree),
    powershell: powershellCompletion(tree),
  };
}

export function completionsVerb(): Command {
  const { completions } = words.tools;
  const lines = table([
    ["source <(relay completions bash)", completions.inFile("~/.bashrc")],
    ['relay completions zsh > "${fpath[1]}/_relay"', completions.once],
    ["relay completions fish > ~/.config/fish/completions/relay.fish", completions.once],
    ["relay completions powershell | Out-String | Invoke-Expression", completions.inFile("$PROFILE")],
  ]);
  return verb("completions", completions.about)
    .addArgument(new Argument("<shell>", completions.shell).choices(shells))
    .addHelpText("after", ["", completions.help, "", ...lines].join("\n"))
    .action((shell: typeof shells[number], _, command: Command) => {
      print(completionsOf(command.parent!)[shell].trimEnd());
    });
}
