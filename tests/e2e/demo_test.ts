/** `relay demo` on the executable. */

import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import process from "node:process";
import { test } from "node:test";
import { executable, runRelay, sign } from "../helpers/relay.ts";
import { until } from "../helpers/wait.ts";

test("demo shows what was answered and what arrived where, and ends by itself", async () => {
  const { code, stdout, stderr } = await runRelay(["demo"]);
  assert.equal(code, 0, stdout + stderr);
  assert.equal(stderr, "");
  const rows = stdout.split("\n").map((line) => line.trim().split(/\s{2,}|(?<=failed) (?=nowhere)/));
  for (
    const row of [
      ["note.processing", "200 OK", "sistema"],
      ["note.completed", "200 OK", "sistema"],
      ["note.failed", "200 OK", "equipe, plantao, sistema"],
      ["test", "200 OK", "arquivo"],
      ["note.completed, sent again", "200 Already processed", "nowhere"],
      ["note.failed, forged", "401 Signature verification failed", "nowhere"],
    ]
  ) {
    assert.ok(rows.some((one) => one.join("|") === row.join("|")), `${row.join("|")} in ${stdout}`);
  }
});

test("demo says in the user's language what it does, and its messages are in it too", async () => {
  const { code, stdout } = await runRelay(["demo", "--locale", "pt-BR"]);
  assert.equal(code, 0, stdout);
  assert.match(stdout, /Cada evento chegou/);
  assert.match(stdout, /para equipe@clinica\.example: Falha na nota/);
  assert.match(stdout, /relay init my-relay +cria uma configuração/);
});

test("demo --keep goes on serving, and its curl's signature is good", async () => {
  const child = spawn(executable, ["demo", "--keep"], { env: { PATH: process.env.PATH } });
  let output = "";
  child.stdout.on("data", (chunk) => output += chunk);
  const exited = new Promise<number | null>((resolve) => child.on("close", resolve));
  try {
    const secret = await until("the curl", () => /-hmac (\S+)/.exec(output)?.[1]);
    const url = /curl -X POST (\S+)/.exec(output)![1]!;
    const body = '{"event":"note.failed","data":{"note_id":"42"}}';
    assert.ok(output.includes(body));
    const response = await fetch(url, {
      method: "POST",
      headers: { "X-ConnectVets-Signature": sign(body, secret) },
      body,
    });
    assert.equal(await response.text(), "OK");
    await until("the arrival in Slack", () => /plantao[\s\S]*Note id: 42/.test(output));
  } finally {
    process.kill(child.pid!, "SIGTERM");
  }
  assert.equal(await exited, 0);
});
