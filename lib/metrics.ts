/** What is counted, in the names and units of Prometheus. Counters belong to this process; gauges come from the store. */

import { isOwnLane } from "./own_lane.ts";
import { Counter, Gauge, Histogram, Registry } from "./prometheus.ts";
import { runtime } from "./runtime.ts";
import { targetOfLane } from "./recipient.ts";
import type { Member } from "./store/members.ts";
import type { Store } from "./store/mod.ts";
import { isHeld, type Target, targetInLane } from "./targets/target.ts";
import { VERSION } from "./version.ts";

/** Every metric's name. */
export const names = {
  eventsReceived: "relay_events_received_total",
  deliveryAttempts: "relay_delivery_attempts_total",
  deliveriesDone: "relay_deliveries_total",
  ackDuration: "relay_ack_duration_seconds",
  attemptDuration: "relay_attempt_duration_seconds",
  commitDuration: "relay_store_commit_duration_seconds",
  backlog: "relay_delivery_backlog",
  oldestPending: "relay_oldest_pending_seconds",
  circuitOpen: "relay_circuit_open",
  noteRequests: "relay_note_requests_total",
  receiptsHeard: "relay_receipts_total",
  storeBytes: "relay_store_bytes",
  members: "relay_members",
  lanes: "relay_lanes",
  lanesOwned: "relay_lanes_owned",
  buildInfo: "relay_build_info",
} as const;

const registry = new Registry();
const registers = [registry];

/** Requests to a source, by result: `stored`, `duplicate`, or the reason why they were refused. */
export const eventsReceived = new Counter({
  name: names.eventsReceived,
  help: "Requests to a source, by result",
  labelNames: ["source", "result"],
  registers,
});

/** Attempts to deliver; `reason` is empty for those that delivered. */
export const deliveryAttempts = new Counter({
  name: names.deliveryAttempts,
  help: "Attempts to deliver, by outcome and reason",
  labelNames: ["target", "outcome", "reason"],
  registers,
});

/** Deliveries that ended, by state: `delivered` or `dead`. */
export const deliveriesDone = new Counter({
  name: names.deliveriesDone,
  help: "Deliveries that ended, by state",
  labelNames: ["target", "state"],
  registers,
});

/** From the first byte of a genuine event to its answer, with the event on disk. */
export const ackDuration = new Histogram({
  name: names.ackDuration,
  help: "Time from a genuine request to its answer, which is sent once the event is on disk",
  buckets: [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5],
  registers,
});

/** How long attempts took, whatever their outcome. */
export const attemptDuration = new Histogram({
  name: names.attemptDuration,
  help: "Duration of an attempt",
  labelNames: ["target"],
  buckets: [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30],
  registers,
});

/** How long the store took to bring a transaction to the disk. */
export const commitDuration = new Histogram({
  name: names.commitDuration,
  help: "Duration of a commit to the store, with the flush to disk",
  buckets: [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5],
  registers,
});

/** Receipts of vendors for messages, by what they tell; one that comes twice counts twice. */
export const receiptsHeard = new Counter({
  name: names.receiptsHeard,
  help: "Receipts for messages that a vendor had taken, by what they tell",
  labelNames: ["target", "status"],
  registers,
});

/** Requests to ConnectVets' API for a note, by result: `found`, `limited`, or the reason why it gave none. */
export const noteRequests = new Counter({
  name: names.noteRequests,
  help: "Requests for the details of a note, by result",
  labelNames: ["result"],
  registers,
});

const backlog = new Gauge({
  name: names.backlog,
  help: "Deliveries that are waiting or in flight",
  labelNames: ["target"],
  registers,
});

const oldestPending = new Gauge({
  name: names.oldestPending,
  help: "Age of the oldest event that is neither delivered nor dead; 0 if there is none",
  labelNames: ["target"],
  registers,
});

