/** Delivers to a local program: the body on standard input, what it needs to know in its environment. */

import { type ChildProcess, spawn } from "node:child_process";
import { accessSync, constants } from "node:fs";
import { resolve, sep } from "node:path";
import process from "node:process";
import { z } from "zod";
import { printable, type RelayEvent } from "../event.ts";
import { options } from "../options.ts";
import type { Outcome } from "../outcome.ts";
import type { SecretText } from "../secret.ts";
import { exitOutcome } from "./outcomes.ts";
import { policyOf, type TargetDefinition, type TargetKind, type TargetOptions, targetShape } from "./target.ts";

/** Options of `script()`. */
export interface ScriptOptions extends TargetOptions {
  /** Program and arguments, passed as they are: no shell takes part. A relative program is relative to the config's folder. */
  command: readonly [program: string, ...args: string[]];
  /** Variables for the program, besides `PATH` and the `RELAY_…` ones. It gets no others. */
  env?: Record<string, SecretText>;
}

/** Runs a program. Delivered: exit 0. Exit 65 is dead at once, any other is tried again. */
export function script(options: ScriptOptions): TargetDefinition {
  return { target: "script", options };
}

/** Bytes kept of each output. */
const MAX_OUTPUT_BYTES = 4096;

/** How long outputs may stay open after the program ended, in milliseconds: something it started may hold them. */
const OUTPUT_WAIT_MS = 200;

const isWindows = process.platform === "win32";

const noNul = z.string().refine((text) => !text.includes("\0"), "expected a text without NUL");

const schema = options({
  ...targetShape,
  command: z.array(noNul).min(1, "expected a program").refine(([program]) => program !== "", "expected a program"),
  env: z.record(z.string().regex(/^[^=\0]+$/, "expected the name of a variable"), noNul).default({}),
});

export const scriptTarget: TargetKind<z.output<typeof schema>> = {
  kind: "script",
  schema,
  fields: [],
  build(name, options, context) {
    const [first = "", ...args] = options.command;
    const isPath = first.includes("/") || first.includes(sep);
    const program = isPath ? resolve(context.folder, first) : first;

    return {
      name,
      kind: "script",
      policy: policyOf(options),
      address: options.command.join(" "),
      secrets: Object.values(options.env),
      warnings: isPath && !isExecutable(program) ? [(words) => words.noProgram(first)] : [],
      sendsBytes: () => true,
      render: () => ({ command: options.command }),

      async deliver({ id, attempt, event }, signal) {
        signal.throwIfAborted();
        const env = {
          PATH: process.env.PATH ?? "/usr/local/bin:/usr/bin:/bin",
          ...(isWindows && process.env.SystemRoot && { SystemRoot: process.env.SystemRoot }), // nothing starts without it
          ...options.env,
          ...variablesOf(event),
          RELAY_TARGET: name,
          RELAY_DELIVERY_ID: id,
          RELAY_ATTEMPT: String(attempt),
        };
        return run(program, args, { cwd: context.folder, env }, event.body, signal);
      },
    };
  },
};

function variablesOf(event: RelayEvent): Record<string, string> {
  return { RELAY_EVENT_ID: event.id, RELAY_EVENT_TYPE: printable(event.type), RELAY_SOURCE: event.source };
}

function run(
  program: string,
  args: string[],
  options: { cwd: string; env: Record<string, string> },
  input: Uint8Array,
  signal: AbortSignal,
): Promise<Outcome> {
  return new Promise((resolve) => {
    // Its own process group, so that a time-out reaches whatever the program has started as well. Windows has none, and
    // would open a window instead.
    const child = spawn(program, args, {
      ...options,
      detached: !isWindows,
      windowsHide: true,
      stdio: ["pipe", "pipe", "pipe"],
    });
    const outputs = [keepStart(child.stdout), keepStart(child.stderr)];
    const kill = () => killGroup(child);
    signal.addEventListener("abort", kill, { once: true });

    const finish = (outcome: Outcome) => {
      signal.removeEventListener("abort", kill);
      for (const stream of [child.stdin, child.stdout, child.stderr]) stream.destroy();
      const answer = outputs.map((output) => output.text()).filter(Boolean).join("\n");
      resolve({ ...outcome, ...(answer && { answer }) });
    };
    child.on("error", (error: NodeJS.ErrnoException) => {
      finish({ kind: "retry", reason: "script_failed", detail: `Cannot run ${program}: ${error.code ?? "failed"}` });
    });
    child.on("exit", (code, exitSignal) => {
      const outcome = exitOutcome(code, exitSignal);
      const late = setTimeout(() => finish(outcome), OUTPUT_WAIT_MS);
      child.on("close", () => {
        clearTimeout(late);
        finish(outcome);
      });
    });
    // A program that does not read its input is free to do so.
    child.stdin.on("error", () => {});
    child.stdin.end(input);
  });
}

function killGroup(child: ChildProcess): void {
  if (child.pid === undefined) return;
  try {
    process.kill(-child.pid, "SIGKILL");
  } catch {
    child.kill("SIGKILL");
  }
}

/** Keeps the first bytes of a stream and reads the rest away, so that the program never blocks on it. */
function keepStart(stream: NodeJS.ReadableStream): { text(): string } {
  const decoder = new TextDecoder();
  let kept = "";
  let bytes = 0;
  stream.on("data", (chunk: Uint8Array) => {
    if (bytes < MAX_OUTPUT_BYTES) kept += decoder.decode(chunk.subarray(0, MAX_OUTPUT_BYTES - bytes), { stream: true });
    bytes += chunk.byteLength;
  });
  stream.on("error", () => {});
  return { text: () => kept };
}

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}
