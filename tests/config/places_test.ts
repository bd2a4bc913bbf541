/** Where a mistake in a config is written, and that the line shown beside it holds no secret. */

import assert from "node:assert/strict";
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import process from "node:process";
import { test } from "node:test";
import { loadConfig } from "../../lib/config/load.ts";
import { ConfigError, type ConfigIssue, issueJson } from "../../lib/errors.ts";
import { inEnglish } from "../../lib/locale/phrase.ts";
import { makeFolder } from "../helpers/folder.ts";

const HEAD = 'import { connectvets, defineConfig, env, http, script, slack } from "relay";';
const TWO_TARGETS = 'targets: { crm: http({ url: "http://127.0.0.1/" }), b: http({ url: "http://127.0.0.1/" }) },';
const CHAIN_HEAD = HEAD.replace("env,", "env, firstOf,");
const SOURCES = 'sources: { c: connectvets({ path: "/w", secret: env("RELAY_P_SECRET") }) },';
const TARGETS = 'targets: { crm: http({ url: "http://127.0.0.1:4000/" }) },';
const ROUTES = 'routes: [{ on: "**", to: "crm" }],';

/** A config whose first line imports "relay", and whose third is the first of these. */
const configOf = (lines: string[], head = HEAD) =>
  [head, "export default defineConfig({", ...lines, "});", ""].join("\n");

/** What loading a config says, on the way that both runtimes share. */
async function issuesOf(text: string | Uint8Array, files: Record<string, string> = {}): Promise<ConfigIssue[]> {
  const folder = makeFolder();
  process.env.RELAY_P_SECRET = "value-of-the-environment";
  try {
    for (const [name, text] of Object.entries(files)) writeFileSync(join(folder.path, name), text);
    writeFileSync(join(folder.path, "relay.config.ts"), text);
    await loadConfig(join(folder.path, "relay.config.ts"));
  } catch (error) {
    assert.ok(error instanceof ConfigError, String(error));
    return [...error.issues];
  } finally {
    delete process.env.RELAY_P_SECRET;
    folder.remove();
  }
  return assert.fail("no complaint");
}

/** A mistake as its place and what is marked there. */
function shownOf({ place }: ConfigIssue): [place: string, marked: string] {
  const { text, from, to } = place!.excerpt!;
  return [`${place!.line}:${place!.column}`, text.slice(from, to)];
}

const rows: [what: string, text: string, place: string, marked: string, message: RegExp][] = [
  [
    "a missing comma",
    configOf([SOURCES.slice(0, -1), TARGETS, ROUTES]),
    "4:1",
    "targets",
    /expected `,` before `targets`$/,
  ],
  [
    "a bracket that is missing",
    configOf([SOURCES, "targets: {", ROUTES]),
    "6:2",
    ")",
    /unexpected `\)`; a bracket, or a/,
  ],
  [
    "an end that is missing",
    `${HEAD}\nexport default defineConfig({\n${SOURCES}\n\n`,
    "3:75",
    ",",
    /file ends while a bracket/,
  ],
  [
    "a quote that is missing",
    configOf([SOURCES, TARGETS, 'routes: [{ on: "**, to: "crm" }],']),
    "5:26",
    "crm",
    /^syntax error: /,
  ],
  ["curly quotes", configOf([SOURCES, TARGETS, "fallback: “crm”,", ROUTES]), "5:11", "“", /unexpected character “$/],
  ["a duration without quotes", configOf([SOURCES, TARGETS, ROUTES, "drain: 15s,"]), "6:8", "15s", /such as "15s"$/],
  [
    "a wrong name in a chain",
    configOf([SOURCES, TWO_TARGETS, 'routes: [{ on: "**", to: ["crm", firstOf(["b", "cmr"])] }],'], CHAIN_HEAD),
    "5:48",
    '"cmr"',
    /^unknown target "cmr"/,
  ],
  [
    "a wrong option of a chain",
    configOf(
      [SOURCES, TWO_TARGETS, 'routes: [{ on: "**", to: firstOf(["crm", "b"], { within: "8d" }) }],'],
      CHAIN_HEAD,
    ),
    "5:58",
    '"8d"',
    /^expected at most 7 days/,
  ],
  ["= in place of :", configOf([SOURCES, TARGETS, ROUTES, 'drain = "15s",']), "6:7", "=", /unexpected `=`$/],
  [
    "a misspelt import",
    configOf([SOURCES, TARGETS, ROUTES], HEAD.replace("slack", "slak")).replace("http(", "slak("),
    "1:56",
    "slak",
    /^"relay" has no export "slak"; .*; did you mean "slack"\?$/,
  ],
  [
    "a missing import",
    configOf([SOURCES, TARGETS, ROUTES], HEAD.replace(" http,", "")),
    "4:17",
    "http",
    /^`http` is not defined$/,
  ],
  [
    "an unknown option",
    configOf([SOURCES, TARGETS.replace(" })", ", timeot: 1 })"), ROUTES]),
    "4:55",
    "timeot",
    /"timeot"/,
  ],
  [
    "an unknown target in a list",
    configOf([SOURCES, TARGETS, 'routes: [{ on: "**", to: ["crm", "crn"] }],']),
    "5:34",
    '"crn"',
    /^unknown target "crn"/,
  ],
  [
    "a rate as a text",
    configOf([SOURCES, TARGETS, ROUTES, 'rateLimit: "200/s",']),
    "6:12",
    '"200/s"',
    /^expected \{ per: "1s", limit: 200 \}, got "200\/s"$/,
  ],
  [
    "what is missing in an object",
    configOf([SOURCES.replace('path: "/w", ', ""), TARGETS, ROUTES]),
    "3:15",
    'connectvets({ secret: env("RELAY_P_SECRET") })',
    /^is missing; expected a path/,
  ],
  [
    "a secret that is not set",
    configOf([SOURCES.replace("P_SECRET", "P_NONE"), TARGETS, ROUTES]),
    "3:49",
    'env("RELAY_P_NONE")',
    /is not set$/,
  ],
  [
    "what stands in a constant",
    `const targets = { crm: script({ command: [] }) };\n${configOf([SOURCES, "targets,", ROUTES])}`,
    "1:42",
    "[]",
    /^expected a program/,
  ],
  [
    "routes of a spread",
    configOf([SOURCES, TARGETS, 'routes: [...["x"].map((to) => ({ on: "**", to }))],']),
    "5:9",
    '[...["x"].map((to) => ({ on: "**", to }))]',
    /unknown target "x"/,
  ],
  [
    "a config in a constant of its own type",
    `${
      configOf([SOURCES, TARGETS, ROUTES, "drain: -1,"])
        .replace("export default", "const config =")
    }export default config satisfies object;\n`,
    "6:8",
    "-1",
    /^expected a duration/,
  ],
  [
    "a key in quotes",
    configOf([SOURCES, TARGETS.replace("crm:", '"my crm":').replace("http:", "x:"), ROUTES.replace("crm", "my crm")]),
    "4:34",
    '"x://127.0.0.1:4000/"',
    /^expected a URL/,
  ],
  [
    "what was thrown",
    `${configOf([SOURCES, TARGETS, ROUTES])}\nthrow new Error("no coffee");\n`,
    "8:",
    "",
    /loads: no coffee$/,
  ],
];

