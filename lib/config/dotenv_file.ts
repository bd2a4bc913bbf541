/** The `.env` beside a config: read by the relay's own rules, also where systemd has read it by others before. */

import { readFileSync } from "node:fs";
import { join } from "node:path";
import process from "node:process";
import { ConfigError, sayError } from "../errors.ts";
import type { ConfigWarning, WarningWords } from "../warnings.ts";
import { type Dotenv, parseDotenv } from "./dotenv.ts";
import { readAsSystemd } from "./environment_file.ts";

/**
 * Name of the credential by which the unit hands the file to the service, whose user may not read the file itself. So the
 * service reads what a shell of root reads, and not what systemd made of it for the environment.
 */
export const DOTENV_CREDENTIAL = "dotenv";

/** A `.env`. */
export interface DotenvFile {
  variables: Dotenv["variables"];
  warnings: readonly ConfigWarning[];
  /** Those about lines that are not as they were meant, for a config that lacks what may stand there. */
  mistakes: readonly ConfigWarning[];
  /** Whether systemd has set a variable of the environment to this value, as it reads the file. */
  isFromSystemd(name: string, value: string): boolean;
}

/**
 * Reads the `.env` in a folder; without one there are no variables.
 * @throws {ConfigError} if it cannot be read or is no text.
 */
export function readDotenv(folder: string): DotenvFile {
  const served = readServed();
  const text = readText(join(folder, ".env"));
  const { variables, problems } = parseDotenv(text ?? served ?? "");
  const readings = served === undefined ? [] : readingsOf(served);
  return {
    variables,
    mistakes: warningsOf(problems),
    warnings: warningsOf([...differences(text ?? served ?? "", variables), ...problems]),
    isFromSystemd: (name, value) => readings.some((reading) => reading.get(name)?.value === value),
  };
}

/** What systemd may read in a text: its versions differ in one thing. */
function readingsOf(text: string): ReturnType<typeof readAsSystemd>[] {
  return [true, false].map((commentsGoOn) => readAsSystemd(text, commentsGoOn));
}

/** What the unit hands over: the file as it was when the service was started. */
function readServed(): string | undefined {
  const { CREDENTIALS_DIRECTORY: folder } = process.env;
  return folder ? readText(join(folder, DOTENV_CREDENTIAL)) : undefined;
}

function readText(path: string): string | undefined {
  let bytes: Uint8Array;
  try {
    bytes = readFileSync(path);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    // The service's own user may not be able to read it, and has it from systemd.
    if (code === "ENOENT" || code === "EACCES") return undefined;
    throw new ConfigError(path, [{ path: "", message: sayError(error) }]);
  }
  const line = lineOfOther(bytes);
  if (line === undefined) return new TextDecoder("utf-8", { ignoreBOM: true }).decode(bytes);
  const place = { file: path, line, column: 1 };
  throw new ConfigError(path, [{ path: placeOf(line), message: ({ config }) => config.file.notUtf8Line, place }]);
}

/** The line that is no text in UTF-8, of which systemd takes nothing of the whole file. */
function lineOfOther(bytes: Uint8Array): number | undefined {
  const text = new TextDecoder("utf-8", { ignoreBOM: true }).decode(bytes);
  try {
    new TextDecoder("utf-8", { fatal: true }).decode(bytes);
    if (!text.includes("\0")) return undefined;
  } catch {
    // It is told below where that is.
  }
  const at = text.search(/[\0\ufffd]/);
  return text.slice(0, at).split(/\r\n|\n|\r/).length;
}

interface LineWarning {
  line: number;
  problem: keyof WarningWords["dotenv"];
}

/** The lines of which systemd makes something else than the relay. */
function differences(text: string, variables: Dotenv["variables"]): LineWarning[] {
  if (process.platform !== "linux") return [];
  const readings = readingsOf(text);
  const own = [...variables].filter(([name, { value }]) => readings.some((one) => one.get(name)?.value !== value))
    .map(([name, { line }]): LineWarning => ({
      line,
      problem: readings.every((one) => one.has(name)) ? "otherValue" : "notSet",
    }));
  const others = readings.flatMap((one) => [...one]).filter(([name]) => !variables.has(name))
    .map(([, { line }]): LineWarning => ({ line, problem: "setOnly" }));
  return [...own, ...others];
}

/** One warning a line, by the order of the lines; the last one that is given counts. */
function warningsOf(found: readonly LineWarning[]): ConfigWarning[] {
  const byLine = new Map(found.map(({ line, problem }) => [line, problem]));
  return [...byLine].sort(([one], [other]) => one - other)
    .map(([line, problem]) => ({ path: placeOf(line), warning: ({ dotenv }) => dotenv[problem] }));
}

function placeOf(line: number): string {
  return `.env:${line}`;
}
