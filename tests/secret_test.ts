/** Secrets: read where they are kept, and shown by nothing. */

import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import process from "node:process";
import { test } from "node:test";
import { inspect } from "node:util";
import fc from "fast-check";
import { credential, env, file, ReadableSecret, redactor, type Secret } from "../lib/secret.ts";
import { makeFolder } from "./helpers/folder.ts";

const VALUE = 'whs_v4lue/with+signs&"quotes"';

/** The value that a config would get, or what is wrong with it. */
function read(secret: Secret, folder = "/"): string {
  assert.ok(secret instanceof ReadableSecret);
  try {
    return `value ${secret.read(folder)}`;
  } catch (error) {
    return (error as Error).message;
  }
}

/** Runs `work` with these variables, and takes them back. */
function withEnv(variables: Record<string, string>, work: () => void): void {
  Object.assign(process.env, variables);
  try {
    work();
  } finally {
    for (const name of Object.keys(variables)) delete process.env[name];
  }
}

const variables = { RELAY_T_SET: VALUE, RELAY_T_EMPTY: "", RELAY_T_BLANK: " \t\n", RELAY_T_SPACED: ` ${VALUE} ` };

const fromEnv: [what: string, secret: Secret, expected: string][] = [
  ["a variable", env("RELAY_T_SET"), `value ${VALUE}`],
  ["a variable as it is, white space included", env("RELAY_T_SPACED"), `value  ${VALUE} `],
  ["the variable before the default", env("RELAY_T_SET", { default: "d" }), `value ${VALUE}`],
  ["the default where it is missing", env("RELAY_T_NONE", { default: "d" }), "value d"],
  ["the default where it is empty", env("RELAY_T_EMPTY", { default: "d" }), "value d"],
  ["nothing where it is missing", env("RELAY_T_NONE"), 'env("RELAY_T_NONE") is not set'],
  ["nothing where it is empty", env("RELAY_T_EMPTY"), 'env("RELAY_T_EMPTY") is empty'],
  ["nothing where it is blank", env("RELAY_T_BLANK"), 'env("RELAY_T_BLANK") is empty'],
  ["nothing where the default is empty", env("RELAY_T_NONE", { default: "" }), 'env("RELAY_T_NONE") is empty'],
];

for (const [what, secret, expected] of fromEnv) {
  test(`env() reads ${what}`, () => withEnv(variables, () => assert.equal(read(secret), expected)));
}

test("env() reads when it is asked, not when it is made", () => {
  const secret = env("RELAY_T_LATER");
  withEnv({ RELAY_T_LATER: "first" }, () => assert.equal(read(secret), "value first"));
  withEnv({ RELAY_T_LATER: "second" }, () => assert.equal(read(secret), "value second"));
  assert.equal(read(secret), 'env("RELAY_T_LATER") is not set');
});

const contents: [text: string, expected: string][] = [
  [VALUE, `value ${VALUE}`],
  [`${VALUE}\n`, `value ${VALUE}`],
  [`${VALUE}\r\n`, `value ${VALUE}`],
  [`${VALUE}\n\n`, `value ${VALUE}\n`],
  [`a\nb\n`, "value a\nb"],
  [" açaí ", "value  açaí "],
  ["", 'file("secret") is empty'],
  ["\n", 'file("secret") is empty'],
];

for (const [text, expected] of contents) {
  test(`file() reads ${JSON.stringify(text)}`, () => {
    const folder = makeFolder();
    try {
      writeFileSync(join(folder.path, "secret"), text);
      assert.equal(read(file("secret"), folder.path), expected, "relative to the config's folder");
      assert.equal(read(file("./secret"), folder.path).replace("./", ""), expected);
      assert.equal(read(file(join(folder.path, "secret"))).replace(`${folder.path}/`, ""), expected);
    } finally {
      folder.remove();
    }
  });
}

test("file() says which file is missing or cannot be read", () => {
  const folder = makeFolder();
  try {
    assert.equal(read(file("none"), folder.path), `the file ${join(folder.path, "none")} does not exist`);
    assert.match(read(file("."), folder.path), new RegExp(`^cannot read ${folder.path} \\(\\w+\\)$`));
  } finally {
    folder.remove();
  }
});

