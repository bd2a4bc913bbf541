/** Every screen that a person reads: what verbs print, of a relay at work and of mistakes, and every page. */

import { spawn } from "node:child_process";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import process from "node:process";
import { makeFolder } from "../helpers/folder.ts";
import { configOf, SECRET, sign, startRelay } from "../helpers/relay.ts";
import { startSink } from "../helpers/sink.ts";
import { until } from "../helpers/wait.ts";

/** What a person reads at once. */
export interface Screen {
  /** What was typed, or the address of a page. */
  name: string;
  text: string;
}

/** Names that the config, `init` and the events below give to things. */
const named = [
  "crm",
  "morto",
  "caido",
  "plantao",
  "arquivo",
  "equipe",
  "vazio",
  "sistema",
  "logger",
  "whats",
  "celular",
];

/** @param url Of a sink that takes what is posted to `/ok`, refuses `/refuses`, and fails at `/fails`. */
function configFor(locale: string, url: string): string {
  return configOf({
    admin: "{ port: 0 }",
    targets: `crm: http({ url: "${url}/ok" }),
      morto: http({ url: "${url}/refuses" }),
      caido: http({ url: "${url}/fails", circuit: { failures: 1, pause: "1h" } }),
      plantao: slack({ url: "${url}/slack" }),
      equipe: email({ via: "smtp://127.0.0.1:1", requireTls: false, from: "a@b.example", to: ["c@d.example"] }),
      arquivo: script({ command: ["./falta.sh"] }),
      whats: whatsapp({
        via: evolution({ url: "${url}", instance: "crm", apiKey: "0123456789" }),
        to: ["+5531999998888", "+5511988887777", "+551133334444"],
        quiet: { from: "00:00", to: "23:59", except: ["note.faild"] },
        receipts: { path: "/receipts", secret: "0123456789abcdef" },
      }),
      celular: ntfy({ url: "${url}/refuses", topic: "crm", digest: { every: "1d" } }),
      vazio: slack({ url: "${url}/slack", text: (e) => e.data.falta.x })`,
    routes: `{ on: "note.*", to: ["crm", "morto", "caido", "plantao", "equipe", "arquivo", "vazio"] },
      { on: "note.failed", to: "crm", when: (e) => e.data.falta.x > 1 },
      { on: "note.completed", to: "crm", when: () => false },
      { on: "note.faild", to: "crm" },
      { on: "note.failed", to: firstOf(["whats", "celular"], { within: "1h", until: "read" }) },
      { on: "note.completed", to: firstOf(["morto", "celular", "crm"]) }`,
    more:
      `locale: "${locale}", alerts: [{ when: { dead: 1 }, to: "crm" }, { when: { silent: "order.*", for: "6h" }, to: "crm" }],`,
  });
}

/** Configs that cannot be used, each for its own reason. */
const broken: Record<string, string> = {
  "syntax.ts": `export default { `,
  "import.ts": `import { slak } from "relay"; export default slak({});`,
  "throws.ts": `throw new Error("xyz");`,
  "none.ts": `export const nothing = 1;`,
  "values.ts": `import { connectvets, defineConfig, email, env, http, script, slack } from "relay";
export default defineConfig({
  listen: { port: "3000" }, retry: { attempts: 3 }, maxBody: "1 zb", drain: "1 hour", rateLimit: "200/s", trustProxy: "x",
  sources: { connectvets: connectvets({ path: "webhook", secret: env("NOT_SET"), toleranse: 1 }) },
  targets: {
    crm: http({ url: "nowhere", timeot: "1s" }), plantao: slack({ url: 5 }), equipe: email({ via: "x", from: "y", to: [] }),
    arquivo: script({ command: [] }), vazio: 7,
  },
  routes: [{ on: [], to: "slak" }, { to: "crm", when: 1 }],
  alerts: [{ when: { dead: 0 }, to: "crm" }, { when: {}, to: "nobody" }],
  fallback: "nobody", locale: "xx", timeZone: "Mars/Base",
});`,
};