const circuitOpen = new Gauge({
  name: names.circuitOpen,
  help: "1 while a target is held because its attempts fail in a row",
  labelNames: ["target"],
  registers,
});

const storeBytes = new Gauge({ name: names.storeBytes, help: "Size of the store on disk", registers });

/** What is told only where relays share the store. */
const sharedRegistry = new Registry();
const sharedRegisters = [sharedRegistry];

const members = new Gauge({
  name: names.members,
  help: "Relays that share the store and are there, this one too, as it saw them last",
  registers: sharedRegisters,
});

const lanes = new Gauge({
  name: names.lanes,
  help: "Targets that the configs of these relays name",
  registers: sharedRegisters,
});

const lanesOwned = new Gauge({
  name: names.lanesOwned,
  help: "Targets whose deliveries are this relay's to make: every target has one owner",
  registers: sharedRegisters,
});

new Gauge({
  name: names.buildInfo,
  help: "Always 1; its labels say what is running",
  labelNames: ["version", "runtime"],
  registers,
}).set({ version: VERSION, runtime: `${runtime.name} ${runtime.version}` }, 1);

/** Results that are told of a source before there is one: Prometheus sees no increase in a series that begins with 1. */
const expected = ["stored", "duplicate", "signature_missing", "signature_malformed", "signature_wrong", "store_failed"];

/** Begins to count what a source receives. */
export function countSource(source: string): void {
  for (const result of expected) eventsReceived.inc({ source, result }, 0);
}

/** What one relay sees of those that share the store. */
export interface SharedView {
  members: readonly Pick<Member, "lanes">[];
  /** The lanes that it owns. */
  owned: readonly string[];
}

/**
 * Everything that is counted, in Prometheus' text format.
 * @param targets Those of the config; the store may know more of them.
 * @param shared What is seen of the relays that share the store; absent where it is for one alone.
 * @throws {StoreError} if the store cannot be read now.
 */
export async function readMetrics(
  store: Store,
  targets: ReadonlyMap<string, Target>,
  shared?: SharedView,
): Promise<{ type: string; text: string }> {
  for (const gauge of [backlog, oldestPending, circuitOpen]) gauge.reset();
  for (const target of targets.keys()) {
    for (const gauge of [backlog, oldestPending, circuitOpen]) gauge.set({ target }, 0);
    for (const state of ["delivered", "dead"]) deliveriesDone.inc({ target, state }, 0); // as `expected`
  }
  const now = store.time.now();
  // All recipients of a target together: what is shown names no person, and stays bounded.
  for (const [target, lanes] of Map.groupBy(await store.targets(), ({ name }) => targetOfLane(name))) {
    const policy = targets.get(target)?.policy;
    const pending = lanes.reduce((sum, lane) => sum + lane.pending, 0);
    if (!policy && pending === 0) continue; // it was in a config once
    const oldest = Math.min(...lanes.map(({ oldestPendingAt }) => oldestPendingAt ? Date.parse(oldestPendingAt) : now));
    backlog.set({ target }, pending);
    oldestPending.set({ target }, Math.max(0, (now - oldest) / 1000));
    const isOpen = lanes.some(({ name, circuitOpenUntil }) => {
      const own = targetInLane(targets, name);
      return own !== undefined && isHeld(own.policy, circuitOpenUntil);
    });
    circuitOpen.set({ target }, isOpen ? 1 : 0);
  }
  storeBytes.set(await store.bytes());
  const own = await registry.metrics();
  if (!shared) return { type: registry.contentType, text: own };
  members.set(shared.members.length);
  lanes.set(targetsOf(shared.members.flatMap((one) => one.lanes)));
  lanesOwned.set(targetsOf(shared.owned));
  return { type: registry.contentType, text: own + await sharedRegistry.metrics() };
}

/** How many targets are among these lanes. */
function targetsOf(names: readonly string[]): number {
  return new Set(names.filter((name) => !isOwnLane(name)).map(targetOfLane)).size;
}
