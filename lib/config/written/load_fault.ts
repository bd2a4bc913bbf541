/** Says why a config cannot be imported, and where that is written: the same on both runtimes. */

import { existsSync } from "node:fs";
import { dirname, relative, resolve, sep } from "node:path";
import { fileURLToPath } from "node:url";
import { stripVTControlCharacters } from "node:util";
import { type ConfigIssue, messageOf, RelayError, sayError } from "../../errors.ts";
import { inEnglish, type Phrase } from "../../locale/phrase.ts";
import { nearest, sayUnknown } from "../../nearest.ts";
import { isExecutable } from "../../runtime.ts";
import type { Redact } from "../../secret.ts";
import { type Span, wordAt } from "./parse.ts";
import { otherSource, redacted, type Source, sourceOf } from "./source.ts";
import { exportsDefault, importOf, importsOf, nodesOf } from "./tree.ts";

/** What a config can import from "relay". */
type Exports = readonly string[];

/** A place as a runtime tells it, line and column from 1. */
interface ToldPlace {
  file: string;
  line: number;
  column: number;
}

/**
 * What is wrong with a config whose import failed: one mistake of its syntax, else one for each import that is wrong, else
 * what it threw.
 * @param error What the import threw.
 */
export async function loadFaults(
  error: unknown,
  file: string,
  text: string,
  exports: Exports,
  redact: Redact,
): Promise<ConfigIssue[]> {
  const errors: unknown[] = error instanceof AggregateError && error.errors.length > 0 ? error.errors : [error];
  const source = await sourceOf(file, text, redact);
  const broken = errors.find((one) => isSyntaxError(one) && !isOfData(one));
  const issues = broken !== undefined ? [await syntaxFault(broken, source, redact)] : (
    await Promise.all(errors.map((one) => faultsOf(one, source, exports, redact)))
  ).flat();
  return issues.map((issue) => ({ ...issue, message: redacted(issue.message, redact) }));
}

