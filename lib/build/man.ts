/** The manual page relay(1), made from the help of the command line. */

import type { Command } from "commander";
import { sentence } from "../cli/command.ts";
import { verbsOf } from "../cli/completions/verb_tree.ts";

/** Sections that the command line's help does not have. Indented lines are printed as they are. */
const sections: readonly [title: string, text: string][] = [
  [
    "EXIT STATUS",
    `0 on success, 1 on failure, 2 on wrong usage, 78 if the config is not valid, and 130 after Ctrl-C. A verb for which a
code means more says so.`,
  ],
  [
    "ENVIRONMENT",
    `RELAY_CONFIG names the config file, as --config does. LC_ALL, LC_MESSAGES and LANG choose the language, unless --locale
or the config does. STATE_DIRECTORY, which systemd sets, is the folder of a store whose path is relative. NO_COLOR turns
colours off.

Secrets that the config names with env() come from the environment, or from the file .env beside the config.`,
  ],
  [
    "FILES",
    `  /etc/relay/relay.config.ts    the config of the service
  /etc/relay/.env               secrets of the service; only root can read them
  /var/lib/relay/relay.db       the store of the service`,
  ],
  ["SEE ALSO", "systemctl(1), journalctl(1)"],
];

/**
 * The page's source, in the man(7) macros.
 * @param date The date in its footer.
 */
export function manPage(program: Command, { version, date }: { version: string; date: Date }): string {
  const lines = [
    `.TH ${quote(program.name().toUpperCase())} 1 ${quote(date.toISOString().slice(0, 10))} ${
      quote(`${program.name()} ${version}`)
    } "User Commands"`,
    ".nh", // no hyphenation: it would break what is to be typed
    ".ad l",
    ".SH NAME",
    `${escape(program.name())} \\- ${escape(nameLine(program.description()))}`,
    ".SH SYNOPSIS",
    `.B ${escape(program.name())}`,
    ".I verb",
    "[options]",
    ".SH DESCRIPTION",
    escape(program.description()),
    ...text(afterHelp(program)),
    ".SH OPTIONS",
    ...options(program),
    ".SH VERBS",
    ...verbsOf(program).flatMap((verb) => section(verb)),
    ...sections.flatMap(([title, words]) => [`.SH ${quote(title)}`, ...text(words)]),
  ];
  return lines.join("\n") + "\n";
}

/** One line without a full stop, as lexgrog(1) wants it. */
function nameLine(description: string): string {
  return description.charAt(0).toLowerCase() + description.slice(1).replace(/\.$/, "");
}

function section(command: Command, parents = ""): string[] {
  const verbs = verbsOf(command);
  const name = `${parents}${command.name()}`;
  const help = command.createHelp();
  const usage = [name, verbs.length > 0 ? "<verb>" : command.usage().replace("[options]", "").trim()].filter(Boolean);
  return [
    `.SS ${quote(usage.join(" "))}`,
    escape(sentence(command.description())),
    ...help.visibleArguments(command).flatMap((argument) => [
      ".TP",
      `.I ${escape(argument.name())}`,
      escape(help.argumentDescription(argument)),
    ]),
    ...options(command),
    ...text(afterHelp(command)),
    ...verbs.flatMap((verb) => section(verb, `${name} `)),
  ];
}

/** What each option does. `--help` and `--locale` are described once, with the program's own options. */
function options(command: Command): string[] {
  const help = command.createHelp();
  return help.visibleOptions(command)
    .filter(({ long }) => command.parent === null || !["--help", "--locale"].includes(long!))
    .flatMap((option) => [".TP", `.B ${escape(option.flags)}`, escape(help.optionDescription(option))]);
}

/** What the help of a command says after its options, as wide as it comes. */
function afterHelp(command: Command): string {
  let all = "";
  const before = command.configureOutput();
  command.configureOutput({ writeOut: (part) => all += part });
  command.outputHelp();
  command.configureOutput(before);
  return all.slice(command.helpInformation().length);
}

/** Paragraphs are filled; indented lines, and what stands in columns, are left as they are. */
function text(words: string): string[] {
  return words.trimEnd().replace(/^\n+/, "").split(/\n{2,}/).filter(Boolean).flatMap((paragraph) => {
    const lines = paragraph.split("\n");
    const first = lines.findIndex((line) => /^\s|\S {2,}\S/.test(line));
    const [filled, literal] = first < 0 ? [lines, []] : [lines.slice(0, first), lines.slice(first)];
    return [
      ".PP",
      ...filled.flatMap((line, index) => index > 0 && line.startsWith("Exit") ? [".br", escape(line)] : escape(line)),
      ...(literal.length > 0 ? [".nf", ...literal.map(escape), ".fi"] : []),
    ];
  });
}

/** Text as roff shows it: a backslash, a hyphen to type, and a line that would begin with a request. */
function escape(words: string): string {
  return words.replaceAll("\\", "\\e").replaceAll("-", "\\-").replace(/^[.']/, "\\&$&");
}

function quote(words: string): string {
  return `"${escape(words).replaceAll('"', '""')}"`;
}
