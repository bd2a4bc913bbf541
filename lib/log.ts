/** The log: one line for each accepted event and each attempt. Short and coloured on a terminal, JSON elsewhere. */

import process from "node:process";
import { styleText } from "node:util";
import { maskRecipients } from "./recipient.ts";
import type { Redact } from "./secret.ts";

/** Values by name: those whose names stand in braces in the message, and others that are worth knowing. */
type Properties = Record<string, unknown>;

type Level = "debug" | "info" | "warning" | "error";

/** Where everything of the relay logs to. Silent until {@link startLog}. */
export const log = {
  debug: (message: string, properties?: Properties) => debugging && write("debug", message, properties),
  info: (message: string, properties?: Properties) => write("info", message, properties),
  warn: (message: string, properties?: Properties) => write("warning", message, properties),
  error: (message: string, properties?: Properties) => write("error", message, properties),
};

let write: (level: Level, message: string, properties?: Properties) => void = () => {};

let debugging = false;

/** Whether headers and bodies are logged; asked before they are made ready for it. */
export function isDebug(): boolean {
  return debugging;
}

/**
 * Starts to write the log to standard output. Of recipients it shows the last digits alone.
 * @param redact Masks secrets.
 * @param timeZone IANA name of the zone of times on a terminal; by default the machine's. JSON has times in UTC.
 * Both are asked for with every line, since a reload may change them.
 */
export function startLog(options: { debug: boolean; redact: () => Redact; timeZone?: () => string }): void {
  debugging = options.debug;
  const lineOf = process.stdout.isTTY
    ? (record: LogRecord, redact: Redact) => terminalLine(record, redact, options.timeZone?.())
    : jsonLine;
  write = (level, message, properties = {}) => {
    const time = new Date();
    try {
      writeSoon(maskRecipients(lineOf({ level, message, properties, time }, options.redact())));
    } catch {
      writeSoon(lineOf({ level, message, properties: {}, time }, options.redact())); // what it is about fails no one
    }
  };
  process.stdout.on("error", () => {}); // whoever read the log has gone; the events have not
}

let waiting = "";

/** Writes the lines of one turn of the event loop together: each write is a call of the system, and there are many lines. */
function writeSoon(line: string): void {
  if (waiting === "") setImmediate(writeNow);
  waiting += line;
}

function writeNow(): void {
  process.stdout.write(waiting);
  waiting = "";
}

/** Ends the program once everything that was logged is written. */
export function exitAfterLog(code: number): void {
  setImmediate(() => process.stdout.write("", () => process.exit(code)));
}

const colors = { debug: "gray", info: "green", warning: "yellow", error: "red" } as const;

interface LogRecord {
  time: Date;
  level: Level;
  message: string;
  properties: Properties;
}

/** Most lines hold nothing like a secret, which one look at the whole of it tells. */
function jsonLine(record: LogRecord, redact: Redact): string {
  const line = jsonOf(record, record.properties, (text) => text);
  return redact.finds(line) ? jsonOf(record, JSON.parse(masked(record.properties, redact)), redact) : line;
}

/** @param show Writes the values that stand in the message; the program's own words are never masked. */
function jsonOf(record: LogRecord, properties: Properties, show: Show): string {
  const own = JSON.stringify(properties).slice(1, -1);
  const message = JSON.stringify(messageOf(record, show));
  const time = record.time.toISOString();
  return `{${own}${own && ","}"time":"${time}","level":"${record.level}","message":${message}}\n`;
}

function terminalLine(record: LogRecord, redact: Redact, timeZone?: string): string {
  const time = record.time.toLocaleTimeString("en-GB", { timeZone });
  const show = (text: string) => TIME.test(text) ? localTime(new Date(text), record.time, timeZone) : redact(text);
  const [, word = "", rest = ""] = /^(\S*)(.*)$/s.exec(visible(messageOf(record, show))) ?? [];
  const details = record.level === "debug" ? ` ${visible(masked(record.properties, redact))}` : "";
  return `${paint("gray", time)} ${paint(colors[record.level], word)}${rest}${details}\n`;
}

/** A time in ISO 8601, as values of the log have it. */
const TIME = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/;

/** A time as the line's own; of another day, with its date. */
function localTime(at: Date, now: Date, timeZone?: string): string {
  const [day, today] = [at, now].map((one) => one.toLocaleDateString("en-CA", { timeZone }));
  const time = at.toLocaleTimeString("en-GB", { timeZone });
  return day === today ? time : `${day} ${time}`;
}

type Show = (text: string) => string;

/** The message with its values filled in, as `show` writes them; the rest is the program's own words. */
function messageOf({ message, properties }: LogRecord, show: Show): string {
  const parts = partsOf(message);
  let text = parts[0]!;
  for (let at = 1; at < parts.length; at += 2) {
    const value = properties[parts[at]!];
    text += show(typeof value === "string" ? value : JSON.stringify(value) ?? "") + parts[at + 1];
  }
  return text;
}

/** Messages of the program, of which there are few, taken apart once: words and names of values in turn. */
const messages = new Map<string, string[]>();

function partsOf(message: string): string[] {
  let parts = messages.get(message);
  if (!parts) messages.set(message, parts = message.split(/\{(\w+)\}/));
  return parts;
}

/** As JSON, with its values masked, never its names. */
function masked(properties: Properties, redact: Redact): string {
  return JSON.stringify(properties, (_, value) => typeof value === "string" ? redact(value) : value);
}

/**
 * A text whose control characters, which could clear a terminal, forge a line on it, or have it show a line in another
 * order than it was written (as of bidirectional text), are written out: `\x1b`, `\u202e`.
 */
export function visible(text: string): string {
  return text.replaceAll(/[\p{Cc}\p{Bidi_Control}]/gu, (character) => {
    const code = character.charCodeAt(0).toString(16);
    return code.length > 2 ? `\\u${code.padStart(4, "0")}` : `\\x${code.padStart(2, "0")}`;
  });
}

/** Colours a text for standard output, unless `NO_COLOR` is set or it is no terminal. */
export function paint(color: Parameters<typeof styleText>[0], text: string): string {
  return process.stdout.isTTY && !process.env.NO_COLOR ? styleText(color, text) : text;
}

const SENSITIVE_HEADER = /auth|cookie|credential|digest|hmac|jwt|key|passw|secret|session|signature|token/i;

/** Headers as they may be logged; those of `secretHeaders` are masked whatever their names. */
export function maskHeaders(headers: Headers, secretHeaders: readonly string[]): Record<string, string> {
  const secret = new Set(secretHeaders.map((name) => name.toLowerCase()));
  const isSensitive = (name: string) => SENSITIVE_HEADER.test(name) || secret.has(name);
  return Object.fromEntries([...headers].map(([name, value]) => [name, isSensitive(name) ? "[masked]" : value]));
}
