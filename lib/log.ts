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
  process.stdout.on("error", () => {}); // whoever read the log has gone; the events have not
  configureSync({
    reset: true,
    sinks: { stdout: (record) => void process.stdout.write(options.redact()(format(record))) },
    loggers: [
      { category: "relay", lowestLevel: debugging ? "debug" : "info", sinks: ["stdout"] },
      { category: ["logtape", "meta"], lowestLevel: "warning", sinks: ["stdout"] },
    ],
  });
}

const colors = { trace: "gray", debug: "gray", info: "green", warning: "yellow", error: "red", fatal: "red" } as const;

function jsonLine({ timestamp, level, message, properties }: LogRecord): string {
  const time = new Date(timestamp).toISOString();
  return `${JSON.stringify({ time, level, message: message.map(show).join(""), ...properties })}\n`;
}

function terminalLine(record: LogRecord): string {
  const time = new Date(record.timestamp).toLocaleTimeString("en-GB");
  const [, word = "", rest = ""] = /^(\S*)(.*)$/s.exec(record.message.map(show).join("")) ?? [];
  const details = record.level === "debug" ? ` ${JSON.stringify(record.properties)}` : "";
  return `${paint("gray", time)} ${paint(colors[record.level], word)}${rest}${details}\n`;
}

function show(part: unknown): string {
  return typeof part === "string" ? part : JSON.stringify(part);
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
