/** Secrets appear nowhere: not in the log, not in what verbs print, not in the store, whatever targets answer. */

import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import process from "node:process";
import { test } from "node:test";
import { makeFolder } from "../helpers/folder.ts";
import { startMail } from "../helpers/mail.ts";
import { type RunningRelay, runRelay, sign, startRelay } from "../helpers/relay.ts";
import { startSink } from "../helpers/sink.ts";

/** Every secret of the config, by the variable that holds it; each has characters that a URL or JSON writes otherwise. */
const secrets = {
  WEBHOOK_SECRET: 'whs_"source"\\secret/4711+==',
  OLD_SECRET: "whs_replaced_source_secret_0815",
  DIGEST_SECRET: "digest-source-secret-1234567890",
  SLACK_TOKEN: "SlackTokenXyz0123456789ab",
  HEADER_TOKEN: "header/token+value==42",
  QUERY_TOKEN: "query+token/with=signs'here",
  PATH_TOKEN: "PathTokenAbCdEf0123456789",
  URL_PASSWORD: "url-password-0123456789",
  SMTP_PASSWORD: "smtp p@ss/word?42",
  SIGN_SECRET: `whsec_${Buffer.from("standard webhooks secret").toString("base64")}`,
  SCRIPT_TOKEN: "script token & more <42>",
  ADMIN_TOKEN: "admin-token-0123456789",
};

const targets = ["slack", "header", "query", "path", "password", "cut", "nowhere", "mail", "script", "throwing"];

/** The text of the config. */
function configText(port: number, mailPort: number): string {
  const query = JSON.stringify(`http://127.0.0.1:${port}/query?token=${secrets.QUERY_TOKEN}`);
  const nowhere = JSON.stringify(`http://127.0.0.1:1/?token=${secrets.QUERY_TOKEN}`);
  const via = JSON.stringify(`smtp://relay:${encodeURIComponent(secrets.SMTP_PASSWORD)}@127.0.0.1:${mailPort}`);
  return `import { connectvets, defineConfig, email, env, hmac, http, script, slack } from "relay";
const retry = "none";
const headers = { Authorization: env("HEADER_TOKEN"), "X-Clinic": env("HEADER_TOKEN") };
export default defineConfig({
  listen: { host: "127.0.0.1", port: 0 },
  admin: { host: "127.0.0.1", port: 0, token: env("ADMIN_TOKEN") },
  sources: {
    connectvets: connectvets({ path: "/webhook", secret: [env("WEBHOOK_SECRET"), "${secrets.OLD_SECRET}"] }),
    digest: hmac({ path: "/digest", secret: env("DIGEST_SECRET"), header: "X-Digest" }),
  },
  targets: {
    slack: slack({ url: env("SLACK_URL"), retry }),
    header: http({ url: "http://127.0.0.1:${port}/header", retry, sign: env("SIGN_SECRET"), headers }),
    query: http({ url: ${query}, retry }),
    path: http({ url: env("PATH_URL"), retry }),
    password: http({ url: env("PASSWORD_URL"), retry }),
    cut: http({ url: "http://127.0.0.1:${port}/cut", retry, headers }),
    nowhere: http({ url: ${nowhere}, retry }),
    mail: email({ via: ${via}, from: "relay@clinica.example", to: "equipe@clinica.example", retry }),
    script: script({ command: ["./echo.sh"], retry, env: { TOKEN: env("SCRIPT_TOKEN") } }),
    throwing: slack({ url: env("SLACK_URL"), retry, text: () => { throw new Error(process.env.SLACK_URL) } }),
  },
  routes: [
    { on: "**", to: ${JSON.stringify(targets)} },
    { on: "**", to: "mail", when: () => { throw new Error(process.env.ADMIN_TOKEN) } },
  ],
});
`;
}

