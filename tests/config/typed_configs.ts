/** Configs that an editor must take, and configs that it must complain of. */

const HEAD = `/// <reference path="./relay.d.ts" />
import { connectvets, connectvetsApi, credential, defineConfig, email, env, file, firstOf, hmac, http, script, slack } from "relay";
`;

/** A config with these lines in place of its parts. */
const configOf = (parts: { source?: string; targets?: string; routes?: string; more?: string }) =>
  `${HEAD}export default defineConfig({
  sources: { connectvets: connectvets({
    path: "/webhook",
    secret: env("WEBHOOK_SECRET"),
    ${parts.source ?? ""}
  }) },
  targets: {
    plantao: slack({ url: env("SLACK_WEBHOOK_URL") }),
    equipe: email({ via: "smtp://host", from: "relay@clinica.example", to: ["equipe@clinica.example"] }),
    sistema: http({ url: "http://127.0.0.1:4000/webhook" }),
    arquivo: script({ command: ["./scripts/arquivar.sh"] }),
    ${parts.targets ?? ""}
  },
  routes: [
    ${parts.routes ?? ""}
  ],
  ${parts.more ?? ""}
});
`;

/** The config of DESIGN.md, with every default spelt out. */
export const DESIGN = `/// <reference path="./relay.d.ts" />
import { connectvets, defineConfig, email, env, http, script, slack } from "relay";

export default defineConfig({
  listen: { host: "0.0.0.0", port: 3000 },
  admin: { host: "127.0.0.1", port: 9300 },
  store: "sqlite:relay.db",
  sources: {
    connectvets: connectvets({ path: "/webhook", secret: env("WEBHOOK_SECRET") }),
  },
  targets: {
    plantao: slack({ url: env("SLACK_WEBHOOK_URL"), text: (e) => \`Nota \${e.data.note_id}: \${e.event}\` }),
    equipe: email({ via: "smtp://user:pass@host:587", from: "relay@clinica.example", to: ["equipe@clinica.example"] }),
    sistema: http({ url: "http://127.0.0.1:4000/webhook" }),
    arquivo: script({ command: ["./scripts/arquivar.sh"] }),
  },
  routes: [
    { on: "note.failed", to: ["plantao", "equipe"] },
    { on: "note.*", to: "sistema", when: (e) => e.data.external_id !== undefined },
  ],
  fallback: "arquivo",
});
`;

/** Everything that DESIGN.md says a config may hold. */
export const EVERYTHING = `${HEAD}export default defineConfig({
  listen: { port: 8080 },
  admin: { host: "0.0.0.0", token: env("ADMIN_TOKEN", { default: "x" }) },
  store: file("/run/store-url"),
  sources: {
    one: connectvets({ path: "/a", secret: [env("NEW"), credential("old"), "literal"], maxBody: "512kb", dedupe: (e) => e.event }),
    two: hmac({ path: "/b", secret: file("s"), header: "X-Sig", prefix: "v1=", algorithm: "sha512", encoding: "base64", rateLimit: { per: "1m", limit: 60 } }),
  },
  targets: {
    a: http({ url: file("url"), method: "PUT", headers: { Authorization: env("T") }, sign: env("S"), body: (e) => ({ id: e.data.note_id }), timeout: "15s", concurrency: 8, rate: { per: "1s", limit: 1 }, retry: ["5s", 1000, "1.5h"], order: (e) => e.data.external_id ?? "" }),
    b: slack({ url: "https://x", text: "a text", blocks: (e) => [{ type: e.event }], locale: "en", timeZone: "UTC", retry: "none" }),
    c: email({ via: env("SMTP"), from: "a@b.c", to: "d@e.f", subject: (e) => e.event, text: "x", html: (e) => e.event, requireTls: false, name: "relay.clinica.example", retry: { schedule: ["5s"], jitter: 0 } }),
    d: script({ command: ["x", "y"], env: { TOKEN: env("T"), PLAIN: "x" } }),
  },
  routes: [
    { on: "**", to: ["a", "b"], body: { fixed: [1, null] }, text: (e) => e.event },
    { on: ["note.failed", "note.completed"], to: "c", subject: (e) => e.data.status, html: "<p>" },
  ],
  alerts: [{ when: { dead: 1 }, to: "b" }, { when: { silent: "note.*", for: "6h" }, to: "c" }, {
    when: { refused: 5, within: "10m" },
    to: "c",
  }],
  maxBody: "1mb", rateLimit: { per: 1000, limit: 5 }, maxBacklog: 100000, trustProxy: true, retry: ["1s"], drain: "10s", locale: "pt-BR", timeZone: "UTC",
});
`;

