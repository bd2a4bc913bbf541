/** `relay test` and `relay diff` of the executable: a config as tested code. */

import assert from "node:assert/strict";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { makeFolder } from "../helpers/folder.ts";
import { configOf, type Run, runRelay, SECRET, startRelay } from "../helpers/relay.ts";

/** A config whose targets are never reached: nothing listens there, and they are not tried again. */
const parts = {
  targets: `crm: http({ url: "http://127.0.0.1:1/in?token=tok_0123456789", retry: "none" }),
    plantao: slack({ url: "http://127.0.0.1:1/T/B/x", retry: "none", text: (e) => \`Nota \${e.data.note_id}\\nfalhou\` })`,
  routes:
    `{ on: "note.failed", to: "plantao" }, { on: "note.*", to: "crm", when: (e) => e.data.external_id !== undefined }`,
};

const failed = { event: "note.failed", data: { note_id: "N1", external_id: "C1" } };

const good = [
  { name: "night shift", event: failed, expect: { targets: ["crm", "plantao"], messages: { crm: "as received" } } },
  { event: { event: "order.paid" }, expect: "unrouted" },
];

const bad = { event: failed, expect: { targets: ["crm"], messages: { plantao: { text: "Nota N1\nok" } } } };

/** Runs verbs in a folder with these files; values are written as JSON. */
async function inFolder(
  files: Record<string, unknown>,
  work: (run: (...args: string[]) => Promise<Run>, folder: string) => Promise<void>,
) {
  const folder = makeFolder();
  try {
    mkdirSync(join(folder.path, "fixtures"));
    for (const [name, content] of Object.entries({ "relay.config.ts": configOf(parts), ...files })) {
      writeFileSync(join(folder.path, name), typeof content === "string" ? content : JSON.stringify(content));
    }
    await work((...args) => runRelay(args, { cwd: folder.path }), folder.path);
  } finally {
    folder.remove();
  }
}

test("test passes what comes as it must, and exits 0", async () => {
  await inFolder({ "fixtures/good.json": good, "fixtures/notes.txt": "no fixture" }, async (run) => {
    const { code, stdout, stderr } = await run("test", "fixtures");
    assert.deepEqual([code, stderr], [0, ""]);
    assert.equal(
      stdout,
      "✓ fixtures/good.json[0] night shift (note.failed → plantao, crm)\n" +
        "✓ fixtures/good.json[1] (order.paid → no target)\n\n2 passed, 0 failed\n",
    );
  });
});

test("test shows what differs and which routes no fixture comes by, and exits 1", async () => {
  const files = { "bad.json": bad, "fixtures/good.json": good[1] };
  await inFolder({ ...files, "relay.config.ts": configOf({ ...parts, more: `fallback: "crm",` }) }, async (run) => {
    const { code, stdout } = await run("test", "bad.json");
    assert.equal(code, 1);
    assert.equal(
      stdout,
      `✗ bad.json (note.failed → plantao, crm)
    targets
      crm
    + plantao
    messages.plantao.text
      Nota N1
    - ok
    + falhou

Routes that no fixture matches
  fallback  anything else  → crm

0 passed, 1 failed  (- expected, + actual)
`,
    );
    const other = await run("test", "fixtures/good.json");
    assert.match(other.stdout, /- unrouted\n {4}\+ crm\n/);
    assert.match(other.stdout, / {2}routes\[0\] {2}note\.failed {2}→ plantao\n {2}routes\[1\] {2}note\.\* +→ crm\n/);
  });
});

test("test gives the same as JSON", async () => {
  await inFolder({ "bad.json": bad, "good.json": good }, async (run) => {
    const { code, stdout } = await run("test", "bad.json", "good.json", "--json");
    assert.equal(code, 1);
    const { fixtures, ...rest } = JSON.parse(stdout);
    assert.deepEqual(rest, { passed: 2, failed: 1, unhit: { routes: [], fallback: null } });
    assert.deepEqual(fixtures.map(({ file, name, ok }: Record<string, unknown>) => [file, name, ok]), [
      ["bad.json", null, false],
      ["good.json", "night shift", true],
      ["good.json", null, true],
    ]);
    assert.deepEqual(fixtures[0].differences, [
      { path: "targets", expected: ["crm"], actual: ["crm", "plantao"] },
      { path: "messages.plantao.text", expected: "Nota N1\nok", actual: "Nota N1\nfalhou" },
    ]);
  });
});

