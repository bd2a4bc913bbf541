/** The alert rules, evaluated by Prometheus over series of what they are for. */

// Runs on Deno alone: it drives promtool.

import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { rules, rulesFile } from "../../lib/monitoring/alerts.ts";
import { makeFolder } from "../helpers/folder.ts";
import { needsPromtool, promtool } from "../helpers/promtool.ts";

/** Series by name, a value a minute in promtool's notation: `0+5x60` begins with 0 and grows by 5 sixty times. */
type Series = Record<string, string>;

const relay = 'instance="relay:9300",job="clinic"';

const received = (result: string) => `relay_events_received_total{source="connectvets",result="${result}",${relay}}`;

const ofTarget = (name: string, labels = "") => `relay_${name}{target="crm",${labels}${relay}}`;

/** A relay that does its work. */
const healthy: Series = {
  [`up{${relay}}`]: "1x120",
  'up{instance="other:9100",job="node"}': "0x120",
  [`relay_build_info{version="1",runtime="Bun 1",${relay}}`]: "1x120",
  [received("stored")]: "0+5x120",
  [received("duplicate")]: "0+1x120",
  [received("signature_wrong")]: "0+0x120",
  [received("signature_missing")]: "0x30 3x90",
  [received("store_failed")]: "0x120",
  ...histogram("relay_ack_duration_seconds", [0.005, 1, 2.5]),
  ...histogram("relay_store_commit_duration_seconds", [0.005, 0.25, 0.5]),
  [ofTarget("deliveries_total", 'state="delivered",')]: "0+5x120",
  [ofTarget("deliveries_total", 'state="dead",')]: "2x120",
  [ofTarget("circuit_open")]: "0x50 1x5 0x65",
  [ofTarget("oldest_pending_seconds")]: "0x30 0+60x40 0x50",
  [ofTarget("delivery_backlog")]: "5000-10x120",
  ...sharing({ members: "1x120", lanes: "1x120", owned: "1x120" }),
};

/** What a relay tells of those that share its store. */
function sharing(values: { members: string; lanes: string; owned: string }, labels = relay): Series {
  return {
    [`relay_members{${labels}}`]: values.members,
    [`relay_lanes{${labels}}`]: values.lanes,
    [`relay_lanes_owned{${labels}}`]: values.owned,
  };
}

const second = relay.replace("relay:9300", "relay-2:9300");

/** A histogram whose observations are all within the first of these buckets, or all in the last. */
function histogram(name: string, bounds: number[], isSlow = false): Series {
  const buckets = bounds.map((bound, index) => {
    const isLast = index === bounds.length - 1;
    return [`${name}_bucket{le="${bound}",${relay}}`, isSlow && !isLast ? "0x120" : "0+10x120"];
  });
  return { ...Object.fromEntries(buckets), [`${name}_bucket{le="+Inf",${relay}}`]: "0+10x120" };
}

/** What is different from a healthy relay, and the alert that follows at minute 60. */
const troubles: Record<string, Series> = {
  RelayDown: { [`up{${relay}}`]: "1x55 0x65", [`relay_build_info{version="1",runtime="Bun 1",${relay}}`]: "1x55" },
  RelayAbsent: { [`relay_build_info{version="1",runtime="Bun 1",${relay}}`]: "_x120" },
  RelayNotStoring: { [received("store_failed")]: "0x58 1x62" },
  RelaySignaturesWrong: { [received("signature_wrong")]: "0x50 10x70" },
  RelayAckSlow: histogram("relay_ack_duration_seconds", [0.005, 1, 2.5], true),
  RelayCommitSlow: histogram("relay_store_commit_duration_seconds", [0.005, 0.25, 0.5], true),
  RelayDeadLetters: { [ofTarget("deliveries_total", 'state="dead",')]: "2x58 3x62" },
  RelayCircuitOpen: { [ofTarget("circuit_open")]: "0x45 1x75" },
  RelayDeliveriesLate: { [ofTarget("oldest_pending_seconds")]: "1800+60x120" },
  RelayBacklogGrowing: { [ofTarget("delivery_backlog")]: "0+50x120" },
  RelayTargetUnowned: {
    ...sharing({ members: "2x120", lanes: "3x120", owned: "2x50 1x70" }),
    ...sharing({ members: "2x120", lanes: "3x120", owned: "1x120" }, second),
  },
  RelayMemberLost: {
    ...sharing({ members: "2x55 1x65", lanes: "3x120", owned: "2x55 3x65" }),
    ...sharing({ members: "2x55 stale", lanes: "3x55 stale", owned: "1x55 stale" }, second),
  },
};

/** What is no trouble, though less is seen than before. */
const noTroubles: Record<string, Series> = {
  "a restart": {
    ...sharing({ members: "2x57 1 2x62", lanes: "3x120", owned: "2x57 3 2x62" }),
    ...sharing({ members: "2x57 stale 2x61", lanes: "3x57 stale 3x61", owned: "1x57 stale 1x61" }, second),
  },
  "a relay that Prometheus cannot reach, and the others can": {
    ...sharing({ members: "2x120", lanes: "3x120", owned: "2x120" }),
    ...sharing({ members: "2x50 stale", lanes: "3x50 stale", owned: "1x50 stale" }, second),
  },
  "relays that share no store": {
    ...sharing({ members: "1x120", lanes: "5x120", owned: "5x120" }),
    ...sharing({ members: "1x120", lanes: "2x120", owned: "2x120" }, second),
  },
};

test("rules fire for what they are for, and for nothing else", needsPromtool, async () => {
  assert.deepEqual(Object.keys(troubles).sort(), rules.map(({ alert }) => alert).sort());
  const folder = makeFolder();
  try {
    const scenarios: [name: string, series: Series, alerts: string[]][] = [
      ["healthy", healthy, []],
      ...Object.entries(noTroubles).map(
        ([name, series]): [string, Series, string[]] => [name, { ...healthy, ...series }, []],
      ),
      ...Object.entries(troubles).map((
        [alert, series],
      ): [string, Series, string[]] => [alert, { ...healthy, ...series }, [alert]]),
    ];
    const tests = scenarios.map(([name, series, alerts]) => ({
      name,
      interval: "1m",
      input_series: Object.entries(series).map(([series, values]) => ({ series, values })),
      promql_expr_test: [{
        expr: 'count by (alertname, severity) (ALERTS{alertstate="firing"})',
        eval_time: "60m",
        exp_samples: rules.filter(({ alert }) => alerts.includes(alert)).map(({ alert, severity }) => ({
          labels: `{alertname="${alert}", severity="${severity}"}`,
          value: 1,
        })),
      }],
    }));
    writeFileSync(join(folder.path, "relay.rules.yml"), rulesFile());
    const file = join(folder.path, "tests.json"); // JSON is YAML
    writeFileSync(file, JSON.stringify({ rule_files: ["relay.rules.yml"], evaluation_interval: "1m", tests }));
    const { code, output } = await promtool(["test", "rules", file]);
    assert.equal(code, 0, output);
  } finally {
    folder.remove();
  }
});

test("rulesFile() is a file that Prometheus loads", needsPromtool, async () => {
  const folder = makeFolder();
  try {
    const file = join(folder.path, "relay.rules.yml");
    writeFileSync(file, rulesFile());
    const { code, output } = await promtool(["check", "rules", file]);
    assert.equal(code, 0, output);
    assert.match(output, new RegExp(`${rules.length} rules found`));
  } finally {
    folder.remove();
  }
});
