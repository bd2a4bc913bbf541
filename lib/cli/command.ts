/** Commands whose help and usage errors are in the language of {@link words}. */

import process from "node:process";
import {
  type AddHelpTextContext,
  type AddHelpTextPosition,
  Argument,
  Command,
  Help,
  InvalidArgumentError,
  Option,
} from "commander";
import { ExitCode, RelayError, sayError } from "../errors.ts";
import type { Phrase } from "../locale/phrase.ts";
import { nearest } from "../nearest.ts";
import { words } from "./language.ts";

/** Options of many verbs, in the order in which they end a help. */
const common = ["--config", "--json", "--locale", "--version", "--help"];

/** Help whose headings and remarks are in the user's language. */
class LocalHelp extends Help {
  override styleTitle(title: string): string {
    const { titles } = words.cli;
    return (titles as Record<string, string>)[title] ?? title;
  }

  override commandDescription(command: Command): string {
    return sentence(super.commandDescription(command));
  }

  override commandUsage(command: Command): string {
    return placeholders(super.commandUsage(command));
  }

  /** Without `[options]`, which every verb takes. */
  override subcommandTerm(command: Command): string {
    return [command.name(), ...command.registeredArguments.map((one) => this.argumentUsage(one))].join(" ");
  }

  argumentUsage(argument: Argument): string {
    const name = argument.name() + (argument.variadic ? "..." : "");
    return argument.required ? `<${name}>` : `[${name}]`;
  }

  /** What a verb takes alone comes before what many take. */
  override visibleOptions(command: Command): Option[] {
    return super.visibleOptions(command).sort((one, other) =>
      common.indexOf(one.long ?? "") - common.indexOf(other.long ?? "")
    );
  }

  override optionDescription(option: Option): string {
    const takesValue = option.required || option.optional;
    return described(option.description, [
      ...choices(option.argChoices),
      ...(takesValue && option.defaultValue !== undefined ? [words.cli.byDefault(String(option.defaultValue))] : []),
      ...(option.envVar === undefined ? [] : [words.cli.environment(option.envVar)]),
    ]);
  }

  override argumentDescription(argument: Argument): string {
    const { argChoices, defaultValue } = argument;
    return described(argument.description, [
      ...choices(argChoices),
      ...(defaultValue === undefined ? [] : [words.cli.byDefault(String(defaultValue))]),
    ]);
  }
}

/** A description as a sentence of its own. */
export function sentence(text: string): string {
  return text.charAt(0).toUpperCase() + text.slice(1) + (text === "" || /[.!?]$/.test(text) ? "" : ".");
}

/** Lines as wide as the terminal at most, but for those that are indented or in columns. */
function wrapped(text: string): string {
  const help = new Help();
  const width = process.stdout.columns || 80;
  return text.split("\n").map((line) => /^\s|\S {2,}\S/.test(line) ? line : help.boxWrap(line, width)).join("\n");
}

function placeholders(usage: string): string {
  return usage.replace("[options]", `[${words.cli.options}]`).replace("[command]", `[${words.cli.command}]`);
}

function choices(names: readonly string[] | undefined): string[] {
  return names ? [words.cli.choices(names.join(", "))] : [];
}

function described(description: string, remarks: string[]): string {
  return remarks.length === 0 ? description : `${description} (${remarks.join("; ")})`;
}

/**
 * A command of the command line. Wrong usage is a {@link RelayError}, told as every other. A function that reads the value
 * of an option throws one with what is expected, which completes the sentence "--limit cannot be "x"; …".
 */
export class Verb extends Command {
  constructor(name: string) {
    super(name);
    this.helpOption("-h, --help", words.cli.help);
    this.helpCommand(false);
    this.exitOverride();
  }

  override createCommand(name: string): Verb {
    return new Verb(name);
  }

  override addHelpText(position: AddHelpTextPosition, text: string | ((context: AddHelpTextContext) => string)): this {
    return super.addHelpText(position, (context) => wrapped(typeof text === "string" ? text : text(context)));
  }

  override createHelp(): Help {
    return Object.assign(new LocalHelp(), this.configureHelp());
  }

  /**
   * The verb of this name below this one.
   * @throws {RelayError} if there is none.
   */
  verbOf(name: string): Verb {
    const verbs = this.createHelp().visibleCommands(this);
    const found = verbs.find((one) => one.name() === name);
    if (found) return found as Verb;
    this.#fail((words) => words.cli.unknownCommand(name, nearest(name, verbs.map((one) => one.name()))));
  }

  // What commander calls where the usage is wrong. Its types do not have these methods.

  protected unknownOption(flag: string): void {
    const flags = this.options.map(({ long }) => long).filter((one) => one !== undefined);
    this.#fail((words) => words.cli.unknownOption(flag, nearest(flag, [...flags, "--help"])));
  }

  protected unknownCommand(): void {
    this.verbOf(this.args[0] ?? "");
  }

  protected missingArgument(name: string): void {
    this.#fail((words) => words.cli.missingArgument(name));
  }

  protected optionMissingArgument(option: Option): void {
    this.#fail((words) => words.cli.missingValue(option.flags));
  }

  protected missingMandatoryOptionValue(option: Option): void {
    this.#fail((words) => words.cli.missingOption(option.flags));
  }

  protected _excessArguments(received: string[]): void {
    const expected = this.registeredArguments.length;
    this.#fail((words) => words.cli.excessArguments(expected, received.slice(expected).join(" ")));
  }

  protected _conflictingOption(one: Option, other: Option): void {
    this.#fail((words) => words.cli.conflict(one.flags, other.flags));
  }

  protected _callParseArg(target: Option | Argument, value: string, previous: unknown): unknown {
    const name = target instanceof Option ? target.long ?? target.flags : target.name();
    try {
      return target.parseArg?.(value, previous as never) ?? value;
    } catch (error) {
      if (!(error instanceof InvalidArgumentError || error instanceof RelayError)) throw error;
      const { argChoices } = target;
      this.#fail((words) =>
        argChoices
          ? words.cli.notAChoice(name, value, argChoices.join(", "))
          : words.cli.invalid(name, value, sayError(error)(words))
      );
    }
  }

  #fail(problem: Phrase): never {
    const path = pathOf(this);
    throw new RelayError(
      (words) => words.cli.wrongUsage(path, problem(words)),
      (words) => words.cli.seeHelp(path),
      ExitCode.usage,
    );
  }
}

/** `relay service install` */
function pathOf(command: Command): string {
  return command.parent ? `${pathOf(command.parent)} ${command.name()}` : command.name();
}
