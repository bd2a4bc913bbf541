/** Loading a config from disk, as it is now. */

import assert from "node:assert/strict";
import { mkdirSync, rmSync, writeFileSync } from "node:fs";
import { join, relative } from "node:path";
import process from "node:process";
import { test } from "node:test";
import { loadConfig, type LoadedConfig, useDotenv } from "../../lib/config/load.ts";
import { ConfigError, ExitCode, sayIssue } from "../../lib/errors.ts";
import { inEnglish } from "../../lib/locale/phrase.ts";
import { runtime } from "../../lib/runtime.ts";
import { makeFolder } from "../helpers/folder.ts";

/** A folder with a config, and what is beside it. */
interface Place {
  folder: string;
  write(name: string, text: string): void;
  load(): Promise<LoadedConfig>;
}

function testIn(name: string, work: (place: Place) => Promise<void>): void {
  test(name, async () => {
    const folder = makeFolder();
    const before = { ...process.env };
    try {
      await work({
        folder: folder.path,
        write: (name, text) => {
          mkdirSync(join(folder.path, name, ".."), { recursive: true });
          writeFileSync(join(folder.path, name), text);
        },
        load: () => loadConfig(join(folder.path, "relay.config.ts")),
      });
    } finally {
      for (const name of Object.keys(process.env)) if (!(name in before)) delete process.env[name];
      Object.assign(process.env, before);
      folder.remove();
    }
  });
}

const config = (secret: string, more = "", head = "") =>
  `import { connectvets, credential, defineConfig, env, file, http } from "relay";
${head}
export default defineConfig({
  sources: { clinic: connectvets({ path: "/webhook", secret: ${secret} }) },
  targets: { sistema: http({ url: "http://127.0.0.1:4000/" }) },
  routes: [{ on: "note.*", to: "sistema" }],
  ${more}
});
`;

const secretsOf = ({ config }: LoadedConfig) => config.sources[0]!.secrets;

/** The messages with which loading fails. */
async function problemsOf(load: () => Promise<unknown>): Promise<string[]> {
  let problems: string[] = [];
  await assert.rejects(load(), (error) => {
    assert.ok(error instanceof ConfigError, String(error));
    assert.equal(error.exitCode, ExitCode.config);
    problems = error.issues.map((issue) => inEnglish(sayIssue(issue)));
    return true;
  });
  return problems;
}

testIn("loadConfig() loads a config and reads its secrets", async ({ folder, write, load }) => {
  write(".env", "RELAY_L_SECRET=from-dotenv-0123456789\n");
  write("relay.config.ts", config('env("RELAY_L_SECRET")'));
  const loaded = await load();
  assert.deepEqual([loaded.file, loaded.folder], [join(folder, "relay.config.ts"), folder]);
  assert.deepEqual(secretsOf(loaded), ["from-dotenv-0123456789"]);
  assert.deepEqual(loaded.warnings, []);
  assert.equal(loaded.redact("a from-dotenv-0123456789 b"), "a [secret] b");
});

testIn("loadConfig() takes a path relative to the working directory", async ({ folder, write }) => {
  write("relay.config.ts", config('"literal-0123456789"'));
  const loaded = await loadConfig(relative(process.cwd(), join(folder, "relay.config.ts")));
  assert.equal(loaded.folder, folder);
});

testIn("loadConfig() lets a variable that is set win over .env", async ({ write, load }) => {
  process.env.RELAY_L_SET = "from-environment-0123";
  write(".env", 'RELAY_L_SET=from-dotenv\nexport RELAY_L_QUOTED="quoted value # 0123"\n# RELAY_L_COMMENT=x\n');
  write(
    "relay.config.ts",
    config('[env("RELAY_L_SET"), env("RELAY_L_QUOTED"), env("RELAY_L_COMMENT", { default: "d" })]'),
  );
  assert.deepEqual(secretsOf(await load()), ["from-environment-0123", "quoted value # 0123", "d"]);
});

testIn(
  "loadConfig() reads .env anew each time, and takes back what is gone from it",
  async ({ folder, write, load }) => {
    write("relay.config.ts", config('env("RELAY_L_SECRET")'));
    write(".env", "RELAY_L_SECRET=first-value-0123456789");
    assert.deepEqual(secretsOf(await load()), ["first-value-0123456789"]);
    write(".env", "RELAY_L_SECRET=second-value-0123456789");
    assert.deepEqual(secretsOf(await load()), ["second-value-0123456789"]);
    rmSync(join(folder, ".env"));
    assert.deepEqual(await problemsOf(load), ['sources.clinic.secret: env("RELAY_L_SECRET") is not set']);
  },
);