for (const [what, text, place, marked, message] of rows) {
  for (
    const [form, change] of [
      ["", (text: string) => text],
      [", with CRLF and a byte order mark", (text: string) => `\ufeff${text.replaceAll("\n", "\r\n")}`],
    ] as const
  ) {
    test(`loadConfig() says where ${what} is written${form}`, async () => {
      const issues = await issuesOf(change(text));
      assert.equal(issues.length, 1, issues.map((one) => inEnglish(one.message)).join("\n"));
      assert.match(inEnglish(issues[0]!.message), message);
      const [at, shown] = shownOf(issues[0]!);
      if (marked === "") assert.ok(at.startsWith(place), at); // runtimes differ in the column
      else assert.deepEqual([at, shown], [place, marked]);
      assert.match(issueJson(issues[0]!).file!, /relay\.config\.ts$/);
    });
  }
}

test("loadConfig() says each of two unknown options where it stands, and lists the known ones once", async () => {
  const issues = await issuesOf(configOf([SOURCES, TARGETS.replace(" })", ", timeot: 1, retri: 5 })"), ROUTES]));
  assert.deepEqual(issues.map(shownOf), [["4:55", "timeot"], ["4:66", "retri"]]);
  assert.deepEqual(issues.map(({ message }) => inEnglish(message).includes("known options are")), [true, false]);
});

test("loadConfig() says where an imported file has a mistake", async () => {
  const text = `import { url } from "./parts.ts";\n${configOf([SOURCES, TARGETS.replace(/"http.*?"/, "url"), ROUTES])}`;
  for (
    const [part, place, message] of [
      ["export const url = { a: 1\n  b: 2 };\n", "2:3", /^syntax error: expected `,` before `b`$/],
      ['export const url: string = "x";\nthrow new Error("late");\n', "2:", /: late$/],
      ['import "./none.ts";\nexport const url = "x";\n', "1:8", /^cannot find "\.\/none\.ts"$/],
    ] as const
  ) {
    const [issue] = await issuesOf(text, { "parts.ts": part });
    assert.match(inEnglish(issue!.message), message);
    assert.match(issue!.place!.file, /parts\.ts$/);
    assert.ok(shownOf(issue!)[0].startsWith(place), JSON.stringify(issue!.place));
  }
});

const SECRETS = "hunter2-of-the-clinic";

