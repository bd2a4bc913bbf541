/** The verbs of the executable, as a user types them. */

import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import { readFileSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { makeFolder } from "../helpers/folder.ts";
import { configOf, runRelay, SECRET, sign, startRelay } from "../helpers/relay.ts";
import { startSink } from "../helpers/sink.ts";

const BODY = '{"event":"note.failed","timestamp":"2024-02-14T18:25:43Z","data":{"note_id":"n/1","status":"failed"}}';

/** Runs verbs in a folder with this config. */
async function inFolder(
  config: string,
  work: (run: (...args: string[]) => ReturnType<typeof runRelay>, folder: string) => Promise<void>,
) {
  const folder = makeFolder();
  try {
    writeFileSync(join(folder.path, "relay.config.ts"), config);
    await work((...args) => runRelay(args, { cwd: folder.path, input: BODY }), folder.path);
  } finally {
    folder.remove();
  }
}

const simple = configOf({
  targets:
    `crm: http({ url: "http://127.0.0.1:9/in?token=tok_123456" }), slack: slack({ url: "https://hooks.slack.com/services/T/B/xyz" })`,
  routes:
    `{ on: "note.failed", to: "slack" }, { on: "note.*", to: "crm", when: (e) => e.data.external_id !== undefined }`,
});

test("init writes a config that passes check, with secrets that only the owner reads", async () => {
  const folder = makeFolder();
  try {
    const dir = join(folder.path, "deep", "er");
    const made = await runRelay(["init", dir]);
    assert.equal(made.code, 0, made.stderr);
    assert.equal(statSync(join(dir, ".env")).mode & 0o777, 0o600);
    assert.match(readFileSync(join(dir, "relay.d.ts"), "utf8"), /declare module "relay"/);
    const checked = await runRelay(["check"], { cwd: dir });
    assert.equal(checked.code, 0, checked.stderr);

    writeFileSync(join(dir, ".env"), "MINE=1\n");
    const again = await runRelay(["init"], { cwd: dir });
    assert.equal(again.code, 0);
    assert.match(again.stdout, /kept {3}\.env/);
    assert.equal(readFileSync(join(dir, ".env"), "utf8"), "MINE=1\n");
  } finally {
    folder.remove();
  }
});

test("check prints the routing table without a secret, as text and as JSON", async () => {
  await inFolder(simple, async (run) => {
    const text = await run("check");
    assert.equal(text.code, 0);
    assert.match(text.stdout, /note\.failed\s+→ slack/);
    assert.match(text.stdout, /crm\s+http\s+POST http:\/\/127\.0\.0\.1:9\n/);
    const json = JSON.parse((await run("check", "--json")).stdout);
    assert.deepEqual(json.routes.map(({ to }: { to: string[] }) => to), [["slack"], ["crm"]]);
    for (const secret of [SECRET, "tok_123456", "xyz"]) assert.ok(!text.stdout.includes(secret));
  });
});

test("check warns in the config's language, and in English where programs read it", async () => {
  const config = configOf({ targets: 'gone: script({ command: ["./gone.sh"] })', routes: "", more: 'locale: "pt-BR"' });
  await inFolder(config, async (run) => {
    assert.match(
      (await run("check")).stdout,
      /\nAvisos\n {2}targets\.gone: não é possível executar \.\/gone\.sh: o arquivo \/.*\/gone\.sh não existe\n/,
    );
    const { warnings } = JSON.parse((await run("check", "--json")).stdout);
    assert.deepEqual(warnings.map(({ path }: { path: string }) => path), ["targets.gone"]);
    assert.match(warnings[0].message, /^cannot run \.\/gone\.sh: the file \/.*\/gone\.sh does not exist$/);
  });
});

test("check tells every mistake at once and exits 78", async () => {
  const broken = configOf({
    targets: `slack: slack({ url: "https://hooks.slack.com/x", timeot: "1s" }), crm: http({ url: "nowhere" })`,
    routes: `{ on: "note.failed", to: "slak" }`,
    more: `listen: { port: 99999 },`,
  }).replace(/listen: .*0 },\n/, "");
  await inFolder(broken, async (run) => {
    const { code, stderr, stdout } = await run("check");
    assert.deepEqual([code, stdout], [78, ""]);
    assert.match(stderr, /4 mistakes|3 mistakes/);
    assert.match(stderr, /targets\.slack: unknown option "timeot"; .*did you mean "timeout"\?/);
    assert.match(stderr, /targets\.crm\.url: expected a URL/);
    assert.match(stderr, /listen\.port: expected at most 65535, got 99999/);
    assert.equal((await run("serve")).code, 78);
    const json = JSON.parse((await run("check", "--json")).stdout);
    assert.equal(json.ok, false);
    assert.ok(json.issues.length >= 3);
  });
});