testIn(
  "useDotenv() goes back to what the .env of another config says, and leaves what is set",
  async ({ folder, write, load }) => {
    process.env.RELAY_L_SET = "set-before";
    write(".env", "RELAY_L_SECRET=first-value-0123456789\nRELAY_L_SET=one\nRELAY_L_ONE=1");
    write("relay.config.ts", config('env("RELAY_L_SECRET")'));
    write("other/.env", "RELAY_L_SECRET=other-value-0123456789\nRELAY_L_SET=two\nRELAY_L_TWO=2");
    write("other/relay.config.ts", config('env("RELAY_L_SECRET")'));
    const one = await load();
    const two = await loadConfig(join(folder, "other/relay.config.ts"));
    assert.deepEqual([one, two].flatMap(secretsOf), ["first-value-0123456789", "other-value-0123456789"]);
    const seen = () => ["SECRET", "SET", "ONE", "TWO"].map((name) => process.env[`RELAY_L_${name}`]);
    for (const _ of [1, 2]) {
      useDotenv(one);
      assert.deepEqual(seen(), ["first-value-0123456789", "set-before", "1", undefined]);
      useDotenv(two);
      assert.deepEqual(seen(), ["other-value-0123456789", "set-before", undefined, "2"]);
    }
  },
);

testIn("loadConfig() gives the config what .env says already while it runs", async ({ write, load }) => {
  write(".env", "RELAY_L_PORT=4321");
  write(
    "relay.config.ts",
    config(
      '"literal-0123456789"',
      "listen: { port: Number(process.env.RELAY_L_PORT) },",
      'import process from "node:process";',
    ),
  );
  assert.equal((await load()).config.listen.port, 4321);
});

testIn("loadConfig() reads files and credentials, relative to the config", async ({ folder, write, load }) => {
  process.env.CREDENTIALS_DIRECTORY = join(folder, "credentials");
  write("secrets/webhook", "file-secret-0123456789\n");
  write("credentials/old", "credential-0123456789\n");
  write("relay.config.ts", config('[file("./secrets/webhook"), credential("old")]'));
  assert.deepEqual(secretsOf(await load()), ["file-secret-0123456789", "credential-0123456789"]);
});

