/** The dashboard's queries, evaluated by Prometheus over series of several relays. */

// Runs on Deno alone: it drives promtool.

import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { dashboard } from "../../lib/monitoring/dashboard.ts";
import { makeFolder } from "../helpers/folder.ts";
import { needsPromtool, promtool } from "../helpers/promtool.ts";

interface Panel {
  title: string;
  targets: { expr: string }[];
}

const panels = dashboard().panels as Panel[];

/** The first query of a panel, over all relays. */
const queryOf = (title: string) =>
  panels.find((one) => one.title === title)!.targets[0]!.expr.replaceAll("$instance", ".*");

test("dashboard() counts what waits once for each store, however many relays share it", needsPromtool, async () => {
  const series = (name: string, instance: string, labels = "") =>
    `${name}{${labels}instance="${instance}",job="relay"}`;
  const relayOf = (instance: string, waiting: number, members?: number) => ({
    [series("relay_build_info", instance, 'version="1",runtime="Bun 1",')]: "1x10",
    [series("relay_delivery_backlog", instance, 'target="crm",')]: `${waiting}x10`,
    [series("relay_circuit_open", instance, 'target="crm",')]: "1x10",
    ...(members !== undefined && { [series("relay_members", instance)]: `${members}x10` }),
  });
  const all = { ...relayOf("one", 6, 2), ...relayOf("two", 6, 2), ...relayOf("alone", 3) };
  const folder = makeFolder();
  try {
    const expected: [title: string, labels: string, value: number][] = [
      ["Waiting", "{}", 9],
      ["Targets held now", "{}", 2],
      ["Waiting, by target", '{target="crm"}', 9],
    ];
    const file = join(folder.path, "tests.json"); // JSON is YAML
    const one = {
      interval: "1m",
      input_series: Object.entries(all).map(([series, values]) => ({ series, values })),
      promql_expr_test: expected.map(([title, labels, value]) => ({
        expr: queryOf(title),
        eval_time: "5m",
        exp_samples: [{ labels, value }],
      })),
    };
    writeFileSync(file, JSON.stringify({ rule_files: [], evaluation_interval: "1m", tests: [one] }));
    const { code, output } = await promtool(["test", "rules", file]);
    assert.equal(code, 0, output);
  } finally {
    folder.remove();
  }
});