test("credential() reads from the folder that systemd gives", () => {
  const folder = makeFolder();
  try {
    writeFileSync(join(folder.path, "token"), `${VALUE}\n`);
    writeFileSync(join(folder.path, "empty"), "\n");
    withEnv({ CREDENTIALS_DIRECTORY: folder.path }, () => {
      assert.equal(read(credential("token")), `value ${VALUE}`);
      assert.equal(read(credential("empty")), 'credential("empty") is empty');
      assert.match(read(credential("none")), /^the file .*none does not exist$/);
    });
    assert.equal(read(credential("token"), folder.path), 'credential("token") is not set', "without systemd");
  } finally {
    folder.remove();
  }
});

test("Secret throws in a text, and names itself alone", () => {
  withEnv(variables, () => {
    const secret = env("RELAY_T_SET");
    for (const use of [() => `${secret}`, () => "a" + secret, () => String(secret), () => [secret].join()]) {
      assert.throws(use, (error: Error) => {
        assert.match(error.message, /^Cannot put env\("RELAY_T_SET"\) into a text$/);
        return !error.message.includes(VALUE);
      });
    }
  });
});

test("Secret shows no value in JSON, in inspect, or in what it holds", () => {
  withEnv({ RELAY_T_SET: VALUE, RELAY_T_SECOND: "d3fault-value" }, () => {
    for (const secret of [env("RELAY_T_SET"), env("RELAY_T_NONE", { default: "d3fault-value" })]) {
      (secret as ReadableSecret).read("/");
      const shown = [
        JSON.stringify({ secret }),
        inspect({ secret }, { depth: 9, showHidden: true }),
        inspect(secret),
        JSON.stringify(Object.entries(secret)),
      ].join("\n");
      assert.match(shown, /\[env\(\\"RELAY_T_/);
      assert.doesNotMatch(shown, /v4lue|d3fault/);
    }
  });
});

test("redactor() masks values raw, URL-encoded and escaped in JSON", () => {
  const redact = redactor([VALUE, "simple-secret"]);
  const forms = [VALUE, encodeURIComponent(VALUE), JSON.stringify({ a: VALUE }), "simple-secret", `x=${VALUE}${VALUE}`];
  for (const form of forms) {
    const text = redact(`before ${form} after`);
    assert.doesNotMatch(text, /v4lue|simple-secret/);
    assert.match(text, /^before .*\[secret\].* after$/);
  }
});

test("redactor() masks the longer of two values where one holds the other", () => {
  assert.equal(redactor(["token", "token-and-more"])("a token-and-more b token c"), "a [secret] b [secret] c");
});

test("redactor() takes values as they are, not as patterns", () => {
  assert.equal(redactor(["a.c*$", "(((("])("abc* a.c*$ (((( $&"), "abc* [secret] [secret] $&");
});

test("redactor() leaves texts alone without values, and with values too short to mask", () => {
  for (const secrets of [[], [""], ["abc"]]) assert.equal(redactor(secrets)("abc and more"), "abc and more");
});

test("redactor() leaves none of any values in any of their forms", () => {
  const anySecret = fc.string({ unit: "binary", minLength: 8, maxLength: 40 })
    .filter((text) => !"[secret]".includes(text));
  fc.assert(fc.property(anySecret, fc.string({ unit: "binary" }), (secret, around) => {
    const redact = redactor([secret]);
    for (const form of [secret, encodeURIComponent(secret), JSON.stringify(secret)]) {
      const masked = redact(`${around.replaceAll(secret, "")} ${form}`);
      assert.ok(!masked.endsWith(form) && masked.includes("[secret]"));
    }
  }));
  assert.equal(Buffer.from(redactor(["\ud800abcd"])("\ud800abcd")).toString(), "[secret]");
});

test("redactor() masks what is left of a value where a line was cut within it", () => {
  const redact = redactor(["token-0123456789", "https://hooks.example/T/token"]);
  assert.equal(redact("out token-0123\nmore"), "out [secret]\nmore");
  assert.equal(redact("cannot reach https://hooks.example"), "cannot reach https://hooks.example");
});
