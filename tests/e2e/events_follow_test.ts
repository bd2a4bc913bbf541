/** `relay events --follow` of the executable: beside a relay that serves, without one, and on PostgreSQL. */

import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import process from "node:process";
import { test } from "node:test";
import { configOf, executable, runRelay, startRelay } from "../helpers/relay.ts";
import { withSeveralRelays } from "../helpers/several_relays.ts";
import { startSink } from "../helpers/sink.ts";
import { until } from "../helpers/wait.ts";

const event = (type: string, note: string) => JSON.stringify({ event: type, data: { note_id: note } });

/** Follows events in the background. */
function follow(folder: string, ...args: string[]) {
  const child = spawn(executable, ["events", "--follow", ...args], { cwd: folder, env: { PATH: process.env.PATH } });
  let [stdout, stderr] = ["", ""];
  child.stdout.on("data", (chunk) => stdout += chunk);
  child.stderr.on("data", (chunk) => stderr += chunk);
  const exited = new Promise<number | null>((resolve) => child.on("close", resolve));
  const lines = () => stdout.split("\n").slice(0, -1).map((line) => line.trim().replaceAll(/ {2,}/g, " | "));
  return {
    lines,
    events: () => lines().map((line) => JSON.parse(line)),
    shows: (pattern: RegExp) =>
      until(`${pattern} in what is followed`, () => {
        if (stderr !== "") throw new Error(stderr);
        return lines().some((line) => pattern.test(line));
      }),
    /** Ends it, and gives the exit code. */
    async end(signal: NodeJS.Signals = "SIGINT"): Promise<number | null> {
      if (child.exitCode === null) process.kill(child.pid!, signal);
      return await exited;
    },
    reader: child.stdout,
    exited,
  };
}

test("events --follow shows the newest events, each new one and each attempt to deliver it, until Ctrl-C", async () => {
  let isUp = false;
  const sink = await startSink((response, { path }) => {
    response.writeHead(path === "/crm" ? 200 : isUp ? 200 : 503).end();
  });
  const relay = await startRelay(configOf({
    targets: `crm: http({ url: "${sink.url}/crm" }), fora: http({ url: "${sink.url}/fora", retry: ["1h"] })`,
    routes: `{ on: "note.*", to: ["crm", "fora"] }`,
  }));
  try {
    await relay.post(event("note.failed", "before"));
    await sink.received(2);
    const [all, failed, json] = [
      follow(relay.folder),
      follow(relay.folder, "--type", "note.failed", "--limit", "1"),
      follow(relay.folder, "--json"),
    ];
    try {
      for (const one of [all, failed]) await one.shows(/note\.failed .*✓ crm/);
      await until("the old event as JSON", () => json.lines().length > 0);
      await relay.post(event("note.completed", "new"));
      await relay.post(event("note.failed", "new"));
      const attempt = / \| … fora: error at the target(, next in (59 min\.|1 hr\.))?$/;
      for (const one of [all, failed]) {
        await until("the attempt", () => one.lines().slice(2).some((line) => attempt.test(line)));
      }
      await all.shows(/note\.completed/);
      assert.ok(!failed.lines().some((line) => line.includes("note.completed")), failed.lines().join("\n"));
      assert.equal(all.lines()[0], "Times are in the time zone America/Sao_Paulo");
      await until("each new event and its attempts as JSON", () => {
        const [first, ...others] = json.events();
        assert.equal(first.noteId, "before");
        const last = others.filter(({ noteId, type }) => noteId === "new" && type === "note.failed").at(-1);
        return last?.deliveries.map(({ state, attempts }: Record<string, unknown>) => `${state} ${attempts}`).join() ===
          "delivered 1,pending 1";
      });
      const ids = new Set(json.events().map(({ id }) => id));
      assert.equal(ids.size, 3);

      isUp = true;
      await runRelay(["retry", [...ids].at(-1)], { cwd: relay.folder });
      await until("the end of a delivery", () => all.lines().at(-1)!.endsWith(" | ✓ fora"));
      assert.deepEqual(await Promise.all([all, failed, json].map((one) => one.end())), [130, 130, 130]);
    } finally {
      for (const one of [all, failed, json]) await one.end("SIGKILL");
    }
  } finally {
    await relay.close();
    await sink.close();
  }
});

test("events --follow waits for the first event where there is none, and for a relay where none serves", async () => {
  const sink = await startSink();
  const config = configOf({ targets: `crm: http({ url: "${sink.url}" })`, routes: `{ on: "**", to: "crm" }` });
  let relay = await startRelay(config);
  const { folder } = relay;
  const first = relay;
  try {
    await relay.end();
    const following = follow(folder);
    try {
      await following.shows(/^Times are/);
      relay = await startRelay(config, { folder });
      await relay.post(event("note.failed", "1"));
      await following.shows(/note\.failed .*✓ crm/);
      following.reader.destroy(); // as `head` does that has seen enough
      await relay.post(event("note.failed", "2"));
      assert.equal(await following.exited, 0);
    } finally {
      await following.end("SIGKILL");
    }
  } finally {
    await relay.close();
    await first.close();
    await sink.close();
  }
});

test("events --follow shows each new event once from a store in PostgreSQL", async () => {
  await withSeveralRelays(1, async ({ relays: [relay], sink }) => {
    const following = follow(relay!.folder, "--json");
    try {
      for (const number of [1, 2, 3]) await relay!.post(event("note.failed", `${number}`));
      await sink.received(15);
      await until("all of them to be told as delivered", () => {
        const last = new Map(following.events().map((one) => [one.noteId, one]));
        return last.size === 3 &&
          [...last.values()].every(({ deliveries }) =>
            deliveries.every(({ state }: { state: string }) => state === "delivered")
          );
      });
      await relay!.post(event("note.failed", "4")); // what was told twice would have been by the time that this is
      await until("another one", () => following.events().some(({ noteId }) => noteId === "4"));
      assert.equal(new Set(following.lines()).size, following.lines().length, "nothing is told twice");
      assert.equal(await following.end("SIGTERM"), 130);
    } finally {
      await following.end("SIGKILL");
    }
  });
});

test("events --follow ends with 2 beside an id, and beside a state that only deliveries have", async () => {
  for (const args of [["018f2b6e"], ["--state", "dead"]]) {
    const { code, stderr } = await runRelay(["events", "--follow", ...args]);
    assert.equal(code, 2, args.join(" "));
    assert.match(stderr, /^Cannot follow /);
  }
});