const fixtures = {
  "good.json": `{ "event": { "event": "note.failed", "data": { "note_id": "N1" } }, "expect": "unrouted" }`,
  "bad.json": `{ "event": 5, "expct": 1 }`,
};

/** Words that stand in configs and fixtures; any other word on a screen is the relay's own. */
export const given: ReadonlySet<string> = new Set(
  [...named, ...[...Object.values(broken), ...Object.values(fixtures)].flatMap((text) => text.match(/\p{L}+/gu) ?? [])],
);

/** What is typed, in a folder with all of the above; `ID` stands for an event's id, `WHOLE` for the config. */
const typed: string[][] = [
  ["--help"],
  ...[
    "init check serve status events retry replay pause resume send sign verify routes test diff backup restore migrate",
    "service metrics demo completions version",
  ].join(" ").split(" ").map((verb) => [verb, "--help"]),
  ["service", "install", "--help"],
  ["statu"],
  ["status", "--jsn"],
  ["pause"],
  ["events", "a", "b"],
  ["events", "--limit", "x"],
  ["events", "--since", "x"],
  ["events", "--state", "x"],
  ["completions", "tcsh"],
  ["version"],
  ["check"],
  ["status"],
  ["status", "--ready"],
  ["events"],
  ["events", "--type", "order.*"],
  ["events", "ID"],
  ["events", "0190aaaa-0000-7000-8000-000000000000"],
  ["events", "xyz"],
  ["events", "--target", "crmm"],
  ["events", "--target", "whats"],
  ["routes", "note.failed", "--render"],
  ["routes", "note.completed"],
  ["routes", "order.paid"],
  ["routes", "--data", "missing.json"],
  ["send", "note.completed"],
  ["send", "--to", "crm"],
  ["send", "--to", "morto"],
  ["send", "--to", "crmm"],
  ["send", "--to", "whats"],
  ["send", "--to", "celular", "--wait"],
  ["send", "--to", "crm", "note.failed"],
  ["send", "--url", "http://127.0.0.1:1/"],
  ["send", "--url", "nowhere"],
  ["sign", "missing.json"],
  ["verify", "--signature", "sha256=00", "body.json"],
  ["verify", "--signature", "x", "body.json"],
  ["verify", "--signature", sign("{}"), "body.json"],
  ["test", "good.json"],
  ["test", "bad.json"],
  ["test", "missing.json"],
  ["test"],
  ["diff", "other.config.ts", "--since", "7d"],
  ["pause", "crm"],
  ["pause", "crm"],
  ["status"],
  ["resume", "crm"],
  ["resume", "crm"],
  ["retry"],
  ["retry", "ID"],
  ["retry", "--dead", "--target", "morto"],
  ["retry", "--dead", "--target", "crm"],
  ["retry", "0190aaaa-0000-7000-8000-000000000000"],
  ["replay"],
  ["replay", "ID"],
  ["replay", "--since", "1d", "--type", "order.*"],
  ["backup", "copy.db"],
  ["backup", "copy.db"],
  ["restore", "copy.db"],
  ["restore", "missing.db"],
  ["migrate"],
  ["migrate", "--from", "nowhere"],
  ["migrate", "--from", "sqlite:relay.db", "--to", "sqlite:other.db"],
  ["metrics"],
  ["serve"],
  ["init", "--yes", "made"],
  ["init", "--yes", "made"],
  ["check", "--config", "made/relay.config.ts"],
  ["status", "--config", "made/relay.config.ts"],
  ["check", "--config", "missing.ts"],
  ["check", "--config", "."],
  ...Object.keys(broken).map((name) => ["check", "--config", name]),
  ["status", "--config", "values.ts"],
];