test("test tells every mistake in every file with its place, and exits 2", async () => {
  const files = {
    "empty.json": [],
    "one.json": '{\n  "event": ,\n}',
    "two.json": [{ event: 1, expect: "unrouted" }, { event: failed }],
  };
  await inFolder(files, async (run) => {
    const { code, stdout, stderr } = await run("test", "one.json", "two.json", "three.json", "empty.json", "fixtures");
    assert.deepEqual([code, stdout], [2, ""]);
    const places = stderr.split("\n").slice(0, -2).map((line) => line.split(/: (?:this|is|exp|there)/)[0]);
    assert.deepEqual(places, [
      "Cannot read the fixtures: 6 mistakes",
      "  one.json:2:12",
      "  two.json [0].event",
      "  two.json [1].expect",
      "  Cannot read three.json",
      "  empty.json",
      "  fixtures",
    ]);
  });
});

test("test and diff exit 2 where they are not used as they are meant to, and 78 on a bad config", async () => {
  await inFolder(
    { "good.json": good, "bad.config.ts": configOf({ ...parts, routes: `{ on: "x", to: "y" }` }) },
    async (run) => {
      for (
        const args of [
          ["test"],
          ["test", "--out", "x.json", "good.json"],
          ["test", "--record", "x", "good.json"],
          ["diff", "relay.config.ts"],
          ["diff", "--since", "7d"],
          ["diff", "relay.config.ts", "--since", "soon"],
          ["diff", "relay.config.ts", "--since", "7d"], // no store yet
        ]
      ) {
        const { code, stderr } = await run(...args);
        assert.equal(code, 2, `${args.join(" ")}: ${stderr}`);
      }
      assert.equal((await run("test", "good.json", "--config", "bad.config.ts")).code, 78);
    },
  );
});

test("test --record makes a fixture of a stored event that passes, and writes over no file", async () => {
  const relay = await startRelay(configOf(parts), { files: { "fixtures/there.json": "mine" } });
  const run = (...args: string[]) => runRelay(args, { cwd: relay.folder });
  try {
    await relay.post(JSON.stringify({ ...failed, data: { note_id: SECRET, external_id: "C1" } }, null, 2));
    const [{ id, deliveries }] = JSON.parse((await run("events", "--json")).stdout);
    const recorded = await run("test", "--record", id);
    assert.equal(recorded.code, 0, recorded.stderr);
    assert.match(recorded.stderr, /^The event contains a secret of this config/);
    assert.ok(!recorded.stdout.includes(SECRET));
    const { event, expect } = JSON.parse(recorded.stdout);
    assert.deepEqual(event.data, { note_id: "[secret]", external_id: "C1" });
    assert.deepEqual(expect, {
      targets: ["plantao", "crm"],
      messages: { plantao: { text: "Nota [secret]\nfalhou" }, crm: "as received" },
    });

    const written = await run("test", "--record", deliveries[0].id, "--out", "fixtures/new.json");
    assert.deepEqual([written.code, written.stdout], [0, "Wrote fixtures/new.json\n"]);
    assert.equal(readFileSync(join(relay.folder, "fixtures/new.json"), "utf8"), recorded.stdout);
    assert.equal((await run("test", "fixtures/new.json")).code, 0);
    const again = await run("test", "--record", id, "--out", "fixtures/there.json");
    assert.equal(again.code, 1);
    assert.match(again.stderr, /^Cannot write fixtures\/there\.json: this file exists already/m);
    assert.equal(readFileSync(join(relay.folder, "fixtures/there.json"), "utf8"), "mine");
    for (const unknown of ["nonsense", "00000000-0000-7000-8000-000000000000"]) {
      assert.equal((await run("test", "--record", unknown)).code, 1);
    }
  } finally {
    await relay.close();
  }
});

