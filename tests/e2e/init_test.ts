/** `relay init`: asks on a terminal, in two languages, and writes what `relay check` and an editor take. */

import assert from "node:assert/strict";
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { parseDotenv } from "../../lib/config/dotenv.ts";
import { channels, type Kind } from "../../lib/init/channels.ts";
import { answeredFiles, type Destination, dotenvText } from "../../lib/init/files.ts";
import { localeNames, locales } from "../../lib/locale/mod.ts";
import { makeFolder } from "../helpers/folder.ts";
import { executable, runRelay } from "../helpers/relay.ts";
import { needsTerminal, runOnTerminal } from "../helpers/terminal.ts";
import { checkTypes } from "../helpers/types.ts";

const DOWN = "\x1b[B";

const kinds = Object.keys(channels) as Kind[];

/** The keys that choose a destination, from the top of the list. */
const choose = (kind: Kind | "none") => `${DOWN.repeat(kind === "none" ? kinds.length : kinds.indexOf(kind))}\r`;

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
      await terminal.shows(/Informe uma URL/);
      terminal.type(`${"\x7f".repeat(7)}https://hooks.slack.com/services/T/B/segredo\r`);
      await terminal.shows(/Para onde devem ir as notas concluídas/);
      terminal.type(choose("http"));
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
      terminal.type(choose("email"));
      await terminal.shows(/Servidor de e-mail/);
      terminal.type("\r");
      await terminal.shows(/Endereço do remetente/);
      terminal.type("relay@vet.example\r");
      await terminal.shows(/Endereços dos destinatários/);
      terminal.type("ana@vet.example, bia\r");
      await terminal.shows(/Informe endereços como/);
      terminal.type("@vet.example\r");
      await terminal.shows(/Para onde devem ir as notas concluídas/);
      terminal.type(choose("none"));
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
        terminal.type(choose("none"));
        await terminal.shows(/Where should completed notes go/);
        terminal.type(choose("none"));
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

/** Of each destination: what a person types at its questions, a wrong answer first where there is one; and what is written. */
const typed: Record<
  Kind,
  { answers: [right: string, wrong?: string][]; target: RegExp; env?: Record<string, string> }
