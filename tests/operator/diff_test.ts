/** What would go elsewhere by another config. */

import assert from "node:assert/strict";
import { test } from "node:test";
import { Told } from "../../lib/locale/told.ts";
import { ChangeGroups, changeOf, movedTargets } from "../../lib/operator/diff.ts";

const routing = (targets: string[], problems: Told[] = []) => ({
  targets,
  chains: [],
  verdicts: [],
  isFallback: false,
  problems,
});

const rows: [what: string, from: string[], to: string[], moved: string[], changes: boolean][] = [
  ["the same targets", ["a", "b"], ["a", "b"], [], false],
  ["the same targets in another order", ["a", "b"], ["b", "a"], [], false],
  ["no target on either side", [], [], ["a"], false],
  ["another target", ["a"], ["b"], [], true],
  ["one target more", ["a"], ["a", "b"], [], true],
  ["no target any more", ["a"], [], [], true],
  ["a target that has moved", ["a"], ["a"], ["a"], true],
  ["a target that has moved, and that the event never went to", ["b"], ["b"], ["a"], false],
];

for (const [what, from, to, moved, changes] of rows) {
  test(`changeOf() says ${changes ? "that" : "nothing"} of ${what}`, () => {
    const change = changeOf("note.failed", routing(from), routing(to), new Set(moved));
    assert.equal(change !== undefined, changes);
  });
}

test("changeOf() gives targets in the order of their names, those that have moved, and why a route does not match", () => {
  const change = changeOf(
    "x",
    routing(["b", "a"]),
    routing(["c", "b", "a"], ["one", "two"].map((one) => Told.of(one))),
    new Set(["b", "c"]),
  );
  assert.deepEqual(change, { type: "x", from: ["a", "b"], to: ["a", "b", "c"], moved: ["b"], problem: Told.of("one") });
});

test("ChangeGroups counts what is alike, the largest group first", () => {
  const groups = new ChangeGroups();
  const change = (type: string, to: string[]) => changeOf(type, routing(["a"]), routing(to), new Set())!;
  groups.add("1", change("x", ["b"]));
  groups.add("2", change("x", ["b", "c"]));
  groups.add("3", change("y", ["b"]));
  groups.add("4", change("y", ["b"]));
  assert.deepEqual(groups.list().map(({ type, to, count, example }) => [type, to, count, example]), [
    ["y", ["b"], 2, "3"],
    ["x", ["b"], 1, "1"],
    ["x", ["b", "c"], 1, "2"],
  ]);
});

test("movedTargets() gives targets of another kind, address or URL, and no URL", () => {
  const config = (targets: Record<string, [kind: string, address: string, url?: string]>) => ({
    routes: [],
    targets: new Map(Object.entries(targets).map(([name, [kind, address, url]]) => [name, { kind, address, url }])),
  });
  const before = config({
    same: ["http", "POST http://a", "http://a/x"],
    kind: ["http", "POST http://a", "http://a/x"],
    path: ["slack", "https://s", "https://s/one"],
    mail: ["email", "a@b via smtp://c"],
    gone: ["script", "logger"],
  });
  const after = config({
    same: ["http", "POST http://a", "http://a/x"],
    kind: ["script", "cat"],
    path: ["slack", "https://s", "https://s/two"],
    mail: ["email", "z@b via smtp://c"],
    fresh: ["script", "logger"],
  });
  assert.deepEqual(movedTargets(before, after), [
    { name: "kind", from: "http POST http://a", to: "script cat" },
    { name: "path", from: "slack https://s", to: "slack https://s" },
    { name: "mail", from: "email a@b via smtp://c", to: "email z@b via smtp://c" },
  ]);
});
