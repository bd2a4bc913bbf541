/** What an operator sees of relays that share a store: in `status`, API, pages, readiness and metrics. */

import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import process from "node:process";
import { test } from "node:test";
import { VERSION } from "../../lib/version.ts";
import { fakeTime, offTime } from "../helpers/faketime.ts";
import { makeFolder } from "../helpers/folder.ts";
import { fetchMetrics } from "../helpers/metrics.ts";
import { checkerOf, type OpenApi } from "../helpers/openapi.ts";
import { configOf, type RunningRelay, runRelay, startRelay } from "../helpers/relay.ts";
import { type StatusOfSeveral, TARGETS, withSeveralRelays } from "../helpers/several_relays.ts";
import { until } from "../helpers/wait.ts";

const event = (number: number) => `{"event":"note.failed","data":{"note_id":"${number}"}}`;

async function textOf(folder: string): Promise<string> {
  const { code, stdout, stderr } = await runRelay(["status"], { cwd: folder });
  assert.deepEqual([code, stderr], [0, ""]);
  return stdout;
}

const getText = async (relay: RunningRelay, path: string, language = "en") =>
  await (await fetch(await relay.adminUrl() + path, { headers: { "Accept-Language": language } })).text();

/** The row of a table that begins with a name, its cells in one space. */
const rowOf = (text: string, name: string) =>
  text.split("\n").map((line) => line.trim().replaceAll(/\s{2,}/g, " | ")).find((line) => line.startsWith(`${name} |`));

/** The names of relays, by their pids. */
const namesOf = ({ members }: StatusOfSeveral) => new Map(members.map(({ pid, name }) => [pid, name]));