const leaks: [what: string, line: string][] = [
  ["beside an unknown option", `sources: { c: connectvets({ path: "/w", secret: "${SECRETS}", x: 1 }) },`],
  ["in a list", `sources: { c: connectvets({ path: "/w", secret: ["${SECRETS}", 5], x: 1 }) },`],
  ["in a template", "sources: { c: connectvets({ path: '/w', secret: `" + SECRETS + "`, x: 1 }) },"],
  ["in a comment", `sources: { c: connectvets({ path: "/w", x: 1 }) }, // the secret was ${SECRETS}`],
  ["that is of the wrong form", `sources: { c: connectvets({ path: "/w", secret: { a: "${SECRETS}" } }) },`],
  ["in a URL", `sources: {}, admin: { x: 1, publicUrl: "https://a:${SECRETS}@relay.example/" },`],
  ["in a URL that is no URL", `sources: {}, store: "postgres://relay:a/${SECRETS}@db/relay", y: 1,`],
  ["in a URL without a host", `sources: {}, store: "postgres://relay:${SECRETS}/relay", y: 1,`],
  ["that is assigned", `sources: (globalThis.token = "${SECRETS}", {}), y: 1,`],
  ["in a comment of several lines", `sources: { , /* ${SECRETS} */`],
  ["in the path of a URL", `sources: {}, y: "https://hooks.slack.com/services/${SECRETS}",`],
  ["whose comma is missing", `sources: { c: connectvets({ path: "/w", secret: "${SECRETS}" x: 1 }) },`],
  ["with a quote in it", `sources: { c: connectvets({ path: "/w", secret: "abc"${SECRETS}" }) },`],
  ["without its quotes", `sources: { c: connectvets({ path: "/w", secret: ${SECRETS.replaceAll("-", "_")} }) },`],
  ["without quotes, and no name", `sources: { c: connectvets({ path: "/w", secret: 5${SECRETS} }) },`],
  ["whose quote is open", `sources: { c: connectvets({ path: "/w", secret: "${SECRETS} }) },`],
  ["in a header", `sources: { , targets: { crm: http({ headers: { Authorization: "${SECRETS}" } }) },`],
  ["in a variable of a script", `sources: { , targets: { s: script({ env: { PASSWORD: "${SECRETS}" } }) },`],
];

for (const [what, line] of leaks) {
  test(`loadConfig() shows no secret ${what}`, async () => {
    const issues = await issuesOf(configOf([line, "targets: {},", "routes: [],"]));
    const shown = JSON.stringify(issues.map((one) => [issueJson(one), one.place]));
    assert.doesNotMatch(shown, /hunter2|of.the.clinic/);
    assert.ok(issues.some(({ place }) => place?.line === 3), shown);
  });
}

test("loadConfig() shows no value of the environment or .env where it stands in the file", async () => {
  const value = "value of the dotenv file";
  const issues = await issuesOf(configOf([SOURCES, TARGETS, `routes: [{ on: "**", to: "${value}" }],`, "drain: {"]), {
    ".env": `RELAY_P_OTHER='${value}'\n`,
  });
  assert.doesNotMatch(JSON.stringify(issues), /dotenv file/);
});

const files: [what: string, bytes: string | Uint8Array, message: string][] = [
  ["empty", " \n", "the file is empty; `relay init` creates a config"],
  ["binary", new Uint8Array([0x7f, 0x45, 0x4c, 0x46, 0, 1, 2]), "the file is not text"],
  ["in Latin-1", new Uint8Array([0x2f, 0x2f, 0x20, 0xe9, 0x0a]), "the file is not UTF-8 text; save it as UTF-8"],
  ["in UTF-16", new Uint8Array([0xff, 0xfe, 0x2f, 0, 0x2f, 0]), "the file is not UTF-8 text; save it as UTF-8"],
  [
    "YAML",
    "listen:\n  port: 3000\nsources:\n  - a\n",
    "has no default export; expected `export default defineConfig({ … })`",
  ],
  ["a function", "export default () => ({});\n", "expected `export default defineConfig({ … })`, got a function"],
  [
    "a promise",
    "export default Promise.resolve({});\n",
    "expected `export default defineConfig({ … })`, got a promise",
  ],
];

for (const [what, bytes, message] of files) {
  test(`loadConfig() refuses a file that is ${what} with one mistake`, async () => {
    const issues = await issuesOf(bytes);
    assert.deepEqual(issues.map((one) => inEnglish(one.message)), [message]);
  });
}

test("loadConfig() refuses a folder, and names the config in it", async () => {
  const folder = makeFolder();
  try {
    const hintOf = async () => {
      const error = await loadConfig(folder.path).then(() => undefined, (error) => error);
      assert.ok(error instanceof ConfigError);
      assert.deepEqual(error.issues.map((one) => inEnglish(one.message)), ["is a folder, not a file"]);
      return inEnglish(error.issues[0]!.hint!);
    };
    assert.match(await hintOf(), /`relay init`$/);
    mkdirSync(join(folder.path, "x"));
    writeFileSync(join(folder.path, "relay.config.ts"), "");
    assert.match(await hintOf(), /^use --config \S+relay\.config\.ts$/);
  } finally {
    folder.remove();
  }
});
