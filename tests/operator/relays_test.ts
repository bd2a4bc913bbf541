/** What an operator sees of relays that share a store. */

import assert from "node:assert/strict";
import { test } from "node:test";
import { groupedTakeovers, ownerOf, relaysView } from "../../lib/operator/relays.ts";
import type { MemberView } from "../../lib/store/members.ts";
import type { Run } from "../../lib/store/runs.ts";

const NOW = Date.parse("2026-01-02T03:04:05Z");
const at = (ms: number) => new Date(NOW + ms).toISOString();

/** What a relay said of itself, whose config names these targets. */
function runOf(targets: readonly string[], parts: Partial<Run> = {}): Run {
  return {
    pid: 7,
    version: "1.0.0",
    since: NOW - 60_000,
    heardAt: NOW - 1_000,
    config: "/etc/relay/relay.config.ts",
    listeners: [{ name: "listen", url: "http://127.0.0.1:3000" }],
    targets: targets.map((name) => ({ name, hasCircuit: true })),
    ...parts,
  };
}

function memberOf(name: string, parts: Partial<MemberView> = {}): MemberView {
  return {
    name,
    version: "1.0.0",
    isLeaving: false,
    isThere: true,
    lanes: [],
    taking: [],
    run: runOf(["crm"]),
    ...parts,
  };
}

test("relaysView() tells members from relays that are gone, and those that were stopped from those that were lost", () => {
  const stopped = runOf(["crm"], { stoppedAt: NOW - 500 });
  const { relays, view } = relaysView([
    memberOf("a", { lanes: ["crm"] }),
    memberOf("b", { isLeaving: true }),
    memberOf("c", { isThere: false, run: stopped }),
    memberOf("d", { isThere: false }),
  ], []);
  const shown = [...relays.members, ...relays.gone].map(({ name, state, pid, lastHeardAt }) => [
    name,
    state,
    pid,
    lastHeardAt,
  ]);
  assert.deepEqual(shown, [
    ["a", "running", 7, at(-1_000)],
    ["b", "stopping", 7, at(-1_000)],
    ["c", "stopped", null, at(-1_000)],
    ["d", "lost", null, at(-1_000)],
  ]);
  assert.deepEqual([relays.members.length, view.running, relays.gone[0]!.stoppedAt], [2, true, at(-500)]);
  assert.ok(relays.gone.every(({ version }) => version === "1.0.0"), "its version tells which one it was");
});

test("relaysView() names the targets of running relays' configs that no relay owns, and no lane of relay's own", () => {
  const { relays } = relaysView([
    memberOf("a", { lanes: ["crm", "relay::duties", "relay::connectvets x"], run: runOf(["crm", "plantao"]) }),
    memberOf("b", { taking: ["sistema"], run: runOf(["crm", "novo", "sistema"]) }),
    memberOf("c", { isThere: false, run: runOf(["antigo"]) }),
  ], [
    { lane: "relay::duties", at: NOW, member: "a", wasGivenUp: true },
    { lane: "crm", at: NOW, member: "a", wasGivenUp: false },
  ]);
  assert.deepEqual(relays.unowned, ["novo", "plantao"]);
  assert.deepEqual(relays.members.map(({ lanes, duties }) => [lanes, duties]), [[["crm"], true], [[], false]]);
  assert.deepEqual(relays.takeovers, [{ lane: "crm", at: at(0), member: "a", wasGivenUp: false }]);
  assert.deepEqual(["crm", "sistema", "novo"].map((name) => ownerOf(relays, name)), [
    { name: "a", isTaking: false },
    { name: "b", isTaking: true },
    undefined,
  ]);
});

test("relaysView() speaks with one voice for a relay that is there, though another was heard of later", () => {
  const gone = memberOf("gone", { isThere: false, run: runOf([], { pid: 1, heardAt: NOW, stoppedAt: NOW }) });
  const refusedReload = { since: NOW - 5_000, problem: "1 mistake", mistakes: [] };
  const [a, b] = [
    memberOf("a", { run: runOf([], { pid: 2, heardAt: NOW - 3_000, refusedReload }) }),
    memberOf("b", { run: runOf([], { pid: 3, heardAt: NOW - 2_000 }) }),
  ];
  const { view } = relaysView([a, b, gone], []);
  assert.deepEqual([view.running, view.pid, view.stoppedAt], [true, 3, null]);
  assert.equal(String(view.reload?.problem), "1 mistake", "whichever relay refused it");

  const ended = relaysView([gone], []).view;
  assert.deepEqual([ended.running, ended.pid, ended.stoppedAt], [false, null, at(0)]);
  const none = relaysView([], []);
  assert.deepEqual([none.view.running, none.run, none.view.lastHeardAt], [false, undefined, null]);
});

test("groupedTakeovers() makes one of what one event gave rise to", () => {
  const takeover = (lane: string, ms: number, member: string, wasGivenUp = true) => ({
    lane,
    at: at(ms),
    member,
    wasGivenUp,
  });
  assert.deepEqual(
    groupedTakeovers([
      takeover("plantao", 0, "a", false),
      takeover("crm", -50, "b", false),
      takeover("arquivo", -60_000, "a", false),
      takeover("crm", -60_001, "a", false),
      takeover("plantao", -61_000, "a"),
    ]),
    [
      { at: at(0), member: "a", wasGivenUp: false, lanes: ["arquivo", "plantao"] },
      { at: at(-50), member: "b", wasGivenUp: false, lanes: ["crm"] },
      { at: at(-60_001), member: "a", wasGivenUp: false, lanes: ["crm"] },
      { at: at(-61_000), member: "a", wasGivenUp: true, lanes: ["plantao"] },
    ],
  );
});