const broken: [what: string, text: string, problem: RegExp][] = [
  ["has a syntax error", `${config('"x"')}\n}}}`, /^syntax error: unexpected `}`$/],
  ["throws", 'throw new Error("no more\\n  coffee");', /^the config fails while it loads: no more coffee$/],
  ["throws no error", "throw 5;", /^the config fails while it loads: 5$/],
  ["puts a secret into a text", config('`x${env("A")}`'), /^Cannot put env\("A"\) into a text$/],
  ["exports nothing", "export {};", /^has no default export; expected `export default defineConfig\(\{ … \}\)`$/],
  [
    "exports a name alone",
    `${config('"x"').replace("export default", "export const config =")}`,
    /^has no default export; expected `export default/,
  ],
  ["exports a text", 'export default "config";', /^expected `export default .*, got a text$/],
  ["exports null", "export default null;", /^expected `export default/],
  ["imports what is not there", 'import "./nothing.ts";', /^cannot find "\.\/nothing\.ts"$/],
  [
    "imports what relay has not",
    'import { slak } from "relay"; export default slak;',
    /^"relay" has no export "slak"; .*; did you mean "slack"\?$/,
  ],
];

for (const [what, text, problem] of broken) {
  testIn(`loadConfig() refuses a config that ${what}, and loads it when it is mended`, async ({ write, load }) => {
    write("relay.config.ts", text);
    const problems = await problemsOf(load);
    assert.equal(problems.length, 1);
    assert.match(problems[0]!, problem);
    write("relay.config.ts", config('"mended-0123456789"'));
    assert.deepEqual(secretsOf(await load()), ["mended-0123456789"]);
  });
}

testIn("loadConfig() refuses a file that is not there", async ({ load }) => {
  assert.deepEqual(await problemsOf(load), ["the file does not exist"]);
});

testIn("loadConfig() says every mistake, and no secret that the file reads", async ({ write, load }) => {
  write(".env", "RELAY_L_LOCALE=s3cret-locale-value\nRELAY_L_TOKEN=t0ken-value-of-env");
  const more =
    'locale: env("RELAY_L_LOCALE"), fallback: "t0ken-value-of-env", admin: { token: env("RELAY_L_TOKEN") }, drain: "x",';
  write("relay.config.ts", config('""', more));
  const problems = await problemsOf(load);
  assert.equal(problems.length, 4, problems.join("\n"));
  assert.doesNotMatch(problems.join("\n"), /s3cret|t0ken/);
  assert.ok(problems.some((one) => one.startsWith("sources.clinic.secret: expected a secret that is not empty")));
});

testIn("loadConfig() says which line of .env is none where the config has a mistake", async ({ write, load }) => {
  write(".env", "A=1\nRELAY_L_SECRET: from-dotenv-0123456789\n");
  write("relay.config.ts", config('env("RELAY_L_SECRET")'));
  const [line, variable, ...others] = await problemsOf(load);
  assert.equal(line, ".env:2: is ignored: it is neither NAME=value nor a comment");
  assert.equal(variable, 'sources.clinic.secret: env("RELAY_L_SECRET") is not set');
  assert.deepEqual(others, []);
});

testIn("loadConfig() shows no variable that the config names and throws", async ({ write, load }) => {
  process.env.RELAY_L_KEY = "a-key-0123456789";
  write("relay.config.ts", config('"x"', "", 'throw new Error("no " + process.env.RELAY_L_KEY);'));
  assert.deepEqual(await problemsOf(load), ["the config fails while it loads: no [secret]"]);
});

testIn("loadConfig() names the variable that was probably meant", async ({ write, load }) => {
  write(".env", "RELAY_L_WEBHOOK_SECRET=from-dotenv-0123456789\n");
  write("relay.config.ts", config('env("RELAY_L_WEBHOOK_SECRT")'));
  await assert.rejects(load(), (error: ConfigError) => {
    assert.match(inEnglish(error.issues[0]!.hint!), /^RELAY_L_WEBHOOK_SECRET is set: /);
    return true;
  });
});

testIn("loadConfig() does not call its own syntax wrong where it parses what is", async ({ write, load }) => {
  write("relay.config.ts", config('"x"', "", 'JSON.parse("{");'));
  const [problem, ...others] = await problemsOf(load);
  assert.match(problem!, /^the config fails while it loads: .*JSON/);
  assert.deepEqual(others, []);
});

testIn("loadConfig() marks a regular expression that is none", async ({ write, load }) => {
  write("relay.config.ts", config('"x"', "", "export const one = /a/, other = /(/;"));
  await assert.rejects(load(), (error: ConfigError) => {
    const [{ message, place } = {}, ...others] = error.issues;
    assert.match(inEnglish(message!), /regular expression/i);
    assert.doesNotMatch(inEnglish(message!), /file:/);
    assert.deepEqual([place?.line, place?.column, others.length], [2, 33, 0]);
    return true;
  });
});

testIn("loadConfig() says to quote what is probably a text", async ({ write, load }) => {
  write("relay.config.ts", config("segredo"));
  await assert.rejects(load(), (error: ConfigError) => {
    assert.equal(inEnglish(error.issues[0]!.hint!), 'if a text is meant, put it in quotes: "segredo"');
    return true;
  });
});

testIn("loadConfig() loads a config again as it is after a change", async ({ write, load }) => {
  for (const [index, secret] of ["first-0123456789", "second-0123456789", "first-0123456789"].entries()) {
    write("relay.config.ts", config(`"${secret}"`, `listen: { port: ${1000 + index} },`));
    const loaded = await load();
    assert.deepEqual([secretsOf(loaded), loaded.config.listen.port], [[secret], 1000 + index]);
  }
});

testIn("loadConfig() loads what a config imports", async ({ write, load }) => {
  const importing = config('"literal-0123456789"', "listen: { port },", 'import { port } from "./parts/port.ts";');
  write("parts/port.ts", "export const port = 1001;");
  write("relay.config.ts", importing);
  assert.equal((await load()).config.listen.port, 1001);
  write("parts/port.ts", "export const port = 1002;");
  write("parts/other.ts", "export const port = 1003;");
  // Deno goes on with what it has imported once; Bun, and so the executable, does not.
  assert.equal((await load()).config.listen.port, runtime.name === "bun" ? 1002 : 1001);
  write("relay.config.ts", importing.replace("port.ts", "other.ts"));
  assert.equal((await load()).config.listen.port, 1003);
});

testIn("loadConfig() tells of a config that throws nothing, or holds itself", async ({ write, load }) => {
  write("relay.config.ts", "throw null;");
  assert.equal((await problemsOf(load)).length, 1);
  write("relay.config.ts", "const config: Record<string, unknown> = {}; config.a = config; export default config;");
  assert.ok((await problemsOf(load)).includes("a: refers to itself"));
});
