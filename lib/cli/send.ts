/** `relay send` */

import process from "node:process";
import type { Command } from "commander";
import { sampleNames } from "../connectvets/samples.ts";
import { ExitCode } from "../errors.ts";
import { listenerUrl } from "../listener_url.ts";
import { visible } from "../log.ts";
import { isLoopback } from "../outbound/addresses.ts";
import { requestTo } from "../sources/source.ts";
import { fingerprintOf } from "../tls/certificate.ts";
import { post } from "./post.ts";
import { sendTo } from "./send_to.ts";
import { configOf, print, printJson, readInput, sourceOf, type SourceOptions, verb } from "./shared.ts";

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
    .option("--to <target>", "send one test message to this target alone, through the store and past the routes")
    .addHelpText(
      "after",
      `\nSamples: ${sampleNames.join(", ")}` +
        "\nExit: 0 if the relay answered 200, or with --to if the target took the message; 1 if not.",
    )
    .action((event: string | undefined, options: Options) =>
      options.to === undefined
        ? send(event ?? "note.completed", options)
        : sendTo(event, { ...options, to: options.to })
    );
}

async function send(event: string, options: Options): Promise<void> {
  const loaded = await configOf(options);
  const source = sourceOf(loaded, options.source);
  const draft = source.draft(event, options.data === undefined ? undefined : readInput(options.data));
  const { listen } = loaded.config;
  const url = options.url ?? listenerUrl(listen.host, listen.port, listen.tls ? "https" : "http") + source.path;
  const headers = { ...draft.headers, ...source.sign(requestTo(source, draft, Date.now(), url)) };
  const isLocal = options.url === undefined || isLoopback(hostOf(url));
  const isHere = isLocal && (listen.tls !== undefined || url.startsWith("http:"));
  const { status, text, fingerprint } = await post(url, draft.body, headers, isHere);
  if (options.json) printJson({ url, status, answer: text });
  else print(`${status} ${visible(text)}`);
  if (status !== 200) process.exitCode = ExitCode.failed;
  if (fingerprint === undefined || fingerprint === fingerprintOf(listen.tls!.cert)) return;
  process.stderr.write(
    "The relay shows another certificate than that of the config now: reload it, if the config's is the one to show\n",
  );
}

function hostOf(url: string): string {
  return URL.canParse(url) ? new URL(url).hostname : "";
}
