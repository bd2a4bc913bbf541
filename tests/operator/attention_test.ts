/** What needs attention, and in which order. */

import assert from "node:assert/strict";
import { test } from "node:test";
import { Told } from "../../lib/locale/told.ts";
import { attentionOf, relayTroubles } from "../../lib/operator/attention.ts";
import type { Relays, RelayView } from "../../lib/operator/relays.ts";
import type { Status } from "../../lib/operator/status.ts";

const NOW = Date.parse("2026-01-02T03:04:05Z");
const calm = { alarms: [], refusals: [] };
const ago = (ms: number) => new Date(NOW - ms).toISOString();

function statusOf(name: string, parts: Partial<Status> = {}): Status {
  return {
    name,
    state: "ok",
    pending: 0,
    inFlight: 0,
    dead: 0,
    oldestPendingAt: null,
    lastDeliveredAt: null,
    lastFailedAt: null,
    lastReason: null,
    circuitOpenUntil: null,
    throttledUntil: null,
    pausedAt: null,
    ...parts,
  };
}

const groupOf = (target: string, count: number) =>
  ({ target, reason: "refused", count, oldestAt: ago(9_000), newestAt: ago(1_000) }) as const;

test("attentionOf() puts dead letters first, the most first, and what goes on by itself last", () => {
  const statuses = [
    statusOf("slow", { state: "throttled", pending: 1, throttledUntil: ago(-5_000) }),
    statusOf("held", { state: "paused", pausedAt: ago(60_000) }),
    statusOf("late", { pending: 2, inFlight: 1, oldestPendingAt: ago(301_000) }),
    statusOf("gone", { state: "orphaned", pending: 3, dead: 4, oldestPendingAt: ago(9_000) }),
    statusOf("down", {
      state: "open",
      pending: 5,
      circuitOpenUntil: ago(-2_000),
      oldestPendingAt: ago(9_000),
      lastReason: "dns_failed",
    }),
    statusOf("fine", { pending: 9, oldestPendingAt: ago(299_000) }),
  ];
  const found = attentionOf(statuses, [groupOf("few", 2), groupOf("many", 30)], calm, NOW);
  assert.deepEqual(found.map(({ kind, target, count }) => [kind, target, count]), [
    ["dead", "many", 30],
    ["dead", "few", 2],
    ["open", "down", 5],
    ["orphaned", "gone", 7],
    ["late", "late", 3],
    ["paused", "held", 0],
    ["throttled", "slow", 1],
  ]);
  assert.equal(found[2]!.reason, "dns_failed");
  assert.deepEqual(found.map(({ since, until }) => [since, until]), [
    [ago(9_000), undefined],
    [ago(9_000), undefined],
    [undefined, ago(-2_000)],
    [ago(9_000), undefined],
    [ago(301_000), undefined],
    [ago(60_000), undefined],
    [undefined, ago(-5_000)],
  ]);
});

test("attentionOf() tells of a target that fails, unless its dead letters say so, and of one that is late", () => {
  const failing = { state: "failing", lastFailedAt: ago(1), lastReason: "timed_out" } as const;
  const statuses = [
    statusOf("down", { ...failing, pending: 1, lastDeliveredAt: ago(70_000) }),
    statusOf("dead", { ...failing, lastReason: "refused", dead: 2 }),
    statusOf("late", { state: "dead_letters", pending: 1, oldestPendingAt: ago(301_000) }),
  ];
  const found = attentionOf(statuses, [groupOf("dead", 2)], calm, NOW);
  assert.deepEqual(found.map(({ kind, target, reason }) => [kind, target, reason]), [
    ["dead", "dead", "refused"],
    ["failing", "down", "timed_out"],
    ["late", "late", undefined],
  ]);
  assert.equal(found[1]!.since, ago(70_000));
});

