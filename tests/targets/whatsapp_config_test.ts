/** WhatsApp in a config: recipients, what is warned of, and mistakes. */

import assert from "node:assert/strict";
import { test } from "node:test";
import { connectvets, evolution, whatsapp, whatsappCloud, zapi } from "../../lib/config/mod.ts";
import { readConfig } from "../../lib/config/schema.ts";
import { en } from "../../lib/locale/en.ts";
import type { Target } from "../../lib/targets/target.ts";
import { canonicalNumber, isSameNumber } from "../../lib/targets/whatsapp/number.ts";
import { problemOf } from "../helpers/issues.ts";

const TOKEN = "EAAGtesttoken0123456789";

const wrong = (options: unknown) => options as never;
const cloud = (options: object = {}) =>
  whatsappCloud(wrong({ phoneNumberId: "105512345678901", token: TOKEN, ...options }));
const own = (options: object = {}) =>
  evolution(wrong({ url: "http://127.0.0.1:8080", instance: "clinica", apiKey: TOKEN, ...options }));
const hosted = () => zapi({ instance: "3C0F5A1D", token: TOKEN, clientToken: TOKEN });
const template = { name: "nota_falhou", language: "pt_BR" };

const read = (options: object, route: object = {}) =>
  readConfig({
    sources: { clinic: connectvets({ path: "/webhook", secret: "whs_0123456789abcdef" }) },
    targets: { whats: whatsapp(wrong({ via: cloud(), to: "+5531999998888", template, ...options })) },
    routes: [{ on: "note.*", to: "whats", ...route }],
  }, "/");

const targetOf = (options: object): Target => read(options).config!.targets.get("whats")!;
const problemsOf = (options: object) => read(options).issues.map(problemOf);
const warningsOf = (options: object) =>
  read(options).warnings.map(({ path, warning }) => `${path}: ${warning(en.warnings, en)}`);

test("whatsapp() is typed: its functions know the event", () => {
  const gateway = whatsappCloud({ phoneNumberId: "105512345678901", token: TOKEN });
  const { target, options } = whatsapp({
    via: gateway,
    to: ["+5531999998888"],
    template: {
      ...template,
      parameters: (e) => [e.data.note_id, 7],
      header: { paciente: (e) => e.data.name },
      buttons: [{ url: (e) => e.data.note_id }],
    },
    text: (e) => `Nota ${e.data.note_id}`,
  });
  assert.ok(target && options);
  // @ts-expect-error: the event has no such field
  whatsapp({ via: gateway, to: "+5531999998888", template: { ...template, parameters: (e) => [e.data.nota] } });
  // @ts-expect-error: a button has a URL or a payload
  whatsapp({ via: gateway, to: "+5531999998888", template: { ...template, buttons: [{ index: 1 }] } });
  // @ts-expect-error: `via` is a gateway
  whatsapp({ via: "https://graph.facebook.com", to: "+5531999998888" });
});

test("build() gives each recipient a lane of its own, at Meta's pace, and shares the target's", () => {
  const target = targetOf({
    to: ["+5531999998888", "BR.13491208655302741918"],
    rate: { per: "1s", limit: 5 },
    concurrency: 3,
    timeout: "9s",
    retry: "none",
    circuit: false,
  });
  assert.deepEqual(target.recipients?.map(({ name }) => name), [
    "whats/+5531999998888",
    "whats/BR.13491208655302741918",
  ]);
  assert.deepEqual([target.policy.rates[0], target.policy.concurrency], [{ perMs: 1_000, limit: 5 }, 3]);
  for (const { policy, whole, kind } of target.recipients!) {
    assert.deepEqual([kind, whole], ["whatsapp", { name: "whats", policy: target.policy }]);
    assert.deepEqual(policy.rates, [{ perMs: 6_000, limit: 1 }]);
    assert.deepEqual([policy.timeoutMs, policy.retry?.scheduleMs, policy.circuit], [9_000, [], undefined]);
  }
});

