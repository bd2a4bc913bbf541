/** `relay send` */

import process from "node:process";
import type { Command } from "commander";
import { loadConfig } from "../config/load.ts";
import { ExitCode, RelayError } from "../errors.ts";
import { visible } from "../log.ts";
import { networkOutcome } from "../targets/outcomes.ts";
import { eventBytes, sampleNames } from "./samples.ts";
import { sendTo } from "./send_to.ts";
import { print, printJson, sourceOf, type SourceOptions, verb } from "./shared.ts";

/** Longest wait for the relay's answer, in milliseconds. */
const ANSWER_WAIT_MS = 15_000;

interface Options extends SourceOptions {
  data?: string;
  url?: string;
  to?: string;
}

export function sendVerb(): Command {
  return verb("send", "sign a sample event and post it to the running relay", "config", "source", "json")
    .argument("[event]", "name of the event; default: note.completed")
    .option("--data <file>", "send the bytes of this file (- for standard input) instead of a sample")
    .option("--url <url>", "where to post; default: this config's listener, on this machine")
    .option("--to <target>", "send one test message to this target alone, by the store; no route is asked")
    .addHelpText(
      "after",
      `\nSamples: ${sampleNames.join(", ")}` +
        "\nExit: 0 the relay answered 200, or with --to the target took the message; 1 it did not.",
    )
    .action((event: string | undefined, options: Options) =>
      options.to === undefined
        ? send(event ?? "note.completed", options)
        : sendTo(event, { ...options, to: options.to })
    );
}

async function send(event: string, options: Options): Promise<void> {
  const loaded = await loadConfig(options.config);
  const source = sourceOf(loaded, options.source);
  const body = eventBytes(event, options.data);
  const url = options.url ?? localUrl(loaded.config.listen, source.path);
  const response = await post(url, body, source.signatureHeader, source.sign(body));
  const answer = await response.text();
  if (options.json) printJson({ url, status: response.status, answer });
  else print(`${response.status} ${visible(answer)}`);
  if (response.status !== 200) process.exitCode = ExitCode.failed;
}

async function post(url: string, body: Uint8Array, signatureHeader: string, signature: string): Promise<Response> {
  if (!/^https?:/.test(url) || !URL.canParse(url)) {
    throw new RelayError(`Cannot post to "${url}": it is no http:// or https:// URL`, undefined, ExitCode.usage);
  }
  try {
    return await fetch(url, {
      method: "POST",
      headers: { "Content-Type": "application/json", [signatureHeader]: signature },
      body: body as BodyInit,
      redirect: "manual",
      signal: AbortSignal.timeout(ANSWER_WAIT_MS),
    });
  } catch (error) {
    if ((error as Error).name === "TimeoutError") {
      throw new RelayError(`Cannot post to ${url}: no answer within ${ANSWER_WAIT_MS} ms`);
    }
    const { detail } = networkOutcome(error, url);
    throw new RelayError(detail, "start the relay with `relay serve`, or name another --url");
  }
}

function localUrl({ host, port }: { host: string; port: number }, path: string): string {
  const reachable = host === "0.0.0.0" || host === "::" ? "127.0.0.1" : host;
  return `http://${reachable.includes(":") ? `[${reachable}]` : reachable}:${port}${path}`;
}