test("diff tells what would go elsewhere, and exits 1; 0 where nothing would", async () => {
  const next = {
    ...parts,
    targets: parts.targets.replace("/T/B/x", "/T/B/y"),
    routes: `{ on: "note.failed", to: "plantao" }`,
  };
  const relay = await startRelay(configOf(parts), { files: { "new.config.ts": configOf(next) } });
  const run = (...args: string[]) => runRelay(args, { cwd: relay.folder });
  try {
    const events = [failed, { ...failed, n: 2 }, { event: "note.completed", data: { external_id: "C1" } }, {
      event: "x",
    }];
    for (const event of events) assert.equal((await relay.post(JSON.stringify(event))).status, 200);
    const ids = JSON.parse((await run("events", "--json")).stdout).map(({ id }: { id: string }) => id).reverse();

    const same = await run("diff", "relay.config.ts", "--since", "1h");
    assert.deepEqual([same.code, same.stdout], [0, "0 of 4 events would go elsewhere\n"]);
    const nothing = await run("diff", "relay.config.ts", "--since", "1h", "--json");
    assert.deepEqual([nothing.code, JSON.parse(nothing.stdout).events], [0, []]);
    const text = await run("diff", "new.config.ts", "--since", "1h");
    assert.deepEqual([text.code, text.stderr], [1, ""]);
    assert.equal(
      text.stdout.replaceAll(/(\S) {2,}/g, "$1 | "),
      `  2 | note.failed | crm, plantao | → plantao (moved) | such as ${ids[0]}
  1 | note.completed | crm | → no target | such as ${ids[2]}
  plantao has moved to another URL at slack http://127.0.0.1:1

3 of 4 events would go elsewhere
`,
    );
    const all = await run("diff", "new.config.ts", "--since", "2020-01-01", "--type", "note.failed", "--all");
    assert.deepEqual(all.stdout.split("\n").slice(0, 2).map((line) => line.trim().split("  ")[1]), ids.slice(0, 2));
    assert.match(all.stdout, /\n2 of 2 events would go elsewhere\n$/);

    const json = await run("diff", "new.config.ts", "--since", "1h", "--json");
    assert.equal(json.code, 1);
    const { checked, changed, interrupted, groups, events: listed, targets } = JSON.parse(json.stdout);
    assert.deepEqual([checked, changed, interrupted], [4, 3, false]);
    assert.deepEqual(groups[1], {
      type: "note.completed",
      from: ["crm"],
      to: [],
      moved: [],
      count: 1,
      example: ids[2],
    });
    assert.deepEqual(listed.map(({ id }: { id: string }) => id), ids.slice(0, 3));
    assert.deepEqual(listed[0].moved, ["plantao"]);
    assert.deepEqual(targets.map(({ name }: { name: string }) => name), ["plantao"]);
  } finally {
    await relay.close();
  }
});

test("diff gives each config the .env beside it, while it is loaded and while it routes", async () => {
  const byEnvironment = configOf({
    targets: `one: script({ command: ["true"] }), two: script({ command: ["true"], env: { ONLY: env("ONLY") } })`,
    routes: `{ on: "**", to: "one", when: () => process.env.WAY === "one" && process.env.OTHER === undefined },
      { on: "**", to: "two", when: () => process.env.WAY === "two" && process.env.ONLY === undefined }`,
  });
  const relay = await startRelay(byEnvironment, {
    files: {
      ".env": "WAY=one\nONLY=before\n",
      "next/.env": "WAY=two\nOTHER=after\n",
      "next/new.config.ts": byEnvironment.replace(`env("ONLY")`, `env("ONLY", { default: "x" })`),
      "next/lacking.config.ts": byEnvironment,
    },
  });
  const run = (...args: string[]) => runRelay(args, { cwd: relay.folder });
  try {
    for (const n of [1, 2]) await relay.post(JSON.stringify({ event: "x", n }));
    const { code, stdout } = await run("diff", "next/new.config.ts", "--since", "1h", "--json");
    assert.equal(code, 1);
    const [group, ...others] = JSON.parse(stdout).groups;
    assert.deepEqual(others, []);
    assert.deepEqual([group.from, group.to, group.count], [["one"], ["two"], 2]);
    const lacking = await run("diff", "next/lacking.config.ts", "--since", "1h");
    assert.equal(lacking.code, 78);
    assert.match(lacking.stderr, /env\("ONLY"\) is not set/);
  } finally {
    await relay.close();
  }
});

test("diff leaves out system events, and test --record refuses them: no route is asked for them", async () => {
  const relay = await startRelay(configOf({ ...parts, admin: "{ port: 0 }" }), {
    files: { "new.config.ts": configOf({ ...parts, routes: "" }) },
  });
  const run = (...args: string[]) => runRelay(args, { cwd: relay.folder });
  try {
    const sent = await fetch(`${await relay.adminUrl()}/api/targets/crm/test`, { method: "POST" });
    assert.ok(sent.ok, await sent.text());
    const [own] = JSON.parse((await run("events", "--json")).stdout);
    assert.equal(own.source, "relay");
    const { code, stdout } = await run("diff", "new.config.ts", "--since", "1h");
    assert.deepEqual([code, stdout], [0, "0 of 0 events would go elsewhere\n"]);
    const recorded = await run("test", "--record", own.id);
    assert.equal(recorded.code, 1);
    assert.match(recorded.stderr, /it is a system event/);
  } finally {
    await relay.close();
  }
});