function isSyntaxError(error: unknown): boolean {
  const { name, message = "" } = (error ?? {}) as Partial<Error>;
  return name === "BuildMessage" || /^(SyntaxError|The module's source code could not be parsed)\b/.test(message) ||
    (name === "SyntaxError" && exportMissing(message) === undefined);
}

/** What `JSON.parse()` and `new RegExp()` throw is a fault of what the config reads, and not of its own syntax. */
function isOfData(error: unknown): boolean {
  return error instanceof SyntaxError && /\bJSON\b|regular expression/i.test(error.message);
}

async function syntaxFault(error: unknown, config: Source, redact: Redact): Promise<ConfigIssue> {
  const told = toldPlace(error);
  const source = told && told.file !== config.file ? await otherSource(told.file, redact) : config;
  if (source?.fault) {
    const { message, hint, span } = source.fault;
    const found = source.text.slice(span.start, span.end);
    const isShown = !source.hides(span) || !inEnglish(message).includes(found);
    const said: Phrase = isShown ? message : ({ config }) => config.syntax.hidden;
    return { path: "", message: said, hint, place: source.place(span) };
  }
  if (config.program && !exportsDefault(config.program)) {
    return {
      path: "",
      message: ({ config }) => config.file.noExport,
    };
  }
  const [problem] = plain(messageOf(error)).replace(/^SyntaxError: /, "").split(/ \|| at file:/);
  return {
    path: "",
    message: ({ config }) => config.syntax.other(problem!),
    ...(told && source && { place: source.place(spanAt(source, told)) }),
  };
}

async function faultsOf(error: unknown, source: Source, exports: Exports, redact: Redact): Promise<ConfigIssue[]> {
  const message = plain(messageOf(error));
  const missing = exportMissing(message);
  if (missing !== undefined) return exportFaults(missing, source, exports);
  const module = moduleMissing(error, message);
  if (module !== undefined) return [await moduleFault(error, module, source, redact)];
  if (/^[\w$]+ is not defined$/.test(message)) {
    // Of a name that is misspelt where it is imported nothing is left, for it might be a type.
    const unknown = unknownExports(source, exports);
    if (unknown.length > 0) return unknown;
    if (source.program && !exportsDefault(source.program)) {
      return [{ path: "", message: ({ config }) => config.file.noExport }];
    }
  }
  return [await thrownFault(error, message, source, exports, redact)];
}

/** The name that a module does not export. */
function exportMissing(message: string): string | undefined {
  return /^Export named '(.+?)' not found in module|does not provide an export named '(.+?)'/.exec(message)?.slice(1)
    .find((one) => one !== undefined);
}

/** A mistake for each name that "relay" does not have; types are left out by the runtimes, and are in upper case. */
function unknownExports({ program, place }: Source, exports: Exports, missing?: string): ConfigIssue[] {
  const imports = program ? importsOf(program) : [];
  return imports.filter(({ name, from }) =>
    from === "relay" && name !== "*" && !exports.includes(name) && (name === missing || /^[a-z]/.test(name))
  ).map(({ name, span }, index) => ({
    path: "",
    message: sayUnknown("export", name, exports, index === 0),
    place: place(span),
  }));
}

/** What is said of a name that a module does not export. */
function exportFaults(missing: string, source: Source, exports: Exports): ConfigIssue[] {
  const unknown = unknownExports(source, exports, missing);
  if (unknown.length > 0) return unknown;
  const { program, place } = source;
  const imports = program ? importsOf(program) : [];
  const found = imports.find(({ name }) => name === missing);
  return [{
    path: "",
    message: ({ config }) => config.file.noImport(missing, found?.from ?? "?"),
    ...(found && { place: place(found.span) }),
  }];
}

/** The module that cannot be found, as it is named in the config or by its URL. */
function moduleMissing(error: unknown, message: string): string | undefined {
  const { name, specifier } = (error ?? {}) as { name?: string; specifier?: string };
  if (name === "ResolveMessage" && specifier) return specifier;
  return /^(?:Could not resolve: |Cannot find (?:module|package) |Module not found |Import |Relative import path )["'](.+?)["']/
    .exec(message)?.[1];
}

async function moduleFault(error: unknown, name: string, config: Source, redact: Redact): Promise<ConfigIssue> {
  const told = toldPlace(error);
  const source = (told && told.file !== config.file ? await otherSource(told.file, redact) : undefined) ?? config;
  const path = name.startsWith("file:") ? fileURLToPath(name) : undefined;
  const written = path === undefined ? name : relativeTo(dirname(source.file), path);
  const span = source.program && importOf(source.program, written);
  const near = nearest(written, ["relay"]);
  const isFile = /^[./]/.test(written);
  return {
    path: "",
    message: ({ config }) => {
      const problem = config.file.noModule(written);
      return near ? config.didYouMean(problem, `"${near}"`) : problem;
    },
    ...(!near && {
      hint: ({ config }) =>
        isFile ? config.file.noModuleFile(resolve(dirname(source.file), written)) : config.file.noPackage(written),
    }),
    place: span ? source.place(span) : told && source.place(spanAt(source, told)),
  };
}

function relativeTo(folder: string, path: string): string {
  const written = relative(folder, path).replaceAll(sep, "/");
  return written.startsWith(".") ? written : `./${written}`;
}

/** What a config threw while it ran. */
async function thrownFault(
  error: unknown,
  message: string,
  config: Source,
  exports: Exports,
  redact: Redact,
): Promise<ConfigIssue> {
  const [, unknown, early] =
    /^(?:([\w$]+) is not defined|Cannot access '([\w$]+)' before initialization\.?)$/.exec(message) ??
      [];
  const told = thrownAt(error, config.file);
  const pattern = wrongPattern(config);
  if (pattern && /regular expression/i.test(message)) {
    const [problem] = message.replace(/^SyntaxError: /, "").split(" at file:");
    return { path: "", message: ({ config }) => config.syntax.other(problem!), place: config.place(pattern) };
  }
  const source = (told && told.file !== config.file ? await otherSource(told.file, redact) : undefined) ?? config;
  const named = unknown === undefined ? undefined : identifier(source, unknown);
  const span = named ?? (told && spanAt(source, told));
  const place = span && source.place(span);
  if (unknown !== undefined) {
    if (named && source.hides(named)) return { path: "", message: ({ config }) => config.syntax.hidden, place };
    return { path: "", ...undefinedFault(unknown, source, exports), place };
  }
  if (early !== undefined) return { path: "", message: ({ config }) => config.file.tooEarly(early), place };
  if (error instanceof RelayError) {
    const hint: Phrase | undefined = error.hint === undefined ? undefined : (words) => error.sayHint(words)!;
    return { path: "", message: sayError(error), hint, place };
  }
  return { path: "", message: ({ config }) => config.file.threw(message), place };
}

function undefinedFault(name: string, { program }: Source, exports: Exports): Pick<ConfigIssue, "message" | "hint"> {
  const imported = program ? importsOf(program).map((one) => one.name) : [];
  const near = exports.includes(name) ? undefined : nearest(name, [...exports, ...imported]);
  return {
    message: ({ config }) => {
      const problem = config.file.notDefined(name);
      return near ? config.didYouMean(problem, `\`${near}\``) : problem;
    },
    hint: near
      ? undefined
      : ({ config }) => exports.includes(name) ? config.file.importIt(name) : config.file.quoteIt(name),
  };
}

/** The first regular expression that is none: the parser takes any, and Bun does not say where it stands. */
function wrongPattern({ program }: Source): Span | undefined {
  const literals = program ? [...nodesOf(program, ({ type }) => !/^TSType/.test(type))] : [];
  return literals.find(({ type, pattern, flags }) => {
    if (type !== "RegExpLiteral") return false;
    try {
      return !new RegExp(pattern as string, flags as string);
    } catch {
      return true;
    }
  });
}

/** The first use of a name; names of properties are none. */
function identifier({ program }: Source, name: string): Span | undefined {
  if (!program) return undefined;
  const nodes = [...nodesOf(program, ({ type }) => !/^(Import|TSType)/.test(type))];
  const ofProperties = new Set(nodes.flatMap(({ type, key, property, computed, shorthand }) => {
    if (computed || shorthand) return [];
    return /MemberExpression$/.test(type) ? property : key ?? [];
  }));
  return nodes.find((node) => node.type === "Identifier" && node.name === name && !ofProperties.has(node));
}

/** Where the runtime says that a module cannot be read: Bun beside its message, Deno at the end of it. */
function toldPlace(error: unknown): ToldPlace | undefined {
  const { position } = (error ?? {}) as { position?: ToldPlace | null };
  if (position?.file) return position;
  const [, url, line, column] = /(file:\/\/\S+?)(?:\?load=\d+)?:(\d+):(\d+)\s*$/.exec(plain(messageOf(error))) ?? [];
  return url === undefined ? undefined : { file: fileURLToPath(url), line: Number(line), column: Number(column) };
}

const FRAME =
  /(?:\(|at (?:async )?)((?:file:\/\/|[/.\w])[^():]*?(?:[A-Za-z]:[^():]*?)?)(?:\?load=\d+)?:(\d+):(\d+)\)?$/gm;

/** The innermost line of the config, or of what it imports beside itself, that was at work when it threw. */
function thrownAt(error: unknown, config: string): ToldPlace | undefined {
  const stack = String((error as Error | null)?.stack ?? "");
  for (const [, where, line, column] of stack.matchAll(FRAME)) {
    const file = where!.startsWith("file:") ? fileURLToPath(where!) : resolve(where!);
    const isBeside = file.startsWith(dirname(config) + sep) && !file.includes(`${sep}node_modules${sep}`);
    if (file === config || (isBeside && existsSync(file) && !isOwn(file))) {
      return { file, line: Number(line), column: Number(column) };
    }
  }
  return undefined;
}

/** Whether a file is the relay's own, which a config in its repository has beside it. */
function isOwn(file: string): boolean {
  return !isExecutable && file.startsWith(fileURLToPath(new URL("../../", import.meta.url)));
}

function spanAt({ text }: Source, { line, column }: ToldPlace): Span {
  const lines = text.split(/(?<=\r\n|\n|\r(?!\n))/);
  const start = lines.slice(0, line - 1).reduce((sum, one) => sum + one.length, 0) + column - 1;
  return wordAt(text, Math.min(start, text.length));
}

function plain(text: string): string {
  return stripVTControlCharacters(text);
}