/** Payload types, proved by assigning what is seen to what it must be. */
export const PAYLOADS = configOf({
  routes: `
    { on: "note.failed", to: "sistema", when: (e) => { const s: "failed" = e.data.status; const n: string = e.data.note_id; return !!(s && n); } },
    { on: "note.*", to: "sistema", when: (e) => { const s: "processing" | "completed" | "failed" = e.data.status; return !!s; } },
    { on: "note.transcription.*", to: "sistema", when: (e) => e.data.transcription_status === "failed" && e.data.error?.code === "X" },
    { on: "note.**", to: "sistema", when: (e) => e.event === "note.failed" ? e.data.note_id !== "" : true },
    { on: ["note.failed", "note.transcription.failed"], to: "sistema", when: (e) => e.event === "note.failed" ? !!e.data.note_id : !!e.data.error },
    { on: "order.*", to: "sistema", when: (e) => { const d: Record<string, unknown> = e.data; return d.anything === 1 && e.whatever !== 2; } },
    { on: "note.archived", to: "plantao", text: (e) => String(e.data.reason) },
    { on: "*.paid", to: ["sistema"], body: (e) => ({ all: e.data }) },`,
});

/** Chains, alone and in a list, beside functions that see the payload. */
export const CHAINS = configOf({
  routes: `
    { on: "note.failed", to: firstOf(["plantao", "equipe"]), when: (e) => e.data.note_id !== "" },
    { on: "note.*", to: ["arquivo", firstOf(["plantao", "equipe", "sistema"], { within: "5m", until: "read" })] },
    { on: "**", to: [firstOf(["plantao", "equipe"], { within: 5_000 }), firstOf(["sistema", "arquivo"], {})] },`,
});

/** What functions see of a note, by the `enrich` of their route or target. */
export const NOTES = configOf({
  targets: `
    chat: slack({ url: "https://x", enrich: connectvetsApi({ key: env("K") }), text: (e) => e.note.name, blocks: (e) => e.note.note_sections }),
    mail: email({ via: "smtp://host", from: "a@b.c", to: "d@e.f", enrich: connectvetsApi({ key: env("K"), optional: true }), text: (e) => e.note?.name ?? "" }),
    crm: http({ url: "http://x", enrich: connectvetsApi({ key: env("K"), sandbox: true }), body: (e) => ({ ...e.note, at: e.timestamp }) }),`,
  routes: `
    { on: "note.completed", to: "plantao", enrich: connectvetsApi({ key: env("K"), sandbox: false }), text: (e) => { const s: "completed" = e.data.status; return s + e.note.name; } },
    { on: ["note.failed", "note.completed"], to: "plantao", enrich: connectvetsApi({ key: "k", optional: true }), text: (e) => e.note?.note_sections[0]?.title ?? e.data.note_id },
    { on: "order.*", to: "plantao", text: (e) => String(e.data.id) },
    { on: "order.*", to: "sistema", enrich: connectvetsApi({ key: "k", optional: false }), body: (e) => e.note.metadata },`,
});

