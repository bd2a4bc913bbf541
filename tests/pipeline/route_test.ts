/** Routing: which targets an event goes to, and what its routes say of the message. */

import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { matches } from "../../lib/pattern.ts";
import { type ChainRule, messageFor, route, type RouteRule, type RoutingTable } from "../../lib/pipeline/route.ts";

const rule = (on: string | string[], to: string | string[], more: Partial<RouteRule> = {}): RouteRule => ({
  on: [on].flat(),
  to: [to].flat(),
  message: {},
  ...more,
});

const payload = { event: "other", data: { external_id: "C1" } };

/** Its type is what its source says, whatever its payload does. */
const event = { type: "note.failed", payload };

const routings: [what: string, table: RoutingTable, targets: string[], verdicts: string[]][] = [
  ["the target of a route that matches", { routes: [rule("note.failed", "a")] }, ["a"], ["matched"]],
  [
    "every route that matches",
    { routes: [rule("note.*", "a"), rule("order.*", "b"), rule("**", "c")] },
    ["a", "c"],
    ["matched", "other_event", "matched"],
  ],
  [
    "a target once that is named twice",
    { routes: [rule("**", ["a", "b", "a"]), rule("note.*", ["b", "c"])] },
    ["a", "b", "c"],
    ["matched", "matched"],
  ],
  ["any pattern of a list", { routes: [rule(["x", "note.failed"], "a")] }, ["a"], ["matched"]],
  [
    "what `when` lets through",
    { routes: [rule("**", "a", { when: () => true }), rule("**", "b", { when: () => false })] },
    ["a"],
    ["matched", "when_false"],
  ],
  ["no target where no route matches", { routes: [rule("order.*", "a")] }, [], ["other_event"]],
  ["no target where there is no route", { routes: [] }, [], []],
];

for (const [what, table, targets, verdicts] of routings) {
  test(`route() gives ${what}`, () => {
    assert.deepEqual(route(event, table), { targets, chains: [], verdicts, isFallback: false, problems: [] });
  });
}

const chain = (...targets: string[]): ChainRule => ({ targets, withinMs: 600_000, until: "delivered" });

/** A route to these targets, those of a chain one after the other. */
const chained = (...to: (string | ChainRule)[]) =>
  rule("**", to.flatMap((one) => typeof one === "string" ? one : one.targets), {
    chains: to.filter((one) => typeof one !== "string"),
  });

const chains: [what: string, routes: RouteRule[], targets: string[], chains: string[][]][] = [
  ["the chains of a route", [chained("x", chain("a", "b", "c"))], ["x", "a", "b", "c"], [["a", "b", "c"]]],
  [
    "no chain of a route that does not match",
    [chained("x"), { ...chained(chain("a", "b")), on: ["order.*"] }],
    ["x"],
    [],
  ],
  [
    "a chain without what another route names plainly",
    [chained(chain("a", "b", "c")), chained("b")],
    ["a", "b", "c"],
    [["a", "c"]],
  ],
  [
    "no chain of which a single target is left",
    [chained("a", "b"), chained(chain("a", "b", "c"))],
    ["a", "b", "c"],
    [],
  ],
  ["a target in the first of its chains", [chained(chain("a", "b", "c")), chained(chain("c", "d", "e"))], [
    "a",
    "b",
    "c",
    "d",
    "e",
  ], [["a", "b", "c"], ["d", "e"]]],
  [
    "what is left of a chain plainly, and so in no other",
    [chained("a"), chained(chain("a", "b")), chained(chain("b", "c", "d"))],
    ["a", "b", "c", "d"],
    [["c", "d"]],
  ],
];

for (const [what, routes, targets, expected] of chains) {
  test(`route() gives ${what}`, () => {
    const found = route(event, { routes });
    assert.deepEqual([found.targets, found.chains.map((one) => one.targets)], [targets, expected]);
  });
}

test("route() asks `when` only where the pattern fits, with the payload", () => {
  const seen: unknown[] = [];
  const when = (event: unknown) => seen.push(event);
  route(event, { routes: [rule("order.*", "a", { when }), rule("note.*", "b", { when })] });
  assert.deepEqual(seen, [payload]);
});

test("route() falls back where nothing matched, and only there", () => {
  const table = { routes: [rule("note.*", "a", { when: () => false })], fallback: "f" };
  assert.deepEqual(route(event, table), {
    targets: ["f"],
    chains: [],
    verdicts: ["when_false"],
    isFallback: true,
    problems: [],
  });
  assert.deepEqual(route(event, { routes: [rule("**", "a")], fallback: "f" }).targets, ["a"]);
  assert.deepEqual(route(event, { routes: [], fallback: "f" }).targets, ["f"]);
});

const brokenWhens: [what: string, when: (event: unknown) => unknown, problem: string][] = [
  ["throws", () => JSON.parse("{"), "routes[1].when threw: "],
  ["throws no error", () => {
    throw "a text";
  }, "routes[1].when threw: a text"],
  ["throws nothing", () => {
    throw undefined;
  }, "routes[1].when threw: undefined"],
  ["is async", async () => true, "routes[1].when returns a promise; it must return the value itself"],
  ["is async and throws", async () => {
    throw new Error("late");
  }, "routes[1].when returns a promise; it must return the value itself"],
];

