/** Mistakes in an email target: which server or provider, its options, and what belongs to the other kind. */

import assert from "node:assert/strict";
import { test } from "node:test";
import { connectvets, email, env, mailgun, resend, sendgrid } from "../../lib/config/mod.ts";
import { readConfig } from "../../lib/config/schema.ts";
import { problemOf } from "../helpers/issues.ts";

const KEY = "key-0123456789abcdef";

const wrong = (options: unknown) => options as never;

const problemsOf = (options: object) =>
  readConfig({
    sources: { clinic: connectvets({ path: "/webhook", secret: "whs_0123456789abcdef" }) },
    targets: { mail: email(wrong({ from: "a@clinica.example", to: "b@clinica.example", ...options })) },
    routes: [{ on: "note.*", to: "mail" }],
  }, "/").issues.map(problemOf);

const anyVia =
  /^targets\.mail\.via: (is missing; )?expected a URL such as "smtp:\/\/user:password@host:587", or one of .*resend\(\)/;

const rows: [what: string, options: object, problem: RegExp][] = [
  ["neither server nor provider", {}, anyVia],
  ["a number in place of a server", { via: 5 }, anyVia],
  ["a provider that nobody knows", { via: { provider: "resnd", apiKey: KEY } }, anyVia],
  ["several providers", { via: [resend({ apiKey: KEY })] }, anyVia],
  ["a provider that is not called", { via: resend }, anyVia],
  [
    "a server and its misplaced twin",
    { via: "smtp://mail.example", smtp: "smtp://mail.example" },
    /^targets\.mail: unknown option "smtp"; known options are .*"via"/,
  ],
  [
    "a server of another protocol",
    { via: "https://mail.example" },
    /^targets\.mail\.via: expected a URL such as "smtp:/,
  ],
  [
    "a provider without its key",
    { via: resend(wrong({})) },
    /^targets\.mail\.via\.apiKey: is missing; expected a key without spaces, such as env/,
  ],
  [
    "an empty key",
    { via: resend({ apiKey: "" }) },
    /^targets\.mail\.via\.apiKey: expected a key .*got an empty text$/,
  ],
  [
    "a key with a space",
    { via: resend({ apiKey: `${KEY} ` }) },
    /^targets\.mail\.via\.apiKey: expected a key without/,
  ],
  [
    "a key that is not set",
    { via: resend({ apiKey: env("RELAY_TEST_NOT_SET") }) },
    /^targets\.mail\.via\.apiKey: env\("RELAY_TEST_NOT_SET"\) is not set$/,
  ],
  [
    "a misspelt option of a provider",
    { via: resend(wrong({ apiKey: KEY, baseURL: "https://x.example" })) },
    /^targets\.mail\.via: unknown option "baseURL"; .*did you mean "baseUrl"\?$/,
  ],
  [
    "a region of a provider that has none",
    { via: resend(wrong({ apiKey: KEY, region: "eu" })) },
    /^targets\.mail\.via: unknown option "region"; known options are "apiKey", "baseUrl"$/,
  ],
  [
    "a region that Mailgun does not have",
    { via: mailgun(wrong({ apiKey: KEY, domain: "mg.clinica.example", region: "br" })) },
    /^targets\.mail\.via\.region: expected "us" or "eu", got "br"$/,
  ],
  [
    "a region that SendGrid does not have",
    { via: sendgrid(wrong({ apiKey: KEY, region: "us" })) },
    /^targets\.mail\.via\.region: expected "global" or "eu", got "us"$/,
  ],
  [
    "no domain",
    { via: mailgun(wrong({ apiKey: KEY })) },
    /^targets\.mail\.via\.domain: is missing; expected a domain such as "mg\.clinica\.example"$/,
  ],
  [
    "a URL in place of a domain",
    { via: mailgun({ apiKey: KEY, domain: "https://mg.clinica.example" }) },
    /^targets\.mail\.via\.domain: expected a domain such as "mg\.clinica\.example", got "https:/,
  ],
  [
    "an address of an API with a login",
    { via: resend({ apiKey: KEY, baseUrl: `https://user:${KEY}@api.example` }) },
    /^targets\.mail\.via\.baseUrl: expected a URL without a login/,
  ],
  [
    "a name that EHLO cannot say",
    { via: "smtp://mail.example", name: "clinica example" },
    /^targets\.mail\.name: expected a host name such as "relay\.clinica\.example", got "clinica example"$/,
  ],
  [
    "a name that would be a command of its own",
    { via: "smtp://mail.example", name: "a\r\nRCPT" },
    /^targets\.mail\.name: expected a host name such as "relay\.clinica\.example", got /,
  ],
  [
    "a name beside a provider",
    { via: resend({ apiKey: KEY }), name: "relay.clinica.example" },
    /^targets\.mail\.name: applies only where `via` is the URL of a mail server$/,
  ],
  [
    "a requireTls beside a provider",
    { via: resend({ apiKey: KEY }), requireTls: false },
    /^targets\.mail\.requireTls: applies only where `via` is the URL of a mail server$/,
  ],
  [
    "a path in place of a certificate",
    { via: "smtp://mail.example", ca: "/etc/ssl/ca.pem" },
    /^targets\.mail\.ca: expected a certificate in PEM, such as file\("ca\.pem"\), got "\/etc\/ssl\/ca\.pem"$/,
  ],
];

for (const [what, options, problem] of rows) {
  test(`readConfig() refuses an email target with ${what}`, () => {
    const problems = problemsOf(options);
    assert.equal(problems.length, 1, problems.join("\n"));
    assert.match(problems[0]!, problem);
    assert.ok(!problems[0]!.includes(KEY));
  });
}
