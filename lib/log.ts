/** The log: one line for each accepted event and each attempt. Short and coloured on a terminal, JSON elsewhere. */

import process from "node:process";
import { styleText } from "node:util";
import { configureSync, getLogger, type LogRecord } from "@logtape/logtape";
import type { Redact } from "./secret.ts";

/** Where everything of the relay logs to. Silent until {@link startLog}. */
export const log = getLogger("relay");

let debugging = false;

/** Whether headers and bodies are logged; asked before they are made ready for it. */
export function isDebug(): boolean {
  return debugging;
}

/**
 * Starts to write the log to standard output.
 * @param redact Masks secrets; it is asked for with every line, since a reload may change them.
 */
export function startLog(options: { debug: boolean; redact: () => Redact }): void {
  debugging = options.debug;
  const format = process.stdout.isTTY ? terminalLine : jsonLine;
  const write = (record: LogRecord) => void process.stdout.write(format(record, options.redact()));
  process.stdout.on("error", () => {}); // whoever read the log has gone; the events have not
  configureSync({
    reset: true,
    sinks: { stdout: write },
    loggers: [
      { category: "relay", lowestLevel: debugging ? "debug" : "info", sinks: ["stdout"] },
      { category: ["logtape", "meta"], lowestLevel: "warning", sinks: ["stdout"] },
    ],
  });
}

const colors = { trace: "gray", debug: "gray", info: "green", warning: "yellow", error: "red", fatal: "red" } as const;

function jsonLine(record: LogRecord, redact: Redact): string {
  const time = new Date(record.timestamp).toISOString();
  const message = messageOf(record, redact);
  return `${JSON.stringify({ ...record.properties, time, level: record.level, message }, maskWith(redact))}\n`;
}

function terminalLine(record: LogRecord, redact: Redact): string {
  const time = new Date(record.timestamp).toLocaleTimeString("en-GB");
  const [, word = "", rest = ""] = /^(\S*)(.*)$/s.exec(visible(messageOf(record, redact))) ?? [];
  const details = record.level === "debug" ? ` ${JSON.stringify(record.properties, maskWith(redact))}` : "";
  return `${paint("gray", time)} ${paint(colors[record.level], word)}${rest}${details}\n`;
}

/** The message with its values filled in. What stands at even places is the program's own words. */
function messageOf({ message }: LogRecord, redact: Redact): string {
  const show = (part: unknown) => redact(typeof part === "string" ? part : JSON.stringify(part));
  return message.map((part, index) => index % 2 === 0 ? part : show(part)).join("");
}

/** Masks values, never names, while JSON is written. */
function maskWith(redact: Redact): (name: string, value: unknown) => unknown {
  return (name, value) => typeof value === "string" && name !== "message" ? redact(value) : value;
}

/** A text without control characters, which could clear a terminal or forge a line on it. */
export function visible(text: string): string {
  return text.replaceAll(/\p{Cc}/gu, (character) => `\\x${character.charCodeAt(0).toString(16).padStart(2, "0")}`);
}

/** Colours a text for standard output, unless `NO_COLOR` is set or it is no terminal. */
export function paint(color: Parameters<typeof styleText>[0], text: string): string {
  return process.stdout.isTTY && !process.env.NO_COLOR ? styleText(color, text) : text;
}

const SENSITIVE_HEADER = /auth|cookie|signature|token|secret|key/i;

/** Headers as they may be logged; `signatureHeader` is masked whatever its name. */
export function maskHeaders(headers: Headers, signatureHeader: string): Record<string, string> {
  const isSensitive = (name: string) => SENSITIVE_HEADER.test(name) || name === signatureHeader.toLowerCase();
  return Object.fromEntries([...headers].map(([name, value]) => [name, isSensitive(name) ? "[masked]" : value]));
}
