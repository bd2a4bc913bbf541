/** A loaded relay with targets of several kinds, some of which misbehave, that can be killed and goes on. */

import { closeSync, existsSync, openSync, readSync } from "node:fs";
import { join } from "node:path";
import process from "node:process";
import { makeFolder } from "../helpers/folder.ts";
import { freePort } from "../helpers/port.ts";
import { configOf, type RunningRelay, startRelay } from "../helpers/relay.ts";
import { delayed, garbage, halfAnswer, hang, reset, type Respond, startSink, status } from "../helpers/sink.ts";
import { sleep, until } from "../helpers/wait.ts";
import { Ledger } from "./ledger.ts";
import { accounted, isFailed, type Load, numberOf, startLoad } from "./load.ts";
import { tryAgain } from "./options.ts";
import { type Cut, startProxy } from "./proxy.ts";
import { pick, type Random } from "./random.ts";
import { recordedIn } from "./recorded.ts";

/** Most deliveries that each target has in flight. */
const CONCURRENCY = 8;

/** Within so long a start is well over, in milliseconds. */
export const START_MS = 150;

/** What the targets are: one that always answers, one behind a network that cuts, one that misbehaves, a script. */
export const targets = ["steady", "cut", "rough", "archive"] as const;

/** Notes each run in a file. Where a crash has cut its input it has nothing, and says so. */
const archiveScript = `#!/bin/sh
body=$(cat)
[ -n "$body" ] || exit 1
printf '%s %s %s\\n' "$RELAY_DELIVERY_ID" "$LIFE" "$body" >> arrivals
`;

/** How much of the relay's output is kept, in bytes. */
const MAX_OUTPUT = 65_536;

export interface Scene {
  folder: string;
  ledger: Ledger;
  /** The relay as it runs now. */
  relay(): RunningRelay;
  /** Connections that the network has cut. */
  cuts(): number;
  /**
   * `kill -9`, and the next start in the same folder.
   * @param againAfterMs So long after its start the next one is killed as well, and another one is started.
   */
  crash(againAfterMs?: number): Promise<void>;
  /** Takes account of what the script has noted. */
  readArchive(): void;
  /** Ends the load, and waits until each event has arrived, at most so long. */
  settle(timeoutMs: number): Promise<void>;
  close(): Promise<void>;
}

/** Starts the executable under a steady load. */
export async function startScene(
  random: Random,
  options: { clients: number; perSecond: number },
): Promise<Scene> {
  const folder = makeFolder();
  const port = await freePort();
  const ledger = new Ledger((number) => isFailed(number) ? targets : targets.slice(0, 3));
  const account = (target: string, respond: Respond, takes = true) => accounted(ledger, target, respond, takes);
  const steady = account("steady", (response) => void response.end("ok"));
  const steadySink = await startSink((...args) => {
    steady(...args);
    steadySink.requests.length = 0; // the ledger has what matters, and a long run must not grow
  });
  const cutSink = await startSink(account("cut", (response) => void response.end("ok")));
  const proxy = await startProxy(cutSink.port, () => cutAt(random));

  const good = account("rough", delayed(10, status(200)));
  const bad = [
    ...[hang, reset, garbage, status(500), status(503, "", { "Retry-After": "0" }), status(429)].map((respond) =>
      account("rough", respond, false)
    ),
    account("rough", halfAnswer),
  ];
  const roughSink = await startSink((...args) => {
    (random() < 0.25 ? pick(random, bad) : good)(...args);
    roughSink.requests.length = cutSink.requests.length = 0;
  });

  let life = 0;
  const start = (killAfterMs?: number) => {
    life++;
    const to = (port: number) =>
      `url: "http://127.0.0.1:${port}/", headers: { Life: "${life}" }, concurrency: ${CONCURRENCY}, ${tryAgain}`;
    const config = configOf({
      port,
      targets: `
        steady: http({ ${to(steadySink.port)} }),
        cut: http({ ${to(proxy.port)} }),
        rough: http({ ${to(roughSink.port)}, timeout: "300ms" }),
        archive: script({ command: ["./archive.sh"], env: { LIFE: "${life}" }, concurrency: ${CONCURRENCY}, ${tryAgain} }),`,
      routes: `{ on: "**", to: ["steady", "cut", "rough"] }, { on: "note.failed", to: "archive" }`,
    });
    return startRelay(config, {
      folder: folder.path,
      files: { "archive.sh": archiveScript },
      maxOutput: MAX_OUTPUT,
      spawned: ({ pid }) => killAfterMs !== undefined && setTimeout(() => process.kill(pid!, "SIGKILL"), killAfterMs),
    });
  };
  const close = async () => {
    await Promise.all([steadySink, cutSink, roughSink, proxy].map((one) => one.close()));
    folder.remove();
  };
  let relay = await start().catch(async (error) => {
    await close();
    throw error;
  });
  const load: Load = startLoad(`http://127.0.0.1:${port}/webhook`, ledger, options);
  const lines = linesOf(join(folder.path, "arrivals"));

  function readArchive(): void {
    for (const line of lines()) {
      const [deliveryId = "", life, body = ""] = line.split(/ (\d+) /, 3);
      ledger.arrive({ number: numberOf(body), target: "archive", deliveryId, life: Number(life), isTaken: true });
    }
  }

  return {
    folder: folder.path,
    ledger,
    relay: () => relay,
    cuts: proxy.cuts,
    async crash(againAfterMs) {
      await relay.end("SIGKILL");
      if (againAfterMs !== undefined) {
        const next = await start(againAfterMs).catch(() => undefined); // it may die before it listens
        await next?.exited;
      }
      readArchive();
      for (const { number, target } of recordedIn(join(folder.path, "relay.db"))) ledger.record(number, target);
      relay = await start();
    },
    readArchive,
    async settle(timeoutMs) {
      await load.stop();
      const isDone = () => {
        readArchive();
        return ledger.outstanding() === 0;
      };
      await until("every delivery", isDone, timeoutMs).catch(() => {}); // the ledger says what is missing
      await sleep(500); // for repeats that no longer should come
      readArchive();
    },
    async close() {
      await relay.close();
      await close();
    },
  };
}

/** Repeats by their cause: a crash, an answer that was cut or came too late, or none that would excuse it. */
export function causesOf({ repeats }: Ledger): { crash: number; network: number; none: number } {
  const causes = { crash: 0, network: 0, none: 0 };
  for (const [target, { afterCrash, withinLife }] of repeats) {
    causes.crash += afterCrash;
    causes[target === "cut" || target === "rough" ? "network" : "none"] += withinLife;
  }
  return causes;
}

/** Every connection is cut somewhere, in its first request or after many. */
function cutAt(random: Random): Cut {
  return { in: pick(random, ["request", "answer"] as const), afterBytes: Math.ceil(random() ** 2 * 40_000) };
}

/** Gives, at each call, the whole lines that were added to a file since the last. */
function linesOf(path: string): () => string[] {
  let position = 0;
  const buffer = new Uint8Array(1 << 16);
  return () => {
    if (!existsSync(path)) return [];
    const file = openSync(path, "r");
    try {
      const lines: string[] = [];
      for (;;) {
        const text = new TextDecoder().decode(buffer.subarray(0, readSync(file, buffer, 0, buffer.length, position)));
        const end = text.lastIndexOf("\n") + 1;
        if (end === 0) return lines;
        position += new TextEncoder().encode(text.slice(0, end)).length;
        lines.push(...text.slice(0, end - 1).split("\n"));
      }
    } finally {
      closeSync(file);
    }
  };
}