/** Pages; `ID` stands for an event's id. */
const pages = [
  "/",
  "/events",
  "/events?state=dead",
  "/events?search=nothing-like-it",
  "/events/ID",
  "/dead",
  "/dead/retry",
  "/targets",
  "/config",
  "/nowhere",
  "/events/0190aaaa-0000-7000-8000-000000000000",
];

/**
 * Every screen in a language.
 * @param command What runs the relay; verbs and their arguments follow.
 */
export async function screensIn(locale: string, command: string[]): Promise<Screen[]> {
  const folder = makeFolder();
  const sink = await startSink((response, { path }) => {
    if (path === "/refuses") response.writeHead(400).end("XYZ");
    else if (path === "/fails") response.writeHead(500).end();
    else response.end("ok");
  });
  const files = {
    ...broken,
    ...fixtures,
    "body.json": "{}",
    "other.config.ts": configFor(locale, sink.url).replace(/\{ on: "note\.\*".*\n/, ""),
  };
  const relay = await startRelay(configFor(locale, sink.url), { folder: folder.path, files, command });
  try {
    writeFileSync(
      join(folder.path, "relay.config.ts"),
      configFor(locale, sink.url).replace("port: 0 },\n", `port: ${relay.port} },\n`),
    );
    for (const id of ["N1", "N2"]) {
      await relay.post(JSON.stringify({ event: "note.failed", data: { note_id: id, external_id: `C-${id}` } }));
    }
    await relay.post(JSON.stringify({ event: "order.paid", data: {} }));
    await relay.post("{}", { signature: null });
    await until("attempts", () => relay.log().filter(({ attempt }) => attempt === 1).length >= 10);
    const admin = await relay.adminUrl();
    const [{ id }] = await (await fetch(`${admin}/api/events?type=note.failed`)).json().then((page) =>
      page.events ?? page
    );
    const screens: Screen[] = [];
    for (const args of typed) {
      const said = args.map((one) => one === "ID" ? id : one);
      screens.push({
        name: `relay ${args.join(" ")}`,
        text: await run(command, [...said, "--locale", locale], folder.path),
      });
    }
    for (const path of pages) {
      const headers = { "Accept-Language": locale };
      const html = await (await fetch(admin + path.replace("ID", id), { headers })).text();
      screens.push({ name: path, text: textOf(html) });
    }
    return screens;
  } finally {
    await relay.close();
    await sink.close();
    folder.remove();
  }
}

/** What JavaScript says of a function of the config that fails, and the log, which is English. */
const others =
  /Cannot read properties of undefined \(reading '\w+'\)|undefined is not an object \(evaluating '[^']+'\)|^\{.*"level":.*$/gm;

function run([program, ...before]: string[], args: string[], cwd: string): Promise<string> {
  const env = { PATH: process.env.PATH, HOME: process.env.HOME, WEBHOOK_SECRET: SECRET };
  const child = spawn(program!, [...before, ...args], { cwd, env, stdio: ["ignore", "pipe", "pipe"] });
  let text = "";
  for (const stream of [child.stdout, child.stderr]) stream.on("data", (chunk) => text += chunk);
  return new Promise((resolve, reject) => {
    child.on("error", reject);
    child.on("close", () => resolve(text.replaceAll(others, "")));
  });
}

/** What a browser shows of a page, and what it reads aloud. Of code, and of what came in and goes out, nothing. */
function textOf(html: string): string {
  const labels = [...html.matchAll(/ (?:title|aria-label|placeholder|alt)="([^"]*)"/g)].map(([, label]) => label);
  return [
    ...labels,
    html.replaceAll(/<(script|style|pre|textarea|code)\b.*?<\/\1>/gs, " ").replaceAll(/<[^>]*>/g, " "),
  ].join("\n").replaceAll("&quot;", '"').replaceAll("&#39;", "'").replaceAll("&amp;", "&").replaceAll(/&[lg]t;/g, " ")
    .replaceAll(others, "");
}
