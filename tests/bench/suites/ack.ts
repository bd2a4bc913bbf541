/** What an event costs under a flood, beside what the relay replaces and what the machine can do at best. */

import { cpuColumn, type Flooded, floodPeer, floodRelay } from "../flood.ts";
import { bareHmac, bareOk, express, flask, php } from "../peers.ts";
import type { Bench, Suite } from "./suite.ts";

/** Rows of the relay. */
export const rows = {
  none: "relay, no route",
  one: "relay, 1 target",
  four: "relay, 4 targets",
  held: "relay, 1 target, deliveries held back",
  duplicate: "relay, one event again and again",
  forged: "relay, forged signatures",
};

/** How often the CPU of bare Bun that checks the signature, in the same round. */
export const timesColumn = "× bare HMAC";

/** Rounds in which everything has its turn, so that what slows the machine for a while slows all of it. */
export const ack: Suite = async (bench) => {
  const { plan, say, genuine, forged } = bench;
  const genuineOnce = { mode: "each", records: genuine } as const;
  const relays: Turn[] = [
    [rows.none, () => floodRelay(bench, { targets: 0, ...genuineOnce })],
    [rows.one, () => floodRelay(bench, { targets: 1, ...genuineOnce })],
    [rows.four, () => floodRelay(bench, { targets: 4, ...genuineOnce })],
    [rows.held, () => floodRelay(bench, { targets: "held", ...genuineOnce })],
    [rows.duplicate, () => floodRelay(bench, { targets: "held", mode: "same", records: genuine })],
    [rows.forged, () => floodRelay(bench, { targets: "held", mode: "wrap", records: forged })],
  ];
  const others = [bareOk, bareHmac, express, php, flask].filter((peer) => peer.isInstalled())
    .map((peer): Turn => [peer.name, () => floodPeer(bench, peer)]);
  const turns = relays.flatMap((relay, index) => [relay, ...others.slice(index, index + 1)]);
  for (let round = 1; round <= plan.rounds; round++) {
    await bench.noteMachine();
    const flooded = new Map<string, Flooded>();
    for (const [name, measure] of turns) {
      say(`ack, round ${round} of ${plan.rounds}: ${name}`);
      flooded.set(name, await measure());
    }
    addRound(bench.results, flooded);
  }
};

/** Something that is measured once a round. */
type Turn = [name: string, measure: () => Promise<Flooded>];

function addRound(results: Bench["results"], flooded: ReadonlyMap<string, Flooded>): void {
  const least = flooded.get(bareHmac.name)![cpuColumn];
  for (const [name, { [cpuColumn]: cpu, ...others }] of flooded) {
    results.add("ack", name, { [cpuColumn]: cpu, [timesColumn]: cpu && least && cpu / least, ...others });
  }
}