test("operators see the relays that share a store, who owns what, and what becomes of one that is lost or stopped", async () => {
  await withSeveralRelays(3, async ({ relays, sink, status, statusWhere }) => {
    for (const [index, relay] of relays.entries()) assert.equal((await relay.post(event(index))).text, "OK");
    await sink.received(relays.length * TARGETS.length);

    const all = await status();
    const names = namesOf(all);
    assert.deepEqual(relays.map(({ child }) => names.has(child.pid!)), [true, true, true]);
    assert.equal(new Set(names.values()).size, 3, [...names.values()].join());
    assert.deepEqual(all.members.flatMap(({ lanes }) => lanes).sort(), [...TARGETS]);
    assert.deepEqual([all.running, all.gone, all.unowned], [true, [], []]);
    assert.deepEqual(all.members.map(({ version, state }) => [version, state]), Array(3).fill([VERSION, "running"]));
    assert.equal(all.members.filter(({ duties }) => duties).length, 1, "duties have one owner");

    const text = await textOf(relays[0]!.folder);
    assert.match(text, /^ {2}Relays +3 running$/m);
    for (const { name, lanes, duties } of all.members) {
      const owns = `${lanes.length} target${lanes.length === 1 ? "" : "s"}${duties ? ", retention and alarms" : ""}`;
      assert.match(
        rowOf(text, name)!,
        new RegExp(`^${name} \\| running \\| ${VERSION} \\| [\\d:]+ \\| .* \\| ${owns}$`),
      );
      for (const lane of lanes) assert.match(rowOf(text, lane)!, new RegExp(`\\| ${name}$`), text);
    }

    const check = checkerOf(JSON.parse(await getText(relays[0]!, "/api/openapi.json")) as OpenApi);
    const metrics = await Promise.all(relays.map(async (relay) => fetchMetrics(await relay.adminUrl())));
    assert.deepEqual(metrics.map((one) => [one.relay_members, one.relay_lanes]), Array(3).fill([3, TARGETS.length]));
    assert.equal(metrics.reduce((sum, one) => sum + one.relay_lanes_owned!, 0), TARGETS.length);
    for (const [index, relay] of relays.entries()) {
      const answer = JSON.parse(await getText(relay, "/api/status"));
      assert.equal(check("get", "/api/status", 200, answer), undefined);
      const { members } = await status();
      assert.deepEqual(answer.members.map(({ name, lanes }: StatusOfSeveral["members"][0]) => [name, lanes]), [
        ...members.map(({ name, lanes }) => [name, lanes]),
      ]);
      assert.equal(answer.pid, relay.child.pid, "the relay that answers speaks for itself");
      assert.equal(metrics[index]!.relay_lanes_owned, members.find(({ pid }) => pid === relay.child.pid)!.lanes.length);
      const page = await getText(relay, "/");
      for (const name of names.values()) assert.ok(page.includes(name), `${name} on the page`);
      assert.equal(page.split(">serves this page</div>").length, 2);
      assert.match(await getText(relay, "/", "pt-BR"), /Responsável por/);
      assert.ok(
        (await getText(relay, "/readyz?verbose")).includes(`[+]relays ${[...names.values()].sort().join(", ")}\n`),
      );
    }

    // One that owns something is lost: its targets come to others, which wait first.
    const lostMember = all.members.find(({ lanes }) => lanes.length > 0)!;
    const lost = relays.find(({ child }) => child.pid === lostMember.pid)!;
    const rest = relays.filter((relay) => relay !== lost);
    await lost.end("SIGKILL");
    const takers = await statusWhere(
      "what is taken over",
      ({ members }) => members.flatMap(({ taking }) => taking).length === lostMember.lanes.length,
    );
    assert.deepEqual(takers.gone.map(({ name, state, version }) => [name, state, version]), [
      [lostMember.name, "lost", VERSION],
    ]);
    const during = await textOf(rest[0]!.folder);
    assert.match(during, /^ {2}Relays +2 running, 1 lost in the last day$/m);
    assert.match(during, new RegExp(`^✗ Relay ${lostMember.name} is gone: .*last sign of life was .* ago`, "m"));
    assert.match(during, new RegExp(`^! Relay \\S+ takes over ${lostMember.lanes[0]}.* within 15 seconds$`, "m"));
    assert.match(rowOf(during, lostMember.lanes[0]!)!, /\| \S+ soon$/);
    assert.match(
      await getText(rest[0]!, "/readyz?verbose"),
      new RegExp(`^\\[!\\]relay ${lostMember.name} gone without`, "m"),
    );
    assert.ok((await getText(rest[0]!, "/")).includes(`Relay ${lostMember.name} stopped unexpectedly`));
    assert.ok((await getText(rest[0]!, "/", "pt-BR")).includes(`O relay ${lostMember.name} parou inesperadamente`));
    const after = await statusWhere(
      "new owners",
      ({ members }) => members.flatMap(({ lanes }) => lanes).length === TARGETS.length,
    );
    const taken = after.takeovers.filter(({ wasGivenUp }) => !wasGivenUp).map(({ lane }) => lane);
    assert.deepEqual(taken.sort(), lostMember.lanes);
    assert.match(await textOf(rest[0]!.folder), /^ {2}[\d:]+ \S+ took over .*: the previous relay was lost$/m);
    assert.ok((await getText(rest[0]!, "/")).includes("The previous owner stopped unexpectedly."));
    const gauges = await until("what is owned", async () => {
      const told = await Promise.all(rest.map(async (relay) => fetchMetrics(await relay.adminUrl())));
      return told.reduce((sum, one) => sum + one.relay_lanes_owned!, 0) === TARGETS.length && told;
    });
    assert.deepEqual(gauges.map((one) => one.relay_members), [2, 2]);

    // One that is stopped is no trouble.
    const stopped = names.get(rest[1]!.child.pid!)!;
    assert.equal(await rest[1]!.end(), 0);
    const alone = await statusWhere("one owner of all", ({ members }) => members[0]?.lanes.length === TARGETS.length);
    assert.deepEqual(alone.gone.find(({ name }) => name === stopped)!.state, "stopped");
    assert.doesNotMatch(await getText(rest[0]!, "/readyz?verbose"), new RegExp(`relay ${stopped} gone`));
    assert.equal(await rest[0]!.end(), 0);
    const none = await status();
    assert.deepEqual([none.running, none.members, none.gone.length, none.unowned], [false, [], 3, []]);
    assert.match(
      await textOf(rest[0]!.folder),
      /^\d things? needs? attention\n✗ No relay is running: .*\n {2}Start one with `relay serve`[^]*^ {2}Relays +0 running, 2 stopped in the last day, 1 lost in the last day$/m,
    );
  });
});