test("check shows each mistake with its line and a mark, in the language that is asked for, and as JSON", async () => {
  const broken = configOf({
    targets: `slack: slack({ url: "https://hooks.slack.com/services/hunter2", rate: "200/s" })`,
    routes: `{ on: "note.faild", to: "slak" }`,
  });
  await inFolder(broken, async (run) => {
    const [rate, target] = (await run("check")).stderr.split("\n\n").slice(1);
    assert.equal(
      rate,
      [
        '  targets.slack.rate: expected { per: "1s", limit: 200 }, got "200/s"',
        "    relay.config.ts:6:84",
        '    6 │ targets: { slack: slack({ url: "https://hooks.slack.com/[secret]", rate: "200/s" }) },',
        "      │                                                                          ^^^^^^^",
      ].join("\n"),
    );
    assert.match(target!, /relay\.config\.ts:7:37\n.*\n {6}│ {35}\^{6}\n$/);
    const portuguese = (await run("check", "--locale", "pt-BR")).stderr;
    assert.match(portuguese, /^Não foi possível carregar .*: 2 erros\n/);
    assert.match(portuguese, /rate: esperado: \{ per: "1s", limit: 200 \}; encontrado: "200\/s"\n/);
    const { issues } = JSON.parse((await run("check", "--json", "--locale", "pt-BR")).stdout);
    assert.deepEqual(issues.map(({ path, line, column }: Record<string, unknown>) => [path, line, column]), [
      ["targets.slack.rate", 6, 84],
      ["routes[0].to", 7, 37],
    ]);
    assert.match(issues[1].message, /^unknown target "slak"; .*did you mean "slack"\?$/);
    assert.match(issues[0].file, /^\/.*\/relay\.config\.ts$/);
  });
});

test("check names an unknown target and the one that may be meant", async () => {
  const broken = configOf({
    targets: `slack: slack({ url: "https://hooks.slack.com/x" })`,
    routes: `{ on: "**", to: "slak" }`,
  });
  await inFolder(broken, async (run) => {
    const { stderr } = await run("check");
    assert.match(stderr, /routes\[0\]\.to: unknown target "slak"; known targets are "slack"; did you mean "slack"\?/);
  });
});

test("sign and verify agree with each other", async () => {
  await inFolder(simple, async (run, folder) => {
    const signed = await run("sign");
    assert.equal(signed.stdout, `${sign(BODY)}\n`);
    const json = JSON.parse((await run("sign", "--json")).stdout);
    assert.deepEqual(json, { header: "X-ConnectVets-Signature", signature: sign(BODY) });
    writeFileSync(join(folder, "body.json"), BODY);
    const good = await run("verify", "--signature", signed.stdout.trim(), "body.json");
    assert.deepEqual([good.code, good.stdout.split("\n")[0]], [0, "The signature is valid."]);
  });
});

test("verify says what would explain a bad signature", async () => {
  const rows: [signature: string, sentence: RegExp][] = [
    ["sha256=test", /not hex digits/],
    [sign(BODY).slice(0, -2), /has 62 hex digits; it must have 64/],
    [sign(`${BODY}\n`), /with a line end after them/],
    [sign(`\ufeff${BODY}`), /byte order mark/],
    [sign(JSON.stringify(JSON.parse(BODY), null, 2)), /read and written again/],
    [sign(BODY).replace(/[0-9a-f]{64}/, (hex) => Buffer.from(hex, "hex").toString("base64")), /base64/],
    [sign(BODY, "another"), /fits no secret/],
  ];
  await inFolder(simple, async (run) => {
    for (const [signature, sentence] of rows) {
      const { code, stdout } = await run("verify", "--signature", signature);
      assert.equal(code, 1);
      assert.match(stdout, sentence);
      assert.ok(!stdout.includes(SECRET));
    }
  });
});

test("routes tells where an event would go and why, and sends nothing", async () => {
  await inFolder(simple, async (run, folder) => {
    writeFileSync(join(folder, "event.json"), BODY);
    const { code, stdout } = await run("routes", "--data", "event.json", "--render");
    assert.equal(code, 0);
    assert.match(stdout, /note\.failed goes to slack\n/);
    assert.match(stdout, /note\.\* → crm: its `when` says no/);
    assert.match(stdout, /\*Falha na nota: n\/1\*/);
    const json = JSON.parse((await run("routes", "billing.paid", "--json")).stdout);
    assert.deepEqual(json.targets, []);
  });
});

