/** Every command in the README, run as it stands. */

import assert from "node:assert/strict";
import { execFileSync, spawn } from "node:child_process";
import { readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import process from "node:process";
import { test } from "node:test";
import { makeFolder } from "../helpers/folder.ts";
import { executable, runRelay } from "../helpers/relay.ts";
import { until } from "../helpers/wait.ts";

const readme = readFileSync(new URL("../../README.md", import.meta.url), "utf8");
const manifest = JSON.parse(readFileSync(new URL("../../deno.json", import.meta.url), "utf8"));

/** Lines of the blocks that are for a shell, without their comments. */
const commands = [...readme.matchAll(/^```sh\n(.*?)^```$/gms)]
  .flatMap(([, block]) => block!.split("\n"))
  .map((line) => line.replace(/\s+#.*$/, "").replace(/\s+\(.*\)$/, "").trim())
  .filter((line) => line !== "");

test("README has the two commands of a fresh machine at its top, and names tasks that exist", () => {
  assert.deepEqual(commands.slice(0, 2), ["npx -y deno@2.9.6 task demo", "npx -y deno@2.9.6 task test"]);
  for (const [, name] of readme.matchAll(/deno@2\.9\.6 task (\w+)/g)) assert.ok(name! in manifest.tasks, name);
});

test("README's commands work in their order", async () => {
  const folder = makeFolder();
  const env = { PATH: `${dirname(executable)}:${process.env.PATH}`, RELAY_CONFIG: "my-relay/relay.config.ts" };
  const shell = (command: string) => spawn("sh", ["-c", `exec ${command}`], { cwd: folder.path, env });
  const relays: ReturnType<typeof shell>[] = [];
  try {
    for (const text of commands.slice(2)) {
      const command = / ID$/.test(text) ? text.replace(/ID$/, await failedId(folder.path, env)) : text;
      const child = shell(command);
      let output = "";
      for (const stream of [child.stdout, child.stderr]) stream.on("data", (chunk) => output += chunk);
      if (/^relay serve/.test(command)) {
        relays.push(child);
        await until("the relay to listen", () => output.includes("listening on"));
        continue;
      }
      const code = await new Promise((resolve) => child.on("close", resolve));
      assert.equal(code, 0, `${command}: ${output}`);
      if (/^relay send/.test(command)) assert.equal(output, "200 OK\n");
    }
    assert.equal(relays.length, 1);
  } finally {
    for (const relay of relays) {
      const ended = new Promise((resolve) => relay.on("close", resolve));
      process.kill(relay.pid!, "SIGTERM");
      await ended;
    }
    folder.remove();
  }
});

/** The id of the newest event, which a reader takes from what `relay events` shows, once a delivery of it has failed. */
async function failedId(cwd: string, env: Record<string, string>): Promise<string> {
  const newest = await until("a failed delivery", () => {
    const [event] = JSON.parse(execFileSync(executable, ["events", "--json"], { cwd, env, encoding: "utf8" }));
    return event.deliveries.some(({ reason }: { reason: string | null }) => reason !== null) && event;
  }, 30_000);
  return newest.id;
}

test("README's fixture is what README's config does", async () => {
  const folder = makeFolder();
  try {
    const [config, fixture] = ["ts", "json"].map((kind) =>
      readme.match(RegExp(`^\`\`\`${kind}\\n(.*?)^\`\`\``, "ms"))![1]!
    );
    writeFileSync(join(folder.path, "relay.config.ts"), config!);
    writeFileSync(join(folder.path, "failed.json"), fixture!);
    const env = { WEBHOOK_SECRET: "secret", SLACK_WEBHOOK_URL: "http://127.0.0.1:9", SMTP_URL: "smtp://127.0.0.1:9" };
    const { code, stdout, stderr } = await runRelay(["test", "failed.json"], { cwd: folder.path, env });
    assert.equal(code, 0, stdout + stderr);
  } finally {
    folder.remove();
  }
});

test("README names every verb", async () => {
  const child = spawn(executable, ["--help"]);
  let help = "";
  child.stdout.on("data", (chunk) => help += chunk);
  await new Promise((resolve) => child.on("close", resolve));
  const verbs = [...help.matchAll(/^ {2}(\w+) (?:\[|\s{2})/gm)].map(([, verb]) => verb!).filter((verb) =>
    verb !== "relay" && verb !== "help"
  );
  assert.ok(verbs.length >= 9, help);
  for (const verb of verbs) assert.ok(readme.includes(`\`relay ${verb}`), verb);
});