/** Lines that are wrong, each with what the message must speak of. A line alone bears the whole mistake. */
export const mistakes: [what: string, config: string, line: RegExp, message: RegExp][] = [
  [
    "a wrong target in to",
    configOf({ routes: '{ on: "note.failed", to: "plantaoo" },' }),
    /plantaoo/,
    /"plantaoo".*"plantao"/s,
  ],
  [
    "a wrong target in a list",
    configOf({ routes: '{ on: "note.failed", to: ["plantao", "crm"] },' }),
    /"crm"/,
    /"crm".*"plantao"/s,
  ],
  [
    "a wrong target in a chain",
    configOf({ routes: '{ on: "note.failed", to: firstOf(["plantao", "equipee"]) },' }),
    /equipee/,
    /"equipee"/,
  ],
  [
    "a wrong target in a chain of a list",
    configOf({ routes: '{ on: "note.failed", to: ["sistema", firstOf(["plantao", "equipee"])] },' }),
    /equipee/,
    /"equipee"/,
  ],
  [
    "a chain of one",
    configOf({ routes: '{ on: "note.failed", to: firstOf(["plantao"]) },' }),
    /plantao/,
    /Chain<string>|1 element/,
  ],
  [
    "a wrong end of a chain",
    configOf({ routes: '{ on: "note.failed", to: firstOf(["plantao", "equipe"], { until: "seen" }) },' }),
    /seen/,
    /"seen"/,
  ],
  [
    "a wrong time of a chain",
    configOf({ routes: '{ on: "note.failed", to: firstOf(["plantao", "equipe"], { within: "soon" }) },' }),
    /soon/,
    /"soon"/,
  ],
  ["a wrong fallback", configOf({ more: 'fallback: "nobody",' }), /nobody/, /"nobody".*"plantao"/s],
  [
    "a wrong target of an alert",
    configOf({ more: 'alerts: [{ when: { dead: 1 }, to: "plantaoo" }],' }),
    /plantaoo/,
    /"plantaoo".*"plantao"/s,
  ],
  [
    "an alert of silence without its time",
    configOf({ more: 'alerts: [{ when: { silent: "note.*" }, to: "plantao" }],' }),
    /silent/,
    /'for' is missing/,
  ],
  [
    "a misspelt condition of an alert",
    configOf({ more: 'alerts: [{ when: { ded: 1 }, to: "plantao" }],' }),
    /ded/,
    /'ded' does not exist/,
  ],
  ["no target", configOf({ routes: '{ on: "note.failed" },' }), /note\.failed/, /'to' is missing/],
  ["no pattern", configOf({ routes: '{ to: "plantao" },' }), /to: "plantao"/, /'on' is missing/],
  [
    "a wrong field in when",
    configOf({ routes: '{ on: "note.failed", to: "plantao", when: (e) => e.data.note === "" },' }),
    /e\.data\.note /,
    /'note' does not exist.*NoteData/,
  ],
  [
    "a wrong field in text",
    configOf({ routes: '{ on: "note.failed", to: "plantao", text: (e) => e.data.error.code },' }),
    /error\.code/,
    /'error' does not exist/,
  ],
  [
    "a field of some of the events",
    configOf({ routes: '{ on: "note.**", to: "plantao", text: (e) => e.data.note_id },' }),
    /note_id/,
    /'note_id' does not exist/,
  ],
  [
    "a value that never comes",
    configOf({ routes: '{ on: "note.failed", to: "plantao", when: (e) => e.data.status === "done" },' }),
    /"done"/,
    /no overlap/,
  ],
  [
    "an unknown value as a text",
    configOf({ routes: '{ on: "order.*", to: "plantao", text: (e) => e.data.id },' }),
    /e\.data\.id/,
    /'unknown' is not assignable to type 'string'/,
  ],
  [
    "a when that gives a text",
    configOf({ routes: '{ on: "note.failed", to: "plantao", when: (e) => e.event },' }),
    /=> e\.event/,
    /not assignable to type 'boolean'/,
  ],
  [
    "an async when",
    configOf({ routes: '{ on: "note.failed", to: "plantao", when: async () => true },' }),
    /async/,
    /Promise<boolean>/,
  ],
  [
    "a note on a route that does not enrich",
    configOf({ routes: '{ on: "note.failed", to: "plantao", text: (e) => e.note.name },' }),
    /e\.note\.name/,
    /'note' does not exist/,
  ],
  [
    "a note on a target that does not enrich",
    configOf({ targets: 'x: http({ url: "http://x", body: (e) => e.note }),' }),
    /e\.note/,
    /'note' does not exist/,
  ],
  [
    "a note that may be absent, taken for one that is there",
    configOf({
      routes:
        '{ on: "note.failed", to: "plantao", enrich: connectvetsApi({ key: "k", optional: true }), text: (e) => e.note.name },',
    }),
    /e\.note\.name/,
    /'e\.note' is possibly 'undefined'/,
  ],
  [
    "a note in a when, which is asked before it is fetched",
    configOf({
      routes: '{ on: "note.failed", to: "plantao", enrich: connectvetsApi({ key: "k" }), when: (e) => !!e.note },',
    }),
    /e\.note/,
    /'note' does not exist/,
  ],
  [
    "an enrich that is none",
    configOf({ routes: '{ on: "note.failed", to: "plantao", enrich: "https://x" },' }),
    /enrich/,
    /not assignable/,
  ],
  [
    "a script that enriches",
    configOf({ targets: 'x: script({ command: ["x"], enrich: connectvetsApi({ key: "k" }) }),' }),
    /enrich/,
    /'enrich' does not exist/,
  ],
  [
    "a misspelt option of a route",
    configOf({ routes: '{ on: "note.failed", to: "plantao", wen: () => true },' }),
    /wen/,
    /'wen' does not exist/,
  ],
  ["a misspelt option of the config", configOf({ more: "fallbak: 1," }), /fallbak/, /'fallbak' does not exist/],
  ["a misspelt option of the source", configOf({ source: "maxBdy: 1," }), /maxBdy/, /'maxBdy' does not exist/],
  [
    "a misspelt option of a target",
    configOf({ targets: 'x: http({ url: "http://x", timout: "5s" }),' }),
    /timout/,
    /'timout' does not exist/,
  ],
  [
    "a misspelt option of a script",
    configOf({ targets: 'x: script({ command: ["x"], environment: {} }),' }),
    /environment/,
    /'environment' does not exist/,
  ],
  ["an http target without url", configOf({ targets: "x: http({ timeout: 5 })," }), /x: http/, /'url' is missing/],
  ["a slack target without url", configOf({ targets: 'x: slack({ text: "a" }),' }), /x: slack/, /'url' is missing/],
  [
    "an email target without to",
    configOf({ targets: 'x: email({ via: "smtp://x", from: "a@b.c" }),' }),
    /x: email/,
    /'to' is missing/,
  ],
  [
    "a script without a command",
    configOf({ targets: "x: script({ command: [] })," }),
    /command: \[\]/,
    /'\[\]' is not assignable/,
  ],
  [
    "a source without a secret",
    configOf({ more: "" }).replace(/ *secret: env.*\n/, ""),
    /connectvets\(\{/,
    /'secret' is missing/,
  ],
  [
    "a source without a path",
    configOf({ more: "" }).replace(/ *path: .*\n/, ""),
    /connectvets\(\{/,
    /'path' is missing/,
  ],
  ["a duration without a unit", configOf({ more: 'drain: "10",' }), /drain/, /"10".*is not assignable/],
  ["a size with a wrong unit", configOf({ more: 'maxBody: "1024k",' }), /maxBody/, /"1024k".*is not assignable/],
  ["a language that is not spoken", configOf({ more: 'locale: "fr",' }), /locale/, /"fr".*is not assignable/],
  [
    "a secret in a text",
    configOf({ targets: 'x: http({ url: "http://x/" + env("T").value }),' }),
    /env\("T"\)\.value/,
    /'value' does not exist/,
  ],
  [
    "a source among the targets",
    configOf({ targets: 'x: hmac({ path: "/x", secret: "x", header: "X" }),' }),
    /x: hmac/,
    /'target' is missing/,
  ],
  [
    "an unknown name of the module",
    HEAD.replace("slack }", "slak }") + "export {};",
    /slak/,
    /'slak'.*'slack'/,
  ],
];
