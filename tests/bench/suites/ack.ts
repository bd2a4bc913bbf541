/** How fast events are acknowledged, beside what the relay replaces and what the machine can do at best. */

import { CONNECTIONS, load, type Loaded, type Mode, type Records } from "../load.ts";
import { bare, type Peer, peers, withPeer } from "../peers.ts";
import { heldTarget, httpTarget, makePlace, type Place, startRelay, startSink, storedEvents } from "../relay.ts";
import type { Bench, Suite } from "./suite.ts";

const limits: Peer[] = [bare("bare Bun.serve", "ok"), bare("bare Bun.serve, body and HMAC", "hmac")];

/** Rows of the relay that the goals name. */
export const rows = {
  one: "relay, 1 target",
  four: "relay, 4 targets",
  held: "relay, 1 target, deliveries held back",
  duplicate: "relay, one event again and again",
  forged: "relay, forged signatures",
};

/** Rounds in which everything has its turn, so that what slows the machine for a while slows all of it. */
export const ack: Suite = async (bench) => {
  const { plan, say } = bench;
  const relays: [name: string, measure: () => Promise<void>][] = [
    [rows.one, () => measureRelay(bench, rows.one, 1)],
    [rows.four, () => measureRelay(bench, rows.four, 4)],
    [rows.held, () => measureRelay(bench, rows.held, 0)],
    [rows.duplicate, () => measureRelay(bench, rows.duplicate, 0, "same")],
    [rows.forged, () => measureRelay(bench, rows.forged, 0, "wrap", bench.forged)],
  ];
  const others = [...peers, ...limits].filter((peer) => peer.isInstalled())
    .map((peer): typeof relays[number] => [peer.name, () => measurePeer(bench, peer)]);
  const turns = others.flatMap((other, index) => index < relays.length ? [relays[index]!, other] : [other]);
  for (let round = 1; round <= plan.rounds; round++) {
    await bench.noteMachine();
    for (const [name, measure] of [...turns, ...relays.slice(others.length)]) {
      say(`ack, round ${round} of ${plan.rounds}: ${name}`);
      await measure();
    }
  }
};

/** @param targets How many each event goes to; 0 is one that holds its deliveries back. */
async function measureRelay(
  { plan, results, genuine }: Bench,
  row: string,
  targets: number,
  mode: Mode = "each",
  records: Records = genuine,
): Promise<void> {
  const sink = await startSink();
  const place = makePlace();
  const names = Array.from({ length: Math.max(targets, 1) }, (_, index) => `t${index + 1}`);
  const relay = await startRelay(
    place,
    Object.fromEntries(names.map((name) => [name, targets === 0 ? heldTarget : httpTarget(sink.port)])),
  );
  try {
    const { port } = relay;
    const warmUp = await load({ port, records, seconds: plan.warmUpSeconds, mode });
    const loaded = await load({ port, records, seconds: plan.seconds, mode, offset: plan.warmUpRecords });
    check(row, place, mode, [warmUp, loaded]);
    results.add("ack", row, figures(loaded));
  } finally {
    await relay.stop();
    await sink.stop();
    place.remove();
  }
}

async function measurePeer({ plan, results, genuine }: Bench, peer: Peer): Promise<void> {
  await withPeer(peer, async (port) => {
    await load({ port, records: genuine, seconds: plan.warmUpSeconds, mode: "wrap" });
    const loaded = await load({ port, records: genuine, seconds: plan.seconds, mode: "wrap" });
    if (loaded.refused > 0) throw new Error(`${peer.name} refused ${loaded.refused} of ${loaded.answers} events`);
    results.add("ack", peer.name, figures(loaded));
  });
}

function figures({ answers, seconds, p50Ms, p99Ms }: Loaded) {
  return { "answers/s": answers / seconds, "p50 ms": p50Ms, "p99 ms": p99Ms };
}

/** A figure counts only if the relay did what it answered. */
function check(row: string, place: Place, mode: Mode, loads: readonly Loaded[]): void {
  const fail = (problem: string) => {
    throw new Error(`${row}: ${problem}; ${JSON.stringify(loads)}`);
  };
  const sum = (key: keyof Loaded) => loads.reduce((total, one) => total + one[key], 0);
  if (sum("exhausted") > 0) fail("there were not enough signed requests");
  if (sum("failed") > 0) fail("connections failed");
  const refused = mode === "wrap" ? sum("answers") : 0;
  if (sum("refused") !== refused) fail(`${sum("refused")} refused, and ${refused} should be`);
  const stored = storedEvents(place);
  // What was being answered as the load ended is stored, and not counted as answered.
  const expected = mode === "each" ? sum("answers") : mode === "same" ? loads.length : 0;
  const more = mode === "each" ? loads.length * CONNECTIONS : 0;
  if (stored < expected || stored > expected + more) fail(`${stored} stored, and ${expected} answered as stored`);
}