for (const [what, when, problem] of brokenWhens) {
  test(`route() takes a \`when\` that ${what} for no match, and says so`, async () => {
    const routing = route(event, { routes: [rule("**", "a"), rule("**", "b", { when }), rule("**", "c")] });
    await new Promise((resolve) => setTimeout(resolve, 1)); // an unhandled rejection would end the test
    assert.deepEqual(routing.targets, ["a", "c"]);
    assert.deepEqual(routing.verdicts, ["matched", "when_threw", "matched"]);
    assert.equal(routing.problems.length, 1);
    assert.ok(String(routing.problems[0]).startsWith(problem), String(routing.problems[0]));
  });
}

test("route() falls back for an event whose only `when` throws", () => {
  const when = () => {
    throw new Error("no data");
  };
  const { targets, problems } = route(event, { routes: [rule("**", "a", { when })], fallback: "f" });
  assert.deepEqual([targets, problems.map(String)], [["f"], ["routes[0].when threw: no data"]]);
});

test("messageFor() takes each field from the first matching route that gives it to this target", () => {
  const routes = [
    rule("order.*", "a", { message: { text: "other event" } }),
    rule("**", "b", { message: { text: "other target" } }),
    rule("**", "a", { message: { text: "false" }, when: () => false }),
    rule("**", "a", { message: { text: "throws" }, when: () => JSON.parse("{") }),
    rule("**", "a"),
    rule("**", ["b", "a"], { message: { text: "first" } }),
    rule("note.*", "a", { message: { text: "second", subject: "subject" } }),
  ];
  assert.deepEqual(messageFor(event, "a", { routes }), { text: "first", subject: "subject" });
  assert.deepEqual(messageFor(event, "b", { routes }), { text: "other target" });
  assert.deepEqual(messageFor(event, "c", { routes, fallback: "c" }), {});
});

test("messageFor() takes a field that is undefined for one that is not given", () => {
  const routes = [
    rule("**", "a", { message: { text: undefined, subject: "subject" } }),
    rule("**", "a", { message: { text: "text", subject: undefined } }),
  ];
  assert.deepEqual(messageFor(event, "a", { routes }), { text: "text", subject: "subject" });
});

const names: [pattern: string, name: string, fits: boolean][] = [
  ["note.failed", "note.failed", true],
  ["note.failed", "note.Failed", false],
  ["note.failed", "note.failed.x", false],
  ["note.*", "note.failed", true],
  ["note.*", "note", false],
  ["note.*", "note.transcription.failed", false],
  ["note.*.failed", "note.transcription.failed", true],
  ["*.failed", "note.failed", true],
  ["*", "test", true],
  ["*", "note.failed", false],
  ["note.fail*", "note.failed", true],
  ["note.*ed", "note.failed", true],
  ["note.*ing", "note.failed", false],
  ["**", "note", true],
  ["**", "note.transcription.failed", true],
  ["note.**", "note.transcription.failed", true],
  ["note.**", "note", true],
  ["note.**", "notes.failed", false],
  ["**.failed", "note.transcription.failed", true],
  ["**.failed", "failed", true],
  ["note.**.failed", "note.failed", true],
  ["note.?", "note.x", false],
  ["note.[a-z]", "note.x", false],
  ["n\\*", "n\\x", true],
  ["note.*", "note.🐕", true],
];

for (const [pattern, name, fits] of names) {
  test(`matches() says ${fits} to "${name}" for "${pattern}"`, () => assert.equal(matches(pattern, name), fits));
}

/** The same rules in the plainest way: each star tries every length. */
function naive(pattern: readonly string[], items: readonly string[], star: string, fits: typeof naivePart): boolean {
  const [first, ...rest] = pattern;
  if (first === undefined) return items.length === 0;
  if (first === star) return [...items, ""].some((_, skipped) => naive(rest, items.slice(skipped), star, fits));
  return items.length > 0 && fits(first, items[0]!) && naive(rest, items.slice(1), star, fits);
}

const naivePart = (part: string, text: string): boolean => naive([...part], [...text], "*", (a, b) => a === b);

test("matches() agrees with a naive matcher", () => {
  const pattern = fc.string({ unit: fc.constantFrom("a", "b", ".", ".", "*", "*", "**", ".**."), maxLength: 8 });
  const name = fc.string({ unit: fc.constantFrom("a", "b", "."), maxLength: 8 });
  fc.assert(
    fc.property(pattern, name, (pattern, name) => {
      assert.equal(matches(pattern, name), naive(pattern.split("."), name.split("."), "**", naivePart));
    }),
    { numRuns: 5_000 },
  );
});

test("matches() ends soon on a pattern made to take long", () => {
  const name = `${"a".repeat(2_000)}${".a".repeat(2_000)}.b`;
  assert.equal(matches(`${"*a".repeat(30)}*c`, name), false);
  assert.equal(matches(`${"**.a.".repeat(30)}c`, name), false);
});
