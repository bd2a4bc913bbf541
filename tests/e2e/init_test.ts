/** `relay init`: asks on a terminal, in two languages, and writes what `relay check` and an editor take. */

import assert from "node:assert/strict";
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { parseDotenv } from "../../lib/config/dotenv.ts";
import { answeredFiles, type Destination, dotenvText } from "../../lib/init/files.ts";
import { makeFolder } from "../helpers/folder.ts";
import { executable, runRelay } from "../helpers/relay.ts";
import { needsTerminal, runOnTerminal } from "../helpers/terminal.ts";
import { checkTypes } from "../helpers/types.ts";

const DOWN = "\x1b[B";

async function inFolder(work: (folder: string) => Promise<void>): Promise<void> {
  const folder = makeFolder();
  try {
    await work(folder.path);
  } finally {
    folder.remove();
  }
}

const read = (folder: string, name: string) => readFileSync(join(folder, name), "utf8");

test("init --locale writes and speaks in that language, asks nothing off a terminal, and passes check", async () => {
  await inFolder(async (folder) => {
    for (
      const [locale, comment, next] of [[
        "pt-BR",
        /O que o relay recebe[^]*Para onde vão os eventos sem rota/,
        /Próximos passos/,
      ], [
        "en",
        /What the relay[^]*Where events that match no route go/,
        /Next/,
      ]] as const
    ) {
      const { code, stdout } = await runRelay(["init", locale, "--locale", locale], { cwd: folder });
      assert.equal(code, 0);
      assert.match(stdout, next);
      const config = read(folder, `${locale}/relay.config.ts`);
      assert.match(config, comment);
      assert.match(config, new RegExp(`locale: "${locale}"`));
      assert.equal((await runRelay(["check"], { cwd: join(folder, locale) })).code, 0);
    }
    const unknown = await runRelay(["init", "x", "--locale", "fr"], { cwd: folder });
    assert.equal(unknown.code, 2);
    assert.match(unknown.stderr, /pt-BR, en/);
  });
});

test("init asks on a terminal where notes go, and writes what it was told", needsTerminal, async () => {
  await inFolder(async (folder) => {
    const terminal = runOnTerminal(["init", "minha", "--locale", "pt-BR"], { cwd: folder });
    try {
      await terminal.shows(/Para onde devem ir as notas que falharam/);
      terminal.type("\r");
      await terminal.shows(/URL do incoming webhook/);
      terminal.type("ftp://x\r");
      await terminal.shows(/É preciso uma URL/);
      terminal.type(`${"\x7f".repeat(7)}https://hooks.slack.com/services/T/B/segredo\r`);
      await terminal.shows(/Para onde devem ir as notas concluídas/);
      terminal.type(`${DOWN}${DOWN}\r`);
      await terminal.shows(/URL do outro sistema/);
      terminal.type("http://127.0.0.1:4000/webhook\r");
      await terminal.shows(/Segredo do webhook/);
      terminal.type("whs_do connectvets#1\r");
      await terminal.shows(/Notas que falharam +Slack[^]*HTTP, http:\/\/127\.0\.0\.1:4000[^]*Gravar estes arquivos/);
      assert.deepEqual(readdirSync(folder), [], "nothing is written before the last answer");
      terminal.type("\r");
      assert.equal(await terminal.exited, 0, terminal.output());
      assert.ok(!terminal.output().includes("whs_do"), "the secret is not shown");
    } finally {
      await terminal.close();
    }
    const config = read(folder, "minha/relay.config.ts");
    assert.match(config, /plantao: slack\(\{ url: env\("SLACK_WEBHOOK_URL"\) \}\)/);
    assert.match(config, /on: \["note\.completed", "note\.transcription\.completed"\], to: "sistema"/);
    assert.match(config, /sistema: http\(\{ url: env\("SISTEMA_URL"\) \}\)/);
    const dotenv = read(folder, "minha/.env");
    assert.match(dotenv, /^SISTEMA_URL=http:\/\/127\.0\.0\.1:4000\/webhook$/m);
    assert.match(dotenv, /^WEBHOOK_SECRET='whs_do connectvets#1'$/m);
    assert.match(dotenv, /^SLACK_WEBHOOK_URL=https:\/\/hooks\.slack\.com\/services\/T\/B\/segredo$/m);
    const { code, stdout } = await runRelay(["check"], { cwd: join(folder, "minha") });
    assert.equal(code, 0, stdout);
    assert.match(stdout, /A configuração é válida/);
  });
});

test("init writes nothing after Ctrl-C, and exits 1", needsTerminal, async () => {
  await inFolder(async (folder) => {
    const terminal = runOnTerminal(["init", "--locale", "en"], { cwd: folder });
    try {
      await terminal.shows(/Where should failed notes go/);
      terminal.type("\x03");
      assert.equal(await terminal.exited, 1);
      assert.match(terminal.output(), /Nothing was written/);
    } finally {
      await terminal.close();
    }
    assert.deepEqual(readdirSync(folder), []);
  });
});

