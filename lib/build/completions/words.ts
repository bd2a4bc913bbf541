/** What may be typed after the name of the program, for completions in any shell. */

import type { Argument, Command, Option } from "commander";
import { sampleNames } from "../../connectvets/samples.ts";
import { verbsOf } from "../man.ts";

/** What may stand where a value is expected: a path, one of some words, or what nobody can guess. */
export type Values = "file" | "folder" | "free" | readonly string[];

/** An option of a verb. */
export interface OptionWords {
  /** With their hyphens: `--help`, and `-h` if it has that. */
  flags: string[];
  description: string;
  /** For an option that takes a value. */
  values?: Values;
}

/** The program or a verb. */
export interface VerbWords {
  /** From the program's name on: `["relay", "events"]`. */
  path: string[];
  description: string;
  verbs: VerbWords[];
  options: OptionWords[];
  /** For a verb that takes an argument. */
  values?: Values;
}

/** What a command and each of its verbs take. */
export function wordsOf(command: Command, parents: string[] = []): VerbWords {
  const help = command.createHelp();
  const path = [...parents, command.name()];
  const [argument] = help.visibleArguments(command);
  return {
    path,
    description: help.subcommandDescription(command),
    verbs: verbsOf(command).map((verb) => wordsOf(verb, path)),
    options: help.visibleOptions(command).map(optionWords),
    values: argument && valuesOf(argument.name(), argument.argChoices),
  };
}

/** A verb and all that are below it, the verb first. */
export function withAll(verb: VerbWords): VerbWords[] {
  return [verb, ...verb.verbs.flatMap(withAll)];
}

function optionWords(option: Option): OptionWords {
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