test("attentionOf() tells of an alarm of refused requests that are not shown any more", () => {
  const alarms = [{ alarm: "refused", limit: 5, withinMs: 7_200_000, since: ago(9_000), to: "plantao" } as const];
  const one = { source: "s", reason: "signature_wrong", count: 1, lastAt: ago(1) } as const;
  const kinds = (refusals: Parameters<typeof attentionOf>[2]["refusals"]) =>
    attentionOf([], [], { alarms, refusals }, NOW).map(({ kind, count }) => [kind, count]);
  assert.deepEqual(kinds([]), [["refused", 5]]);
  assert.deepEqual(kinds([{ ...one, reason: "rate_limited" }]), [["refused", 5]]);
  assert.deepEqual(kinds([one]), []);
});

test("attentionOf() tells an orphan's dead letters once", () => {
  const found = attentionOf([statusOf("gone", { state: "orphaned", dead: 4 })], [groupOf("gone", 4)], calm, NOW);
  assert.deepEqual(found.map(({ kind, count }) => [kind, count]), [["orphaned", 4]]);
});

test("attentionOf() finds nothing where all is well", () => {
  assert.deepEqual(
    attentionOf([statusOf("fine", { lastFailedAt: ago(1), lastReason: "timed_out" })], [], calm, NOW),
    [],
  );
});

test("attentionOf() puts silence before all else, and leaves dead letters to those who count them", () => {
  const since = ago(9_000);
  const alarms = [
    { alarm: "dead", limit: 1, since, to: "plantao" },
    { alarm: "silent", pattern: "note.*", forMs: 1, since, to: "plantao" },
  ] as const;
  const found = attentionOf([], [groupOf("few", 2)], { ...calm, alarms: [...alarms] }, NOW);
  assert.deepEqual(found.map(({ kind, target }) => [kind, target]), [["silent", "note.*"], ["dead", "few"]]);
  assert.equal(found[0]!.since, since);
});

const view = {
  running: true,
  pid: 7,
  since: ago(600_000),
  version: "1.0.0",
  listeners: [],
  lastHeardAt: ago(1_000),
  stoppedAt: null,
  reload: null,
};

test("relayTroubles() tells of a relay that does not run, and of nothing else then", () => {
  const stopped = { ...view, running: false, stoppedAt: ago(5_000) };
  assert.deepEqual(relayTroubles({ view: stopped, configChanged: true }, NOW), [
    { kind: "stopped", stoppedAt: ago(5_000), lastHeardAt: ago(1_000) },
  ]);
});

test("relayTroubles() tells of a relay that hangs, that refused a config, or runs under an old one", () => {
  const reload = { refusedSince: ago(3_000), problem: Told.of(() => "bad"), mistakes: [] };
  const hanging = { ...view, lastHeardAt: ago(61_000), reload };
  const kinds = relayTroubles({ view: hanging, configChanged: true }, NOW).map(({ kind }) => kind);
  assert.deepEqual(kinds, ["mute", "reload", "config_changed"]);
  assert.deepEqual(relayTroubles({ view, configChanged: false }, NOW), []);
});

test("relayTroubles() names which of several relays is lost, takes over, hangs or refused a config, and what none owns", () => {
  const member = (name: string, parts: Partial<RelayView> = {}): RelayView => ({
    name,
    version: "1.0.0",
    state: "running",
    lanes: [],
    taking: [],
    duties: false,
    pid: 7,
    since: ago(600_000),
    listeners: [],
    lastHeardAt: ago(1_000),
    stoppedAt: null,
    reload: null,
    ...parts,
  });
  const relays: Relays = {
    members: [
      member("a", { taking: ["crm"] }),
      member("b", { lastHeardAt: ago(90_000) }),
      member("c", { reload: { refusedSince: ago(1), problem: Told.of(() => "bad"), mistakes: [] } }),
    ],
    gone: [member("d", { state: "lost" }), member("e", { state: "stopped" })],
    unowned: ["plantao"],
    takeovers: [],
  };
  const told = relayTroubles({ view, relays, configChanged: false }, NOW);
  assert.deepEqual(told.map((one) => [one.kind, "name" in one ? one.name : "targets" in one ? one.targets : ""]), [
    ["mute", "b"],
    ["unowned", ["plantao"]],
    ["lost", "d"],
    ["taking", "a"],
    ["reload", "c"],
  ]);
});