test("build() shows the gateway's place, and of recipients the last digits", () => {
  const target = targetOf({ to: ["+5531999998888", "+5511988887777"] });
  assert.equal(target.address, "…8888, …7777 via https://graph.facebook.com");
  assert.deepEqual(target.recipients?.map(({ address }) => address), [
    "…8888 via https://graph.facebook.com",
    "…7777 via https://graph.facebook.com",
  ]);
  assert.deepEqual(target.secrets, [TOKEN]);
  assert.notEqual(target.url, targetOf({ to: ["+5531999998888", "+5511900007777"] }).url);
});

test("build() takes numbers with and without the ninth digit for one recipient", () => {
  const options = { to: ["+553199998888", "+5531999998888", "+5511988887777"] };
  assert.deepEqual(targetOf(options).recipients?.map(({ name }) => name), [
    "whats/+553199998888",
    "whats/+5511988887777",
  ]);
  assert.deepEqual(warningsOf(options), [
    "targets.whats: names the recipient …8888 twice, perhaps with and without the ninth digit; each event is sent there once",
  ]);
});

const pairs: [one: string, other: string, isSame: boolean][] = [
  ["+5531999998888", "+553199998888", true],
  ["+5531999998888", "553199998888", true],
  ["+5531969998888", "+553169998888", true],
  ["+553133334444", "+5531933334444", false], // 3333-4444 is a landline
  ["+5531999998888", "+5511999998888", false],
  ["+351912345678", "351912345678", true],
  ["BR.13491208655302741918", "BR.13491208655302741918", true],
  ["BR.13491208655302741918", "US.13491208655302741918", false],
];
for (const [one, other, isSame] of pairs) {
  test(`isSameNumber() says ${isSame ? "yes" : "no"} for ${one} and ${other}`, () => {
    assert.deepEqual([isSameNumber(one, other), isSameNumber(other, one)], [isSame, isSame]);
  });
}

test("canonicalNumber() gives the form with + and the ninth digit", () => {
  assert.equal(canonicalNumber("553199998888"), "+5531999998888");
  assert.equal(canonicalNumber("+553133334444"), "+553133334444");
});

test("readConfig() warns of nothing where a template and numbers are in order", () => {
  assert.deepEqual(
    warningsOf({ to: ["+5531999998888", "+553133334444", "+351912345678", "US.ENT.11815799212886844830"] }),
    [],
  );
});

const warned: [what: string, options: object, warning: RegExp][] = [
  [
    "a number that cannot be Brazilian",
    { to: "+55319999988881" },
    /^targets\.whats: the number …8881 cannot be Brazilian/,
  ],
  ["whatsappCloud() without a template", { template: undefined }, /^targets\.whats: has no `template`: .* 24 hours/],
  ["digests beside a template", { digest: { every: "1h" } }, /makes digests, .* by itself, as the `template`$/],
  [
    "a template's name that Meta refuses",
    { template: { ...template, name: "Nota-Falhou" } },
    /names the template "Nota-Falhou"/,
  ],
  ["a template's name that is too long", { template: { ...template, name: "n".repeat(513) } }, /at most 512/],
];
for (const [what, options, warning] of warned) {
  test(`readConfig() warns of ${what}`, () => {
    const warnings = warningsOf(options);
    assert.equal(warnings.length, 1);
    assert.match(warnings[0]!, warning);
  });
}

test("readConfig() warns of no template where the gateway keeps no window", () => {
  for (const via of [own(), hosted()]) assert.deepEqual(warningsOf({ via, template: undefined }), []);
});

const anyVia = /^targets\.whats\.via: (is missing; )?expected one of evolution\(\), whatsappCloud\(\), zapi\(\)/;
const anyNumber =
  'expected a number such as "+5531999998888", or a business-scoped id such as "BR.13491208655302741918"';
const meant = (value: string) => {
  const quoted = JSON.stringify(value).replaceAll(/[+()]/g, "\\$&");
  return new RegExp(`got ${quoted}; did you mean "\\+5531999998888"\\?$`);
};

