/** What may be typed after the name of the program, as the command line library has it. */

import type { Argument, Command, Option } from "commander";
import { sampleNames } from "../../connectvets/samples.ts";

/** What a value may be: a path, one of some words, or anything. */
export type Values = "file" | "folder" | "free" | readonly string[];

/** An option of a verb. */
export interface OptionNode {
  /** With their hyphens: `--help`, and `-h` if it has that. */
  flags: string[];
  description: string;
  /** For an option that takes a value. */
  values?: Values;
}

/** The program or a verb. */
export interface VerbNode {
  /** From the program's name on: `["relay", "events"]`. */
  path: string[];
  description: string;
  verbs: VerbNode[];
  options: OptionNode[];
  /** For a verb that takes an argument. */
  values?: Values;
}

/** What a command and each of its verbs take. */
export function verbTree(command: Command, parents: string[] = []): VerbNode {
  const help = command.createHelp();
  const path = [...parents, command.name()];
  const [argument] = help.visibleArguments(command);
  return {
    path,
    description: help.subcommandDescription(command),
    verbs: verbsOf(command).map((verb) => verbTree(verb, path)),
    options: help.visibleOptions(command).map(optionNode),
    values: argument?.name() === "command"
      ? verbsOf(command.parent!).map((verb) => verb.name())
      : argument && valuesOf(argument.name(), argument.argChoices),
  };
}

/** The commands of a command that a person sees. */
export function verbsOf(command: Command): Command[] {
  return [...command.createHelp().visibleCommands(command)];
}

/** A verb and all that are below it, the verb first. */
export function withAll(verb: VerbNode): VerbNode[] {
  return [verb, ...verb.verbs.flatMap(withAll)];
}

function optionNode(option: Option): OptionNode {
  const takesValue = option.required || option.optional;
  return {
    flags: [option.short, option.long].filter((flag) => flag !== undefined),
    description: option.description,
    values: takesValue ? valuesOf(/[<[](\w+)/.exec(option.flags)?.[1] ?? "", option.argChoices) : undefined,
  };
}

function valuesOf(name: string, choices: Argument["argChoices"]): Values {
  if (choices) return choices;
  if (name === "file" || name === "config") return "file";
  if (name === "dir") return "folder";
  return name === "event" ? sampleNames : "free";
}