test("status and page tell which of several relays refused a config, and each mistake once", async () => {
  await withSeveralRelays(2, async ({ relays, status, config }) => {
    const [first, second] = relays as [RunningRelay, RunningRelay];
    writeFileSync(join(second.folder, "relay.config.ts"), config.replace('to: ["arquivo"', 'to: ["arkivo"'));
    process.kill(second.child.pid!, "SIGHUP");
    await second.logged("the refusal", ({ message }) => `${message}`.startsWith("config not reloaded"));
    const name = await until("the refusal in the store", async () => {
      const told = await status();
      return told.reload !== null && namesOf(told).get(second.child.pid!);
    });
    const beside = await textOf(first.folder);
    assert.match(
      beside,
      new RegExp(`^✗ Relay ${name} refused a new config .* ago \\([\\d:]+\\) and runs with the old one$`, "m"),
    );
    const { stdout } = await runRelay(["status"], { cwd: second.folder });
    assert.equal(stdout.split('"arkivo"').length, 2, stdout);
    for (const relay of relays) {
      assert.ok((await getText(relay, "/")).includes(`Relay ${name} could not load the config on its disk`));
    }
    assert.equal(JSON.parse(await getText(first, "/api/status")).reload, null, "its own config is sound");
  });
});

test("what is told of relays goes by the database's clock, on a machine whose clock is ten minutes ahead as well", async () => {
  await withSeveralRelays(1, async ({ relays: [first], config, statusWhere }) => {
    const folder = makeFolder();
    const clock = fakeTime(folder.path);
    clock.set("+10m");
    const ahead = await startRelay(config, { env: clock.env });
    try {
      await statusWhere(
        "both relays",
        ({ members }) => members.length === 2 && members.every(({ pid }) => pid !== null),
      );
      for (const env of [{}, clock.env]) {
        const { stdout, stderr } = await runRelay(["status"], { cwd: first!.folder, env });
        assert.equal(stderr, "");
        assert.equal(stdout.match(/ running .* \d+ sec\. ago /g)?.length, 2, stdout);
        assert.doesNotMatch(stdout, /no sign of life/);
      }
      for (const relay of [first!, ahead]) {
        const { members } = JSON.parse(await getText(relay, "/api/status"));
        const [since, other] = members.map(({ since }: { since: string }) => Date.parse(since));
        assert.ok(Math.abs(since - other) < 60_000, "both were started just now");
        assert.doesNotMatch(await getText(relay, "/"), /in \d+ min|min\. ago/);
      }
    } finally {
      await ahead.close();
      folder.remove();
    }
  });
});

test("of one relay with a store in a file nothing is told of members, and its metrics are those of one", async () => {
  const targets = 'crm: http({ url: "http://127.0.0.1:1" }), sistema: http({ url: "http://127.0.0.1:1" })';
  const relay = await startRelay(configOf({ admin: "{ port: 0 }", targets, routes: "" }));
  try {
    const { stdout } = await runRelay(["status", "--json"], { cwd: relay.folder });
    const answers = [JSON.parse(stdout), JSON.parse(await getText(relay, "/api/status"))];
    for (const answer of answers) {
      for (const name of ["members", "gone", "unowned", "takeovers"]) assert.ok(!(name in answer), name);
    }
    assert.match(
      await textOf(relay.folder),
      /^ {2}Relay +\S+, running since [^]*0 waiting.*\n\n.*Last failure +Reason\n/m,
    );
    assert.doesNotMatch(await getText(relay, "/"), /id="relays"/);
    assert.doesNotMatch(await getText(relay, "/readyz?verbose"), /relays/);
    const { relay_members, relay_lanes, relay_lanes_owned } = await fetchMetrics(await relay.adminUrl());
    assert.deepEqual([relay_members, relay_lanes, relay_lanes_owned], [undefined, undefined, undefined]);
  } finally {
    await relay.close();
  }
});

test("replay misses nothing that came in, though this machine's clock is behind the database's", async () => {
  await withSeveralRelays(1, async ({ relays: [relay], sink }) => {
    await relay!.post(event(1));
    await sink.received(TARGETS.length);
    const options = { cwd: relay!.folder, env: offTime("-5m") };
    const { stdout, stderr } = await runRelay(["replay", "--since", "10m", "--yes", "--json"], options);
    const { events, deliveries } = JSON.parse(stdout);
    assert.deepEqual([events, deliveries], [1, TARGETS.length], stderr);
    await sink.received(2 * TARGETS.length);
  });
});
