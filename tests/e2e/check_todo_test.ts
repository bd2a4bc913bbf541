/** `relay check` says what is left to do, in order; a placeholder is a warning wherever warnings are told. */

import assert from "node:assert/strict";
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import process from "node:process";
import { test } from "node:test";
import { makeFolder } from "../helpers/folder.ts";
import { freePort } from "../helpers/port.ts";
import { configOf, executable, runRelay, startRelay } from "../helpers/relay.ts";
import { startSink } from "../helpers/sink.ts";

const PLACEHOLDER = "https://hooks.slack.com/services/REPLACE/WITH/YOURS";

test("check lists what is left to do as it is done, and then says that nothing is", async () => {
  const sink = await startSink();
  const folder = makeFolder();
  const run = (...args: string[]) => runRelay(args, { cwd: folder.path });
  const dotenv = (slack: string, secret: string) =>
    writeFileSync(join(folder.path, ".env"), `SLACK=${slack}\nSECRET=${secret}\n`, { mode: 0o600 });
  const config = configOf({
    targets: 'plantao: slack({ url: env("SLACK") })',
    routes: '{ on: "note.completed", to: "plantao" }',
    port: await freePort(),
  }).replace(/secret: "\w+"/, 'secret: env("SECRET")');
  writeFileSync(join(folder.path, "relay.config.ts"), config);
  try {
    dotenv(PLACEHOLDER, "sample-0123456789abcdef");
    const first = await run("check");
    assert.equal(first.code, 0);
    assert.match(first.stdout, /targets\.plantao\.url: is still a placeholder; put the URL .* into \.env as SLACK\n/);
    const todo = [
      "put the URL of your Slack incoming webhook into .env as SLACK",
      `start the relay: ${executable} serve`,
      `in another terminal, send a test event: ${executable} send note.completed --wait`,
      "put the webhook secret from ConnectVets into .env as SECRET",
    ];
    assert.deepEqual(JSON.parse((await run("check", "--json")).stdout).todo, todo);
    assert.match(first.stdout, /\nStill to do:\n {2}1\. Put the URL [^]*\n {2}4\. Put the webhook secret .*\n$/);
    assert.match(
      (await run("check", "--locale", "pt-BR")).stdout,
      /\nFalta fazer:\n {2}1\. Coloque em \.env, como SLACK/,
    );
    assert.equal(existsSync(join(folder.path, "relay.db")), false, "check makes no store");

    const relay = await startRelay(config, { folder: folder.path });
    try {
      await relay.logged("the warning", ({ message }) => /SLACK/.test(String(message)));
      assert.ok(!relay.output().includes("REPLACE"), "the value is not shown");
      assert.match((await run("status")).stdout, /is still a placeholder/);
      assert.deepEqual(JSON.parse((await run("check", "--json")).stdout).todo, [
        todo[3],
        todo[0],
        `reload the relay: kill -HUP ${relay.child.pid}, or as a service: systemctl restart relay`,
        `send a test event: ${executable} send note.completed --wait`,
      ]);
      dotenv(`${sink.url}/x`, "whs_0123456789abcdef");
      const reloaded = relay.logged("the reload", ({ message }) => String(message).startsWith("reloaded"));
      process.kill(relay.child.pid!, "SIGHUP");
      await reloaded;
      assert.equal((await run("send", "--wait")).code, 0);
      const last = await run("check");
      assert.match(last.stdout, /\nNothing left to do: the relay runs, and has received events\n$/);
      assert.doesNotMatch(last.stdout, /Warnings/);
      assert.deepEqual(JSON.parse((await run("check", "--json")).stdout).todo, []);
    } finally {
      await relay.close();
    }
  } finally {
    folder.remove();
    await sink.close();
  }
});

test("check warns of placeholders alone, in the config as in a variable", async () => {
  const folder = makeFolder();
  const warned = async (targets: string) => {
    writeFileSync(join(folder.path, "relay.config.ts"), configOf({ targets, routes: "" }));
    const { stdout } = await runRelay(["check", "--json"], { cwd: folder.path, env: { URL_OF_IT: PLACEHOLDER } });
    assert.doesNotMatch(stdout, /REPLACE|user:password/);
    return JSON.parse(stdout).warnings.map(({ path, message }: Record<string, string>) => `${path}: ${message}`);
  };
  const slack = (url: string) => `one: slack({ url: ${url} })`;
  const mail = (via: string) => `one: email({ via: ${via}, from: "a@b.example", to: "c@d.example" })`;
  try {
    for (
      const url of [
        '"https://hooks.slack.com/services/…"',
        '"https://hooks.slack.com/services/..."',
        '"https://hooks.slack.com/services/T00000000/B00000000/XXXXXXXX"',
        '"https://hooks.slack.com/services/"',
      ]
    ) {
      assert.deepEqual(await warned(slack(url)), [
        "targets.one.url: is still a placeholder; put the URL of your Slack incoming webhook there",
      ]);
    }
    assert.deepEqual(await warned(slack('env("URL_OF_IT")')), [
      "targets.one.url: is still a placeholder; put the URL of your Slack incoming webhook into .env as URL_OF_IT",
    ]);
    assert.match((await warned(mail('"smtp://user:password@smtp.example.com:587"')))[0], /via: .*your mail server/);
    assert.match((await warned('one: http({ url: "https://sistema.example/webhook" })'))[0], /url: .*your system/);
    for (
      const own of [
        slack('"https://hooks.slack.com/services/T024BE7LD/B03AB/xyzAbc"'),
        slack('"http://127.0.0.1:4000/services/REPLACE"'),
        mail('"smtp://127.0.0.1:25"'),
      ]
    ) assert.deepEqual(await warned(own), [], own);
  } finally {
    folder.remove();
  }
});

test("check says so where it cannot tell whether the relay runs, and leaves the store alone", async () => {
  const folder = makeFolder();
  try {
    writeFileSync(
      join(folder.path, "relay.config.ts"),
      configOf({ targets: 'crm: http({ url: "http://127.0.0.1:9" })', routes: "" }),
    );
    writeFileSync(join(folder.path, "relay.db"), "not a database, and nobody knows whose");
    const { code, stdout } = await runRelay(["check"], { cwd: folder.path });
    assert.equal(code, 0);
    assert.match(stdout, /\nCannot tell whether the relay runs: .*relay\.db/);
    assert.equal(readFileSync(join(folder.path, "relay.db"), "utf8"), "not a database, and nobody knows whose");
  } finally {
    folder.remove();
  }
});