const rows: [what: string, options: object, problem: RegExp][] = [
  ["no gateway", { via: undefined }, anyVia],
  ["a URL in place of a gateway", { via: "https://graph.facebook.com" }, anyVia],
  ["a gateway that is not called", { via: whatsappCloud }, anyVia],
  ["no recipient", { to: [] }, /^targets\.whats\.to: expected at least one recipient, got an empty list$/],
  ["a Brazilian number without +55", { to: "31999998888" }, meant("31999998888")],
  ["a Brazilian number with a 0", { to: "031999998888" }, meant("031999998888")],
  ["a number without +", { to: "5531999998888" }, meant("5531999998888")],
  ["a number as people write it", { to: "+55 (31) 99999-8888" }, meant("+55 (31) 99999-8888")],
  [
    "a number in a list",
    { to: ["+5511988887777", "31999998888"] },
    /^targets\.whats\.to\[1\]: expected a number .*"\+5531999998888"\?$/,
  ],
  ["what is no number", { to: "equipe" }, /^targets\.whats\.to: .*got "equipe"$/],
  [
    "a template for evolution()",
    { via: own() },
    /^targets\.whats\.template: applies only where `via` is whatsappCloud\(\)$/,
  ],
  ["a template for zapi()", { via: hosted() }, /^targets\.whats\.template: applies only/],
  [
    "a business-scoped id for evolution()",
    { via: own(), template: undefined, to: "BR.13491208655302741918" },
    /^targets\.whats\.to: has a business-scoped id, which only whatsappCloud\(\) can send to/,
  ],
  [
    "a language with -",
    { template: { ...template, language: "pt-BR" } },
    /^targets\.whats\.template\.language: .*did you mean "pt_BR"\?$/,
  ],
  ["a template without a name", { template: { language: "pt_BR" } }, /^targets\.whats\.template\.name: is missing/],
  [
    "a template that is a name",
    { template: "nota_falhou" },
    /^targets\.whats\.template: expected an object such as \{ name:/,
  ],
  [
    "parameters that are a text",
    { template: { ...template, parameters: "x" } },
    /^targets\.whats\.template\.parameters: expected a list or an object/,
  ],
  [
    "a button with two kinds",
    { template: { ...template, buttons: [{ url: "a", payload: "b" }] } },
    /^targets\.whats\.template\.buttons\[0\]: expected an object such as/,
  ],
  [
    "a misspelt option of a template",
    { template: { ...template, lang: "pt_BR" } },
    /^targets\.whats\.template: unknown option "lang"/,
  ],
  [
    "an id that is the number",
    { via: cloud({ phoneNumberId: "+553133334444" }) },
    /^targets\.whats\.via\.phoneNumberId: expected the id of the sending number/,
  ],
  [
    "a version without v",
    { via: cloud({ version: "25.0" }) },
    /^targets\.whats\.via\.version: .*did you mean "v25\.0"\?$/,
  ],
  [
    "a token with a blank",
    { via: cloud({ token: "EAAG token" }) },
    /^targets\.whats\.via\.token: expected a key without spaces/,
  ],
  [
    "a misspelt option of a gateway",
    { via: cloud({ baseURL: "https://x.example" }) },
    /^targets\.whats\.via: unknown option "baseURL"; .*"baseUrl"\?$/,
  ],
  [
    "evolution() without its address",
    { via: own({ url: undefined }), template: undefined },
    /^targets\.whats\.via\.url: is missing; expected a URL/,
  ],
  [
    "an instance that is a path",
    { via: own({ instance: "a/b" }), template: undefined },
    /^targets\.whats\.via\.instance: expected the name or id of an instance/,
  ],
];
for (const [what, options, problem] of rows) {
  test(`readConfig() says what is wrong with ${what}`, () => {
    const problems = problemsOf(options);
    assert.equal(problems.length, 1, problems.join("\n"));
    assert.match(problems[0]!, problem);
  });
}

test("readConfig() says what a recipient is", () => {
  assert.ok(problemsOf({ to: "equipe" })[0]?.includes(anyNumber));
});

test("readConfig() takes a route's text, and refuses what WhatsApp has no use for", () => {
  assert.deepEqual(read({}, { text: "Olá" }).issues, []);
  assert.match(read({}, { blocks: [] }).issues.map(problemOf).join(), /routes\[0\]\.blocks: has no effect/);
});
