/** `relay metrics`: the alert rules and the dashboard that the executable prints, held against the metrics it exports. */

import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { makeFolder } from "../helpers/folder.ts";
import { needsPromtool, promtool } from "../helpers/promtool.ts";
import { configOf, type RunningRelay, runRelay, startRelay } from "../helpers/relay.ts";
import { withSeveralRelays } from "../helpers/several_relays.ts";

interface Dashboard {
  templating: { list: { name: string; type: string; query: unknown }[] };
  panels: {
    id: number;
    title: string;
    gridPos: { x: number; y: number; w: number; h: number };
    datasource: unknown;
    targets: { refId: string; expr: string; datasource: unknown }[];
  }[];
}

/** What the verb prints; it needs no config. */
async function printed(flag: string): Promise<string> {
  const { code, stdout, stderr } = await runRelay(["metrics", flag], { cwd: "/" });
  assert.deepEqual([code, stderr], [0, ""]);
  return stdout;
}

const readDashboard = async (): Promise<Dashboard> => JSON.parse(await printed("--grafana"));

/** Names of metrics in a text; the series of a histogram count as their metric. */
function namesIn(text: string): string[] {
  const all = [...text.matchAll(/\brelay_[a-z_]+/g)].map(([name]) => name.replace(/_(bucket|sum|count)$/, ""));
  return [...new Set(all)].sort();
}

/** The names of all metrics that a relay tells. */
async function exportedBy(relay: RunningRelay): Promise<string[]> {
  const text = await (await fetch(`${await relay.adminUrl()}/metrics`)).text();
  return [...text.matchAll(/^# TYPE (\S+)/gm)].map(([, name]) => name!).sort();
}

test("metrics names in its rules and its dashboard what is exported, and in the dashboard all of it", async () => {
  await withSeveralRelays(1, async ({ relays: [relay] }) => {
    const exported = await exportedBy(relay!);
    const inRules = namesIn(await printed("--alerts"));
    assert.ok(inRules.length > 5, inRules.join());
    assert.deepEqual(inRules.filter((name) => !exported.includes(name)), []);
    const queries = (await readDashboard()).panels.flatMap(({ targets }) => targets.map(({ expr }) => expr));
    assert.deepEqual(namesIn(queries.join("\n")), exported);
  });
});

test("metrics need nothing of relays that share a store but in rules and panels about these", async () => {
  const relay = await startRelay(configOf({
    admin: "{ port: 0 }",
    targets: 'crm: http({ url: "http://127.0.0.1:1" })',
    routes: '{ on: "**", to: "crm" }',
  }));
  try {
    const exported = await exportedBy(relay);
    const { panels } = await readDashboard();
    const silent = panels.filter(({ targets }) =>
      targets.every(({ expr }) => namesIn(expr).every((name) => !exported.includes(name)))
    );
    assert.deepEqual(silent.map(({ title }) => title), ["Relays that share a store", "Targets by owner"]);
  } finally {
    await relay.close();
  }
});

test("metrics names only commands that the relay understands", async () => {
  const texts = [await printed("--alerts"), await printed("--grafana")].join("\n").replaceAll("''", "'");
  const commands = new Set([...texts.matchAll(/`relay ([^`]+)`/g)].map(([, words]) => words!));
  assert.ok(commands.size > 5, [...commands].join());
  const relay = await startRelay(configOf({
    targets: 'crm: http({ url: "http://127.0.0.1:1" })',
    routes: '{ on: "**", to: "crm" }',
  }));
  try {
    for (const words of commands) {
      const args = words.replaceAll("{{ $labels.target }}", "crm").split(" ");
      const { code, stderr } = await runRelay(args, { cwd: relay.folder });
      // 1: nothing is dead here, and there is no event ID and no FILE; 2 would be a misunderstanding.
      assert.ok(code === 0 || code === 1, `${words}: ${code}, ${stderr}`);
    }
  } finally {
    await relay.close();
  }
});

test("metrics --alerts prints rules that Prometheus takes", needsPromtool, async () => {
  const folder = makeFolder();
  try {
    const file = join(folder.path, "relay.rules.yml");
    writeFileSync(file, await printed("--alerts"));
    const { code, output } = await promtool(["check", "rules", file]);
    assert.equal(code, 0, output);
  } finally {
    folder.remove();
  }
});

test("metrics --grafana asks Prometheus in its language", needsPromtool, async () => {
  const { panels } = await readDashboard();
  const rules = panels.flatMap(({ id, targets }) =>
    targets.map(({ refId, expr }) => ({
      record: `panel:${id}:${refId}`,
      expr: expr.replaceAll("$__rate_interval", "1m").replaceAll("$instance", ".*"),
    }))
  );
  const folder = makeFolder();
  try {
    const file = join(folder.path, "queries.json"); // JSON is YAML
    writeFileSync(file, JSON.stringify({ groups: [{ name: "dashboard", rules }] }));
    const { code, output } = await promtool(["check", "rules", file]);
    assert.equal(code, 0, output);
  } finally {
    folder.remove();
  }
});

test("metrics --grafana lays its panels out beside each other, and reads from the Prometheus that is chosen", async () => {
  const { panels, templating } = await readDashboard();
  const [first] = templating.list;
  assert.deepEqual([first!.name, first!.type, first!.query], ["datasource", "datasource", "prometheus"]);
  assert.equal(new Set(panels.map(({ id }) => id)).size, panels.length);
  const chosen = { type: "prometheus", uid: "${datasource}" };
  const taken = new Set<string>();
  for (const { title, gridPos: { x, y, w, h }, datasource, targets } of panels) {
    for (const one of [datasource, ...targets.map((target) => target.datasource)]) assert.deepEqual(one, chosen, title);
    assert.ok(targets.length > 0 && x + w <= 24, title);
    for (let column = x; column < x + w; column++) {
      for (let row = y; row < y + h; row++) {
        assert.ok(!taken.has(`${column} ${row}`), `${title} lies upon another`);
        taken.add(`${column} ${row}`);
      }
    }
  }
});

test("metrics says which flag to give where there is none, or both", async () => {
  const none = await runRelay(["metrics"]);
  assert.deepEqual([none.code, none.stdout], [2, ""]);
  assert.match(none.stderr, /^Cannot choose what to print: give --alerts or --grafana\n {2}hint: --alerts /);
  const both = await runRelay(["metrics", "--alerts", "--grafana"]);
  assert.deepEqual([both.code, both.stdout], [2, ""]);
  assert.match(both.stderr, /--grafana.*--alerts/);
});