test("init goes back by Esc, takes several recipients, and speaks as LANG says", needsTerminal, async () => {
  await inFolder(async (folder) => {
    const terminal = runOnTerminal(["init"], { cwd: folder, columns: 80, env: { LANG: "pt_BR.UTF-8" } });
    try {
      await terminal.shows(/Esc volta,[^]*Para onde devem ir as notas que falharam/);
      terminal.type("\r");
      await terminal.shows(/URL do incoming webhook/);
      terminal.type("\x1b");
      await terminal.shows(/URL do incoming webhook[^]*Para onde devem ir as notas que falharam/);
      terminal.type(`${DOWN}\r`);
      await terminal.shows(/Servidor de e-mail/);
      terminal.type("\r");
      await terminal.shows(/Endereço do remetente/);
      terminal.type("relay@vet.example\r");
      await terminal.shows(/Endereços dos destinatários/);
      terminal.type("ana@vet.example, bia\r");
      await terminal.shows(/"bia" não é um endereço/);
      terminal.type("@vet.example\r");
      await terminal.shows(/Para onde devem ir as notas concluídas/);
      terminal.type(`${DOWN}${DOWN}${DOWN}${DOWN}\r`);
      await terminal.shows(/Segredo do webhook/);
      terminal.type("\r");
      await terminal.shows(/Gravar estes arquivos\?/);
      terminal.type("\r");
      assert.equal(await terminal.exited, 0, terminal.output());
    } finally {
      await terminal.close();
    }
    const config = read(folder, "relay.config.ts");
    assert.match(config, /locale: "pt-BR"/);
    assert.match(config, /to: \["ana@vet\.example", "bia@vet\.example"\]/);
    assert.match(config, /note\.failed/);
    assert.doesNotMatch(config, /slack|note\.completed/);
    assert.match(read(folder, ".env"), /^SMTP_URL=/m);
  });
});

test("init leaves nothing after Ctrl-C at the last question, nor where the user says no", needsTerminal, async () => {
  await inFolder(async (folder) => {
    for (const [last, code] of [["\x03", 1], [`${DOWN}\r`, 1]] as const) {
      const terminal = runOnTerminal(["init", "new", "--locale", "en"], { cwd: folder });
      try {
        await terminal.shows(/Where should failed notes go/);
        terminal.type(`${DOWN.repeat(4)}\r`);
        await terminal.shows(/Where should completed notes go/);
        terminal.type(`${DOWN.repeat(4)}\r`);
        await terminal.shows(/Secret of the webhook/);
        terminal.type("\r");
        await terminal.shows(/Write these files\?/);
        terminal.type(last);
        assert.equal(await terminal.exited, code);
        assert.match(terminal.output(), /Nothing was written/);
      } finally {
        await terminal.close();
      }
      assert.deepEqual(readdirSync(folder), []);
    }
  });
});

test("init ends with what to do next, command by command", async () => {
  await inFolder(async (folder) => {
    const { stdout } = await runRelay(["init", "mine"], { cwd: folder });
    const steps = [
      "Put the URL of your Slack incoming webhook into .env as SLACK_WEBHOOK_URL",
      "Put the URL of your mail server into .env as SMTP_URL",
      `Start the relay: ${executable} serve --config mine/relay.config.ts`,
      `In another terminal, send a test event: ${executable} send note.failed --wait --config mine/relay.config.ts`,
      "Put the webhook secret from ConnectVets into .env as WEBHOOK_SECRET",
    ];
    assert.ok(stdout.endsWith(`\nNext:\n${steps.map((one, at) => `  ${at + 1}. ${one}\n`).join("")}`), stdout);
    const again = await runRelay(["init", "mine"], { cwd: folder });
    assert.match(again.stdout, /See what is left to do: .* check --config mine\/relay\.config\.ts\n$/);
  });
});

test("init says what a .env that was there needs", async () => {
  await inFolder(async (folder) => {
    writeFileSync(join(folder, ".env"), "MINE=1\n");
    const { stdout } = await runRelay(["init"], { cwd: folder });
    assert.match(stdout, /\.env exists already; add WEBHOOK_SECRET, SLACK_WEBHOOK_URL, and SMTP_URL to it/);
    assert.equal(read(folder, ".env"), "MINE=1\n");
  });
});

const destinations: (Destination | undefined)[] = [
  undefined,
  { kind: "slack", url: "" },
  {
    kind: "email",
    via: "smtp://a:b%23@mail.example:587",
    from: "a@b.example",
    to: ["O'Hara <o'hara@b.example>", "c@b.example"],
  },
  { kind: "http", url: "http://127.0.0.1:1/a'b\"c" },
  { kind: "script", command: "/bin/cat  -u" },
];
const answered = destinations.flatMap((failures) =>
  destinations.map((completed) => answeredFiles({ failures, completed, secret: "" }, "en"))
);

test("answeredFiles() makes configs that an editor takes, whatever was chosen", { timeout: 60_000 }, () => {
  const found = checkTypes(Object.fromEntries(answered.map(({ config }, index) => [String(index), config])));
  assert.deepEqual(Object.values(found).flat(), []);
});

test("answeredFiles() makes configs that pass check, whatever was chosen", async () => {
  await inFolder(async (folder) => {
    for (const [index, { config, dotenv }] of answered.entries()) {
      const place = join(folder, String(index));
      mkdirSync(place);
      writeFileSync(join(place, "relay.config.ts"), config);
      writeFileSync(join(place, ".env"), dotenvText(dotenv, "en"));
      const { code, stderr } = await runRelay(["check"], { cwd: place });
      assert.deepEqual([code, stderr], [0, ""], config);
    }
  });
});

test("dotenvText() quotes what a reader would cut", () => {
  const values = ["a#b", "it's", "`a` 'b'", "plain/+=", 'x "y" z', "'\"`\\n"];
  const text = dotenvText(values.map((value, index) => ({ name: `V${index}`, about: "x", value })), "en");
  assert.deepEqual([...parseDotenv(text).variables.values()].map(({ value }) => value), values);
});