/** The config with mistakes in and beside its secrets. */
function breakConfig(text: string): string {
  const mistakes: [sound: string, broken: string][] = [
    ["port: 0", 'port: "3000"'],
    [`"${secrets.OLD_SECRET}"`, `["${secrets.OLD_SECRET}"]`],
    ['header: "X-Digest"', 'header: "X-Digest", sekret: 1'],
    ['env("SIGN_SECRET")', `"${secrets.SIGN_SECRET}!"`],
    ["smtp://", "smpt://"],
    ['env("SCRIPT_TOKEN")', '[env("SCRIPT_TOKEN")]'],
    ['url: "http://127.0.0.1:1/', 'url: "htp://127.0.0.1:1/'],
  ];
  return mistakes.reduce((broken, [sound, mistake]) => broken.replace(sound, mistake), text);
}

/** The environment of the relay. */
function environment(port: number): Record<string, string> {
  const { OLD_SECRET: _, QUERY_TOKEN: __, ...variables } = secrets;
  return {
    ...variables,
    SLACK_URL: `http://127.0.0.1:${port}/services/T0123/B4567/${secrets.SLACK_TOKEN}`,
    PATH_URL: `http://127.0.0.1:${port}/hooks/${secrets.PATH_TOKEN}/in`,
    PASSWORD_URL: `http://relay:${secrets.URL_PASSWORD}@127.0.0.1:${port}/password`,
  };
}

/** How many characters of a secret are kept where an answer is cut within it. */
const CUT = 12;

/** The ways in which a text may write a secret. */
function formsOf(secret: string): string[] {
  const query = new URLSearchParams({ x: secret }).toString().slice(2);
  const inUrl = new URL(`http://x/?${secret}`).search.slice(1);
  const escaped = JSON.stringify(secret).slice(1, -1);
  const forms = [secret, encodeURIComponent(secret), encodeURI(secret), query, inUrl, escaped, btoa(secret)];
  return [...new Set([...forms, JSON.stringify(escaped).slice(1, -1), btoa(`relay:${secret}`)])];
}

/** Which secrets these texts hold, and in which form. */
function leaks(texts: Record<string, string>): string[] {
  return Object.entries(texts).flatMap(([place, text]) =>
    Object.entries(secrets).flatMap(([name, secret]) =>
      formsOf(secret).filter((form) => text.includes(form)).map((form) => `${place}: ${name} as ${form}`)
    )
  );
}

/** The bytes of all files of the store. */
function storeOf({ folder }: RunningRelay): string {
  const files = readdirSync(folder).filter((name) => name.startsWith("relay.db"));
  assert.ok(files.length > 0);
  return files.map((name) => readFileSync(join(folder, name), "latin1")).join("\n");
}

const event = (number: number) => `{"event":"note.failed","data":{"note_id":"${number}"}}`;