test("routes --render shows messages as people read them, and --html the HTML of an email", async () => {
  const config = configOf({
    targets: `equipe: email({ via: "smtp://127.0.0.1:1", from: "a@b.example", to: "c@d.example" }),
      crm: http({ url: "http://127.0.0.1:9" }), plantao: slack({ url: "http://127.0.0.1:9/x" })`,
    routes: '{ on: "note.failed", to: ["equipe", "crm", "plantao"] }',
  });
  await inFolder(config, async (run, folder) => {
    writeFileSync(join(folder, "event.json"), BODY);
    const routes = ["routes", "--data", "event.json"];
    const { stdout } = await run(...routes, "--render");
    assert.match(stdout, /\nequipe\n {2}Subject: Falha na nota: n\/1\n {2}Text:\n {4}Falha na nota: n\/1\n\n {4}\S/);
    assert.match(stdout, /\ncrm\n {2}\{\n {4}"event": "note\.failed",\n/);
    assert.match(stdout, /\nplantao\n {2}\*Falha na nota: n\/1\*\n/);
    assert.doesNotMatch(stdout, /<html|"type": "section"/);
    const html = (await run(...routes, "--render", "--html")).stdout;
    assert.match(html, /\nequipe\n<!doctype html>\n<html lang="pt-BR">/);
    assert.match(html, /\nplantao\n {2}\*Falha/);
    const json = JSON.parse((await run(...routes, "--render", "--json")).stdout);
    assert.deepEqual(Object.keys(json.messages[0].message), ["subject", "text", "html"]);
    const alone = await run("routes", "--html");
    assert.deepEqual([alone.code, alone.stderr], [2, "--html works only with --render\n"]);
  });
});

test("send posts a signed sample to the running relay, and exits 1 where nothing listens", async () => {
  const sink = await startSink();
  const relay = await startRelay(
    configOf({ targets: `crm: http({ url: "${sink.url}" })`, routes: `{ on: "**", to: "crm" }` }),
  );
  try {
    const args = ["send", "note.transcription.failed", "--url", `${relay.url}/webhook`];
    const sent = await runRelay(args, { cwd: relay.folder });
    assert.equal(sent.code, 0);
    assert.match(sent.stdout, /^200 OK\nEvent [0-9a-f-]{36} goes to crm\n$/);
    const [request] = await sink.received(1);
    assert.equal(JSON.parse(request!.body.toString()).event, "note.transcription.failed");
    const wrongPath = await runRelay(["send", "--url", `${relay.url}/elsewhere`, "--json"], { cwd: relay.folder });
    assert.deepEqual([wrongPath.code, JSON.parse(wrongPath.stdout).status], [1, 404]);
    await relay.end();
    const nobody = await runRelay(args, { cwd: relay.folder });
    assert.equal(nobody.code, 1);
    assert.match(nobody.stderr, /nothing accepts connections there\n {2}hint: start the relay/);
  } finally {
    await relay.close();
    await sink.close();
  }
});

test("version prints version, runtime and platform", async () => {
  const { stdout } = await runRelay(["version", "--json"]);
  const { version, runtime, platform } = JSON.parse(stdout);
  assert.match(version, /^\d+\.\d+\.\d+$/);
  assert.match(runtime, /^bun /);
  assert.match(platform, /^linux-/);
});

test("every verb has help, and what is not understood exits 2", async () => {
  for (
    const verb of [
      "init",
      "check",
      "serve",
      "send",
      "sign",
      "verify",
      "routes",
      "test",
      "diff",
      "status",
      "demo",
      "version",
    ]
  ) {
    const { code, stdout } = await runRelay([verb, "--help"]);
    assert.equal(code, 0);
    assert.match(stdout, new RegExp(`Usage: relay ${verb}`));
  }
  for (const args of [["nonsense"], ["check", "--nonsense"], ["verify"], []]) {
    assert.equal((await runRelay(args)).code, 2, args.join(" "));
  }
});

test("a config that is not there is told in words, without a stack", async () => {
  const { code, stderr } = await runRelay(["serve", "--config", "/nowhere/relay.config.ts"]);
  assert.equal(code, 78);
  assert.equal(
    stderr,
    "Cannot load /nowhere/relay.config.ts: 1 mistake\n\n  the file does not exist\n" +
      "    hint: `relay init` creates one; if you have one in another folder, name it: --config FILE\n",
  );
});

test("relay refuses what is no verb, also a word that every object knows, and says which may be meant", async () => {
  for (const word of ["sevre", "constructor", "toString", "__proto__", ""]) {
    const { code, stdout, stderr } = await runRelay([word]);
    assert.deepEqual([code, stdout], [2, ""], word);
    assert.ok(stderr.startsWith(`Cannot run \`relay\`: unknown command "${word}"`), stderr);
    assert.doesNotMatch(stderr, /TypeError|\n\s+at /);
  }
  assert.match((await runRelay(["sevre"])).stderr, /; did you mean "serve"\?\n {2}hint: see `relay --help`\n$/);
});

test("help VERB is what VERB --help is, also of a verb below another", async () => {
  for (const verb of [["backup"], ["service", "install"]]) {
    const [help, flag] = [await runRelay(["help", ...verb]), await runRelay([...verb, "--help"])];
    assert.deepEqual([help.code, help.stdout], [0, flag.stdout]);
    assert.match(help.stdout, new RegExp(`^Usage: relay ${verb.join(" ")} `));
  }
  assert.equal((await runRelay(["help"])).stdout, (await runRelay(["--help"])).stdout);
  const unknown = await runRelay(["help", "service", "instal"]);
  assert.deepEqual([unknown.code, unknown.stdout], [2, ""]);
  assert.match(unknown.stderr, /^Cannot run `relay service`: unknown command "instal"; did you mean "install"\?\n/);
});

test("the language is that of --locale wherever it stands, else the config's, else the terminal's", async () => {
  const inPortuguese = simple.replace("defineConfig({", 'defineConfig({ locale: "pt-BR",');
  assert.notEqual(inPortuguese, simple);
  const env = (LANG: string) => ({ env: { LANG } });
  assert.match((await runRelay(["--help"], env("pt_BR.UTF-8"))).stdout, /^Uso: relay/);
  assert.match((await runRelay(["--help", "--locale", "en"], env("pt_BR.UTF-8"))).stdout, /^Usage: relay/);
  assert.match((await runRelay(["--locale=pt-BR", "backup", "--help"])).stdout, /^Uso: relay backup/);
  for (
    const [config, args, words] of [
      [inPortuguese, ["status"], /^Não foi possível ler o banco de eventos/],
      [inPortuguese, ["status", "--locale", "en"], /^Cannot read the store/],
      [simple, ["status", "--locale", "pt-BR"], /^Não foi possível ler o banco de eventos/],
      [simple, ["--locale", "pt-BR", "status"], /^Não foi possível ler o banco de eventos/],
      [simple, ["status"], /^Cannot read the store/],
    ] as const
  ) {
    await inFolder(config, async (run) => assert.match((await run(...args)).stderr, words, args.join(" ")));
  }
});

test("a wrong value of an option is told in the language asked for, and in English as JSON", async () => {
  const args = ["events", "--limit", "many", "--locale", "pt-BR"];
  const said = await runRelay(args);
  assert.deepEqual([said.code, said.stdout], [2, ""]);
  assert.match(
    said.stderr,
    /^Não foi possível executar `relay events`: --limit não aceita "many"; use um número inteiro/,
  );
  const json = await runRelay([...args, "--json"]);
  assert.match(JSON.parse(json.stdout).error, /: --limit cannot be "many"; expected a whole number/);
});

test("help and wrong usage are in the config's language, and --locale wins", async () => {
  const folder = makeFolder();
  try {
    const config = configOf({ targets: 'crm: http({ url: "http://127.0.0.1:1" })', routes: '{ on: "**", to: "crm" }' });
    writeFileSync(join(folder.path, "outro.ts"), config.replace("defineConfig({", 'defineConfig({ locale: "pt-BR",'));
    const run = (...args: string[]) => runRelay(args, { cwd: folder.path, env: { LANG: "en_US.UTF-8" } });
    assert.match((await run("status", "--help", "--config", "outro.ts")).stdout, /^Uso: /);
    assert.match((await run("events", "--state", "x", "--config=outro.ts")).stderr, /^Não foi possível/);
    assert.match((await run("status", "--help", "--config", "outro.ts", "--locale", "en")).stdout, /^Usage: /);
    assert.match((await run("status", "--help")).stdout, /^Usage: /);
  } finally {
    folder.remove();
  }
});
