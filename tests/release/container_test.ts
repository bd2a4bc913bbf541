/** What makes a release and a container of it: the names in them are those of the project, and the health check works. */

import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { parse } from "yaml";
import manifest from "../../deno.json" with { type: "json" };
import { platforms } from "../../lib/build/platforms.ts";
import { makeFolder } from "../helpers/folder.ts";
import { freePort } from "../helpers/port.ts";
import { configOf, runRelay, startRelay } from "../helpers/relay.ts";
import { startSink, status } from "../helpers/sink.ts";

const read = (path: string) => readFileSync(new URL(`../../${path}`, import.meta.url), "utf8");
const dockerfile = read("Dockerfile");
const compose = parse(read("compose.yaml")).services.relay;
const workflow = parse(read(".github/workflows/release.yml"));

interface Step {
  name?: string;
  uses?: string;
  run?: string;
}

const steps = (Object.values(workflow.jobs) as { steps: Step[] }[]).flatMap((job) => job.steps);

test("the image is of the executables that a release makes, and starts them as a user without rights", () => {
  for (const { name, debian } of platforms) {
    if (debian) assert.match(dockerfile, RegExp(`^ *${debian}\\) platform=${name} ;;`, "m"));
  }
  assert.match(dockerfile, /^USER \d+:\d+$/m);
  assert.match(dockerfile, /^ENTRYPOINT \["relay"\]\nCMD \["serve"\]$/m);
  assert.deepEqual([compose.read_only, compose.cap_drop], [true, ["ALL"]]);
});

test("the health check tells whether the relay takes events", async () => {
  const [, command] = dockerfile.match(/^HEALTHCHECK .*CMD (.*)$/m)!;
  const [cmd, relay, ...args] = compose.healthcheck.test;
  assert.deepEqual([cmd, relay, ...args], ["CMD", ...JSON.parse(command!)]);
  assert.equal(relay, "relay");
  const admin = `{ port: ${await freePort()} }`;
  const target = `sistema: http({ url: "http://127.0.0.1:9/" })`;
  const serving = await startRelay(configOf({ targets: target, routes: '{ on: "**", to: "sistema" }', admin }));
  try {
    const healthy = await runRelay(args, { cwd: serving.folder });
    assert.deepEqual([healthy.code, healthy.stdout], [0, "ready\n"], healthy.stderr);
    const sent = await runRelay(["send", "note.failed", "--url", `${serving.url}/webhook`], {
      cwd: serving.folder,
      env: { HTTP_PROXY: "http://127.0.0.1:9", http_proxy: "http://127.0.0.1:9" },
    });
    assert.deepEqual(
      [sent.code, sent.stdout.split("\n")[0]],
      [0, "200 OK"],
      "Docker gives its proxy to every container",
    );
    await serving.end();
    const ended = await runRelay(args, { cwd: serving.folder });
    assert.equal(ended.code, 1);
    assert.match(ended.stderr, /^Cannot reach http:\/\/127\.0\.0\.1:\d+\/readyz: nothing accepts connections there\n/);
  } finally {
    await serving.close();
  }
});

test("status --ready exits 1 and says what the relay answers that takes none", async () => {
  const folder = makeFolder();
  const listener = await startSink(status(503, "the store is locked"));
  try {
    const admin = `{ port: ${listener.port} }`;
    const config = configOf({ targets: `t: http({ url: "http://127.0.0.1:9/" })`, routes: "", admin });
    writeFileSync(join(folder.path, "relay.config.ts"), config);
    const { code, stderr } = await runRelay(["status", "--ready"], { cwd: folder.path });
    assert.equal(code, 1);
    assert.match(stderr, /^Not ready: http:\/\/127\.0\.0\.1:\d+\/readyz answered 503: .*the store is locked/);
  } finally {
    await listener.close();
    folder.remove();
  }
});

test("status --ready says that it cannot ask where `admin` is off", async () => {
  const target = `sistema: http({ url: "http://127.0.0.1:9/" })`;
  const serving = await startRelay(configOf({ targets: target, routes: '{ on: "**", to: "sistema" }' }));
  try {
    const { code, stdout } = await runRelay(["status", "--ready", "--json"], { cwd: serving.folder });
    assert.equal(code, 1);
    const { ok, error, hint } = JSON.parse(stdout);
    assert.deepEqual([ok, error], [false, "Cannot ask whether the relay is ready: `admin` is false in the config"]);
    assert.match(hint, /`GET \/healthz`/);
  } finally {
    await serving.close();
  }
});

test("the workflow runs tasks that exist, in shells that can read it, and no action but a pinned one", () => {
  const commands = steps.flatMap(({ run }) => run ?? []);
  for (const command of commands) {
    const { status, stderr } = spawnSync("bash", ["-n"], { input: command, encoding: "utf8" });
    assert.equal(status, 0, `${command}\n${stderr}`);
    for (const [, task] of command.matchAll(/deno@2\.9\.6 task (\w+)/g)) assert.ok(task! in manifest.tasks, task);
  }
  assert.ok(commands.some((command) => command.includes("task release")));
  assert.ok(commands.some((command) => command.includes(".ci/run")));
  for (const { uses } of steps) if (uses) assert.match(uses, /^actions\/checkout@[0-9a-f]{40}$/);
});
