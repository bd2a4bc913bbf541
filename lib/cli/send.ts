/** `relay send` */

import process from "node:process";
import type { Command } from "commander";
import type { LoadedConfig } from "../config/load.ts";
import { patternWarning } from "../config/pattern_warnings.ts";
import { sampleNames } from "../connectvets/samples.ts";
import { ExitCode, RelayError, sayError } from "../errors.ts";
import { formatId, type IdBytes } from "../id.ts";
import { listenerUrl } from "../listener_url.ts";
import { inEnglish, type Phrase } from "../locale/phrase.ts";
import { paint, visible } from "../log.ts";
import { isLoopback } from "../outbound/addresses.ts";
import { idOf } from "../pipeline/accept.ts";
import { requestTo, type Source } from "../sources/source.ts";
import { storePlace } from "../store_place.ts";
import { fingerprintOf } from "../tls/certificate.ts";
import { destinationItems, destinationsOf } from "../operator/chains.ts";
import { isSettled, showAttempts } from "./follow.ts";
import { formatAt, locale, words } from "./language.ts";
import { post } from "./post.ts";
import { sendTo } from "./send_to.ts";
import { configOf, print, printJson, readInput, say, sourceOf, type SourceOptions, verb } from "./shared.ts";
import { inStoreOf, type OpenStore } from "./store.ts";

/** How long `--wait` follows an event, in milliseconds. */
const WAIT_MS = 60_000;

interface Options extends SourceOptions {
  data?: string;
  url?: string;
  to?: string;
  wait?: boolean;
}

export function sendVerb(): Command {
  const { about, options, help } = words.send;
  return verb("send", about, "config", "source", "json")
    .argument("[event]", options.event)
    .option("--data <file>", options.data)
    .option("--url <url>", options.url)
    .option("--to <target>", options.to)
    .option("--wait", options.wait)
    .addHelpText("after", help(sampleNames))
    .action((event: string | undefined, options: Options) =>
      options.to === undefined
        ? send(event ?? "note.completed", options)
        : sendTo(event, { ...options, to: options.to, waitMs: options.wait ? WAIT_MS : undefined })
    );
}

async function send(event: string, options: Options): Promise<void> {
  const loaded = await configOf(options);
  const source = sourceOf(loaded, options.source);
  const warning = source.kind === "connectvets" ? patternWarning(event, false) : undefined;
  if (warning) process.stderr.write(`${visible(warning(words.warnings))}\n`);
  const draft = source.draft(event, options.data === undefined ? undefined : readInput(options.data));
  const { listen } = loaded.config;
  const url = options.url ?? listenerUrl(listen.host, listen.port, listen.tls ? "https" : "http") + source.path;
  const headers = { ...draft.headers, ...source.sign(requestTo(source, draft, Date.now(), url)) };
  const isLocal = options.url === undefined || isLoopback(hostOf(url));
  const isHere = isLocal && (listen.tls !== undefined || url.startsWith("http:"));
  const { status, text, fingerprint } = await post(url, draft.body, headers, isHere);
  if (!options.json) print(`${status} ${visible(text)}`);
  if (fingerprint !== undefined && fingerprint !== fingerprintOf(listen.tls!.cert)) {
    process.stderr.write(`${words.send.otherCertificate}\n`);
  }
  if (status === 401 && isLocal) process.stderr.write(`${words.send.otherSecret}\n`);
  if (status !== 200) process.exitCode = ExitCode.failed;
  const stored = status === 200
    ? await storedEvent(loaded, eventOf(source, draft), { ...options, isLocal, isNew: text !== "Already processed" })
    : {};
  if (options.json) printJson({ url, status, answer: text, event: null, targets: null, ...stored }, loaded.redact);
}

function hostOf(url: string): string {
  return URL.canParse(url) ? new URL(url).hostname : "";
}

/** The id that the relay gives this event; `undefined` if its source would not take it. */
function eventOf(source: Source, { headers, body }: ReturnType<Source["draft"]>): IdBytes | undefined {
  const read = source.read({ headers: new Headers(headers), body });
  return "problem" in read ? undefined : idOf({ source, body, event: read.event }, []);
}

interface Storing {
  isLocal: boolean;
  isNew: boolean;
  wait?: boolean;
  json?: boolean;
}

/** Tells where an event goes that the relay has taken, and follows it with `--wait`; gives what `--json` says of it. */
async function storedEvent(loaded: LoadedConfig, id: IdBytes | undefined, options: Storing): Promise<object> {
  const place = storePlace(loaded);
  let problem: Phrase;
  if ("file" in place && !options.isLocal) problem = ({ send }) => send.unknown.elsewhere;
  else {
    try {
      const told = id && await inStoreOf(loaded, (open) => tell(open, id, options));
      if (told) return told;
      problem = ({ send }) => send.unknown.notStored(place.shown);
    } catch (error) {
      if (!(error instanceof RelayError)) throw error;
      problem = (words) => words.send.unknown.noStore(sayError(error)(words));
    }
  }
  if (options.wait) process.exitCode = ExitCode.failed;
  if (!options.json) process.stderr.write(`${visible(problem(words))}\n`);
  return { problem: inEnglish(problem) };
}

async function tell(open: OpenStore, id: IdBytes, { isNew, wait, json }: Storing): Promise<object | undefined> {
  const story = await open.store.story(id);
  if (!story) return undefined;
  const event = formatId(id);
  const targets = [...new Set(story.deliveries.map(({ target }) => target))];
  const said = words.send.event;
  if (!json) {
    for (const problem of story.problems) {
      say(paint("red", open.loaded.redact(visible(words.events.story.problem(problem.in(locale))))));
    }
    const items = destinationItems(destinationsOf(story.deliveries), words.pages, formatAt(Date.now()));
    say(isNew ? (targets.length > 0 ? said.goesTo : said.unrouted)(event, items) : said.duplicate(event, items));
  }
  if (!wait) return { event, targets };
  const deliveries = await showAttempts(open, id, { until: "ended", patienceMs: WAIT_MS, isQuiet: json });
  if (!json && !deliveries.every(isSettled)) say(words.send.follow.seeEvent(event));
  return { event, targets, deliveries: deliveries.map(({ ref: _, ...delivery }) => delivery) };
}