> = {
  slack: {
    answers: [["https://hooks.slack.com/services/T/B/s3gredo", "hooks.slack.com"]],
    target: /plantao: slack\(\{ url: env\("SLACK_WEBHOOK_URL"\) \}\)/,
    env: { SLACK_WEBHOOK_URL: "https://hooks.slack.com/services/T/B/s3gredo" },
  },
  email: {
    answers: [["smtp://a:b%23@mail.example:587", "mail.example"], ["a@b.example", "a"], [
      "O'Hara <o'hara@b.example>, c@d.example",
      "c@d.example, d",
    ]],
    target: /from: "a@b\.example", to: \["O'Hara <o'hara@b\.example>", "c@d\.example"\]/,
    env: { SMTP_URL: "smtp://a:b%23@mail.example:587" },
  },
  whatsapp: {
    answers: [
      ["105512345678901", "+5531999998888"],
      ["EAAs3gredo", "EAA s3gredo"],
      ["+5531999998888, 31 98888-7777", "99999-8888"],
      ["nota_falhou", " "],
      ["", "x"],
    ],
    target:
      /via: whatsappCloud\(\{ phoneNumberId: "105512345678901", token: env\("WHATSAPP_TOKEN"\) \}\),\n +to: \["\+5531999998888", "\+5531988887777"\],\n +template: \{ name: "nota_falhou", language: "pt_BR", parameters: /,
    env: { WHATSAPP_TOKEN: "EAAs3gredo" },
  },
  evolution: {
    answers: [["", "/x?y"], ["clinica", "a/b"], ["s3gredo-da-evolution", "s3 gredo"], ["+5531999998888", "1"]],
    target:
      /evolution\(\{ url: "http:\/\/localhost:8080", instance: "clinica", apiKey: env\("EVOLUTION_API_KEY"\) \}\)/,
    env: { EVOLUTION_API_KEY: "s3gredo-da-evolution" },
  },
  zapi: {
    answers: [["3C2A", "3C/2A"], ["s3gredo-1", "s3 gredo"], ["s3gredo-2", "s3 gredo"], ["+5531999998888", "1"]],
    target:
      /zapi\(\{ instance: env\("ZAPI_INSTANCE"\), token: env\("ZAPI_TOKEN"\), clientToken: env\("ZAPI_CLIENT_TOKEN"\) \}\)/,
    env: { ZAPI_INSTANCE: "3C2A", ZAPI_TOKEN: "s3gredo-1", ZAPI_CLIENT_TOKEN: "s3gredo-2" },
  },
  telegram: {
    answers: [["123456:AAs3gredo", "AAs3gredo"], ["-1001234567890", "clinica"]],
    target: /telegram\(\{ token: env\("TELEGRAM_TOKEN"\), chat: -1001234567890 \}\)/,
    env: { TELEGRAM_TOKEN: "123456:AAs3gredo" },
  },
  teams: {
    answers: [["https://default0.a.environment.api.powerplatform.com/x?sig=s3gredo", "x"]],
    target: /teams\(\{ url: env\("TEAMS_WEBHOOK_URL"\) \}\)/,
    env: { TEAMS_WEBHOOK_URL: "https://default0.a.environment.api.powerplatform.com/x?sig=s3gredo" },
  },
  googleChat: {
    answers: [["https://chat.googleapis.com/v1/spaces/A/messages?key=k&token=s3gredo", "spaces/A"]],
    target: /googleChat\(\{ url: env\("GOOGLE_CHAT_WEBHOOK_URL"\) \}\)/,
    env: { GOOGLE_CHAT_WEBHOOK_URL: "https://chat.googleapis.com/v1/spaces/A/messages?key=k&token=s3gredo" },
  },
  discord: {
    answers: [["https://discord.com/api/webhooks/1/s3gredo", "ftp://x"]],
    target: /discord\(\{ url: env\("DISCORD_WEBHOOK_URL"\) \}\)/,
    env: { DISCORD_WEBHOOK_URL: "https://discord.com/api/webhooks/1/s3gredo" },
  },
  ntfy: {
    answers: [["", "?"], ["clinica-s3gredo", "a b"], ["tk_s3gredo", "tk"]],
    target: /ntfy\(\{ url: "https:\/\/ntfy\.sh", topic: env\("NTFY_TOPIC"\), token: env\("NTFY_TOKEN"\) \}\)/,
    env: { NTFY_TOPIC: "clinica-s3gredo", NTFY_TOKEN: "tk_s3gredo" },
  },
  http: {
    answers: [["http://127.0.0.1:1/a'b\"c", "127.0.0.1"]],
    target: /sistema: http\(\{ url: env\("SISTEMA_URL"\) \}\)/,
    env: { SISTEMA_URL: "http://127.0.0.1:1/a'b\"c" },
  },
  script: {
    answers: [["/bin/cat  -u", " "]],
    target: /arquivo: script\(\{ command: \["\/bin\/cat", "-u"\] \}\)/,
  },
};

for (const [index, kind] of kinds.entries()) {
  for (const locale of localeNames) {
    test(`init in ${locale} asks for what ${kind} needs, and writes what check takes`, needsTerminal, async () => {
      const { answers, target, env = {} } = typed[kind];
      const { ask, channels: words } = locales[locale].init;
      const { steps, ...said }: { steps: readonly string[]; ask: Texts; wrong: Texts } = words[kind];
      await inFolder(async (folder) => {
        const terminal = runOnTerminal(["init", "--locale", locale], { cwd: folder, columns: 80, rows: 40 });
        try {
          await terminal.shows(RegExp(literal(ask.failures)));
          terminal.type(choose(kind));
          for (const [at, { name, isHidden }] of channels[kind].fields.entries()) {
            await terminal.shows(RegExp(literal(said.ask[name]!)));
            const [right, wrong] = answers[at]!;
            if (wrong !== undefined) {
              terminal.type(`${wrong}\r`);
              await terminal.shows(RegExp(literal(said.wrong[name]!.slice(0, 60))));
              terminal.type("\x7f".repeat(wrong.length));
            }
            terminal.type(`${right}\r`);
            if (isHidden) assert.ok(!terminal.output().includes(right), name);
          }
          await terminal.shows(RegExp(literal(ask.completed)));
          for (const step of steps) assert.ok(terminal.output().includes(step), step);
          terminal.type(choose(index % 2 === 0 ? "none" : kind)); // the same again asks nothing more
          await terminal.shows(RegExp(literal(ask.secret)));
          terminal.type("\r");
          await terminal.shows(RegExp(literal(ask.confirm)));
          terminal.type("\r");
          assert.equal(await terminal.exited, 0, terminal.output());
        } finally {
          await terminal.close();
        }
        assert.match(read(folder, "relay.config.ts"), target);
        const variables = parseDotenv(read(folder, ".env")).variables;
        for (const [name, value] of Object.entries(env)) assert.equal(variables.get(name)?.value, value);
        const { code, stdout, stderr } = await runRelay(["check"], { cwd: folder });
        assert.deepEqual([code, stderr], [0, ""], stdout);
        assert.ok(!stdout.includes("s3gredo"), stdout);
        assert.doesNotMatch(stdout, /^ +targets\./m, "no warning");
      });
    });
  }
}

type Texts = Readonly<Record<string, string>>;

const literal = (text: string) => text.replaceAll(/[.*+?^${}()|[\]\\]/g, "\\$&");

test("every channel has words for its questions, and lines that fit a terminal", () => {
  for (const locale of localeNames) {
    for (const kind of kinds) {
      const { steps, ask, wrong, dotenv }: Record<"ask" | "wrong" | "dotenv", Texts> & { steps: readonly string[] } =
        locales[locale].init.channels[kind];
      const { fields } = channels[kind];
      assert.deepEqual(Object.keys(ask), fields.map(({ name }) => name), kind);
      assert.deepEqual(Object.keys(wrong), Object.keys(ask), kind);
      assert.deepEqual(Object.keys(dotenv), fields.flatMap(({ name, variable }) => variable ? [name] : []), kind);
      assert.equal(steps.length, kind === "http" || kind === "script" ? 0 : 3, kind);
      for (const step of steps) assert.ok(step.length <= 77, `${step.length}: ${step}`);
    }
  }
});

/** Of each kind, one where everything is answered, and one where everything is left for later that can be. */
const destinations: Destination[] = kinds.flatMap((kind) => {
  const { fields } = channels[kind];
  const answer = (at: number) => typed[kind].answers[at]![0] || fields[at]!.initial!;
  const whole = Object.fromEntries(fields.map(({ name }, at) => [name, answer(at)]));
  const bare = Object.fromEntries(fields.map(({ name, empty }, at) => [name, empty ? "" : answer(at)]));
  return [{ kind, given: whole }, { kind, given: bare }];
});
const answered = localeNames.flatMap((locale) => [
  { locale, ...answeredFiles({ secret: "" }, locale) },
  ...destinations.map((failures, index) => {
    const completed = destinations[(index + 2) % destinations.length]!;
    return { locale, ...answeredFiles({ failures, completed, secret: "" }, locale) };
  }),
]);

test("answeredFiles() makes configs that an editor takes, whatever was chosen", { timeout: 60_000 }, () => {
  const found = checkTypes(Object.fromEntries(answered.map(({ config }, index) => [String(index), config])));
  assert.deepEqual(Object.values(found).flat(), []);
});

test("answeredFiles() makes configs that pass check, whatever was chosen, which says what is left to do", async () => {
  await inFolder(async (folder) => {
    for (const [index, { config, dotenv, locale }] of answered.entries()) {
      const place = join(folder, String(index));
      mkdirSync(place);
      writeFileSync(join(place, "relay.config.ts"), config);
      writeFileSync(join(place, ".env"), dotenvText(dotenv, locale));
      const { code, stdout, stderr } = await runRelay(["check"], { cwd: place });
      assert.deepEqual([code, stderr], [0, ""], config);
      const isLeft = ({ value }: { value: string }) => /REPLACE|smtp\.example\.com|^sample-/.test(value);
      for (const { name } of dotenv.filter(isLeft)) assert.ok(stdout.includes(name), `${name}: ${stdout}`);
    }
  });
});

test("dotenvText() quotes what a reader would cut", () => {
  const values = ["a#b", "it's", "`a` 'b'", "plain/+=", 'x "y" z', "'\"`\\n"];
  const text = dotenvText(values.map((value, index) => ({ name: `V${index}`, about: "x", value })), "en");
  assert.deepEqual([...parseDotenv(text).variables.values()].map(({ value }) => value), values);
});
