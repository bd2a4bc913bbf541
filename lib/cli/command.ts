/** Commands whose help and usage errors are in the language of {@link words}. */

import { Argument, Command, Help, InvalidArgumentError, Option } from "commander";
import { ExitCode, RelayError } from "../errors.ts";
import type { Phrase } from "../locale/phrase.ts";
import { nearest } from "../options.ts";
import { words } from "./language.ts";

/** Help whose headings and remarks are in the user's language. */
class LocalHelp extends Help {
  override styleTitle(title: string): string {
    const { titles } = words.cli;
    return (titles as Record<string, string>)[title] ?? title;
  }

  override commandUsage(command: Command): string {
    return placeholders(super.commandUsage(command));
  }

  override subcommandTerm(command: Command): string {
    return placeholders(super.subcommandTerm(command));
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

function placeholders(usage: string): string {
  return usage.replace("[options]", `[${words.cli.options}]`).replace("[command]", `[${words.cli.command}]`);
}

function choices(names: readonly string[] | undefined): string[] {
  return names ? [words.cli.choices(names.join(", "))] : [];
}

function described(description: string, remarks: string[]): string {
  return remarks.length === 0 ? description : `${description} (${remarks.join("; ")})`;
}

/** A command of the command line. Wrong usage is a {@link RelayError}, told as every other. */
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

  override createHelp(): Help {
    return Object.assign(new LocalHelp(), this.configureHelp());
  }

  // What commander calls where the usage is wrong. Its types do not have these methods.

  protected unknownOption(flag: string): void {
    const flags = this.options.map(({ long }) => long).filter((one) => one !== undefined);
    this.#fail((words) => words.cli.unknownOption(flag, nearest(flag, [...flags, "--help"])));
  }

  protected unknownCommand(): void {
    const [name = ""] = this.args;
    const names = this.commands.filter((one) => !(one as unknown as { _hidden: boolean })._hidden).map((one) =>
      one.name()
    );
    this.#fail((words) => words.cli.unknownCommand(name, nearest(name, names)));
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

  protected _callParseArg(target: Option | Argument, value: string, previous: unknown): unknown {
    const name = target instanceof Option ? target.flags : target.name();
    try {
      return target.parseArg?.(value, previous as never) ?? value;
    } catch (error) {
      if (!(error instanceof InvalidArgumentError)) throw error;
      const { argChoices } = target;
      this.#fail((words) =>
        argChoices
          ? words.cli.notAChoice(name, value, argChoices.join(", "))
          : words.cli.invalid(name, value, error.message)
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