test("serve --debug keeps secrets out of its log and its store, whatever targets answer", async () => {
  const sink = await startSink((response, { path, headers }) => {
    const { authorization = "", "user-agent": _, ...others } = headers;
    const parts = decodeURIComponent(path).split(/[/?=]/);
    const said = JSON.stringify([authorization, path, decodeURIComponent(path), ...parts, others]);
    // An answer is kept up to 1 KiB; this one ends within a secret there.
    response.writeHead(500).end(path === "/cut" ? "x".repeat(1024 - CUT) + authorization : said);
  });
  const mail = await startMail({
    authOptional: false,
    onAuth: ({ username, password }, _session, done) => done(new Error(`no such login: ${username} ${password}`)),
  });
  const config = configText(sink.port, mail.port);
  const relay = await startRelay(config, {
    args: ["--debug"],
    env: environment(sink.port),
    files: { "echo.sh": `#!/bin/sh\nenv >&2\nenv > seen.txt\nprintf '%${4096 - CUT}s%s' '' "$TOKEN"\nexit 1\n` },
  });
  try {
    const signature = sign(event(1), secrets.WEBHOOK_SECRET);
    const sent = {
      Authorization: "Bearer of-the-sender-4711",
      Cookie: "session=of-the-sender-4712",
      Message: secrets.HEADER_TOKEN, // as the log names what it says
    };
    assert.equal((await relay.post(event(1), { signature, headers: sent })).text, "OK");
    const ofOld = sign(event(2), secrets.OLD_SECRET);
    assert.equal((await relay.post(event(2), { signature: ofOld })).text, "OK");
    const digest = sign(event(3), secrets.DIGEST_SECRET).slice(7);
    const other = { signature: null, path: "/digest", headers: { "X-Digest": digest } };
    assert.equal((await relay.post(event(3), other)).text, "OK");
    assert.equal((await relay.post(event(4), { signature: secrets.WEBHOOK_SECRET })).status, 401);

    const ended = () => relay.log().filter(({ message }) => String(message).startsWith("dead"));
    const count = 3 * targets.length;
    await relay.logged(`the end of ${count} deliveries`, () => ended().length >= count);
    assert.ok(relay.output().includes("note_id"), "bodies are logged under --debug");
    const store = storeOf(relay);
    assert.deepEqual(leaks({ log: relay.output(), store }), []);
    for (const secret of [secrets.HEADER_TOKEN, secrets.SCRIPT_TOKEN]) {
      assert.ok(!store.includes(secret.slice(0, CUT)), `the start of ${secret} in the store`);
    }
    for (const masked of [signature, ofOld, digest, "of-the-sender"]) {
      assert.ok(!relay.output().includes(masked.replace("sha256=", "")), `${masked} in the log`);
    }

    const seen = readFileSync(join(relay.folder, "seen.txt"), "utf8");
    const { SCRIPT_TOKEN, ...others } = secrets;
    assert.ok(seen.includes(SCRIPT_TOKEN), "the script gets what its `env` names");
    for (const secret of Object.values(others)) assert.ok(!seen.includes(secret), `the script gets ${secret}`);

    writeFileSync(join(relay.folder, "relay.config.ts"), breakConfig(config));
    process.kill(relay.child.pid!, "SIGHUP");
    await relay.logged("the broken config", ({ message }) => String(message).startsWith("config not reloaded"));
    assert.equal(await relay.end(), 0);
    assert.deepEqual(leaks({ log: relay.output(), store: storeOf(relay) }), []);
  } finally {
    await relay.close();
    await Promise.all([sink.close(), mail.close()]);
  }
});

test("check, routes, verify and send print no secret, of a sound config or a broken one", async () => {
  const folder = makeFolder();
  const write = (name: string, text: string) => writeFileSync(join(folder.path, name), text);
  try {
    write("relay.config.ts", configText(9, 9));
    write("broken.config.ts", breakConfig(configText(9, 9)));
    write("syntax.config.ts", configText(9, 9).replace("routes:", "routes"));
    write("text.config.ts", configText(9, 9).replace('env("SLACK_URL")', '`${env("SLACK_URL")}`'));
    write("event.json", event(1));
    const rows: [args: string[], code: number][] = [
      [["check"], 0],
      [["check", "--json"], 0],
      [["routes", "--render"], 0],
      [["routes", "--render", "--json"], 0],
      [["verify", "--signature", "sha256=test", "event.json"], 1],
      [["verify", "--signature", sign(event(1), "not the secret"), "event.json"], 1],
      [["send", "--url", "http://127.0.0.1:1/webhook"], 1],
      ...["broken", "syntax", "text"].flatMap((name): [string[], number][] => [
        [["check", "--config", `${name}.config.ts`], 78],
        [["check", "--json", "--config", `${name}.config.ts`], 78],
        [["serve", "--config", `${name}.config.ts`], 78],
      ]),
    ];
    const printed = await Promise.all(rows.map(async ([args, code]) => {
      const run = await runRelay(args, { cwd: folder.path, env: environment(9) });
      assert.equal(run.code, code, `${args.join(" ")}: ${run.stdout}${run.stderr}`);
      return [args.join(" "), run.stdout + run.stderr];
    }));
    for (const [args, text] of printed) assert.ok(text!.length > 20, `${args} prints something`);
    assert.deepEqual(leaks(Object.fromEntries(printed)), []);
  } finally {
    folder.remove();
  }
});
