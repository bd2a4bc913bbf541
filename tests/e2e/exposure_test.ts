/** What the executable says of files that every user of the machine can read. */

import assert from "node:assert/strict";
import { chmodSync, mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { makeFolder } from "../helpers/folder.ts";
import { configOf, runRelay, SECRET, startRelay } from "../helpers/relay.ts";

const TOKEN = "tok_0123456789abcdef";

const literal = configOf({
  admin: `{ port: 0, token: file("token") }`,
  targets: 'sistema: http({ url: "http://127.0.0.1:9/" })',
  routes: '{ on: "**", to: "sistema" }',
  more: 'locale: "pt-BR",',
});

/** The same, with its secret in `.env`. */
const clean = literal.replace(`"${SECRET}"`, 'env("WEBHOOK_SECRET")');

/** Gives a test a folder that everybody can enter, with a config, `.env`, a token and a store of these modes. */
async function withFolder(
  modes: { config: number; others: number },
  config: string,
  work: (folder: string) => Promise<void>,
): Promise<void> {
  const { path, remove } = makeFolder();
  try {
    chmodSync(path, 0o755);
    mkdirSync(join(path, "state"));
    const files = {
      "relay.config.ts": config,
      ".env": `WEBHOOK_SECRET=${SECRET}\n`,
      token: TOKEN,
      "state/relay.db": "",
    };
    for (const [name, text] of Object.entries(files)) {
      writeFileSync(join(path, name), text);
      chmodSync(join(path, name), name === "relay.config.ts" ? modes.config : modes.others);
    }
    await work(path);
  } finally {
    remove();
  }
}

const check = (folder: string) =>
  runRelay(["check", "--json"], { cwd: folder, env: { STATE_DIRECTORY: join(folder, "state") } });

test("check warns of config, .env, secrets and store that everybody can read, with mode and remedy", async () => {
  await withFolder({ config: 0o644, others: 0o644 }, literal, async (folder) => {
    const { code, stdout } = await check(folder);
    assert.equal(code, 0, "it is no mistake");
    const { warnings } = JSON.parse(stdout) as { warnings: { path: string; message: string }[] };
    assert.deepEqual(warnings.map(({ path }) => path), ["relay.config.ts", ".env", "admin.token", "store"]);
    assert.match(warnings[0]!.message, /\(mode 0644\), which contains a secret/);
    for (const [at, name] of [[1, ".env"], [2, "token"], [3, "state/relay.db"]] as const) {
      const file = join(folder, name);
      assert.ok(warnings[at]!.message.startsWith(`every user of this machine can read ${file} (mode 0644); run`));
      assert.ok(warnings[at]!.message.includes(`\`chmod 600 ${file}\``));
    }
    assert.ok(!stdout.includes(SECRET) && !stdout.includes(TOKEN));
    const text = await runRelay(["check"], { cwd: folder });
    assert.match(text.stdout, /\.env: todos os usuários desta máquina podem ler .* \(modo 0644\)/);
  });
});

test("check says nothing of files that are their owner's, and of a config without secrets that everybody can read", async () => {
  for (const [config, mode] of [[literal, 0o600], [clean, 0o644]] as const) {
    await withFolder({ config: mode, others: 0o600 }, config, async (folder) => {
      assert.deepEqual(JSON.parse((await check(folder)).stdout).warnings, []);
    });
  }
});

test("serve logs the same warnings, and the config page shows them until they are mended", async () => {
  await withFolder({ config: 0o644, others: 0o644 }, clean, async (folder) => {
    // Written anew by the helper, with a mode that lets everybody read it: it holds no secret.
    const env = { STATE_DIRECTORY: join(folder, "state") };
    const relay = await startRelay(clean, { folder, env });
    try {
      const warned = relay.log().filter(({ level }) => level === "warning").map(({ path, problem }) => ({
        path,
        problem,
      }));
      assert.deepEqual(warned.map(({ path }) => path), [".env", "admin.token", "store"]);
      const url = await relay.adminUrl();
      const page = async (language: string) => {
        const headers = { Authorization: `Bearer ${TOKEN}`, "Accept-Language": language };
        return await (await fetch(`${url}/config`, { headers })).text();
      };
      assert.match(await page("en"), /every user of this machine can read .*\.env/);
      assert.match(await page("pt-BR"), /todos os usuários desta máquina podem ler .*\.env/);
      for (const name of [".env", "token", "state/relay.db", "state/relay.db-wal", "state/relay.db-shm"]) {
        chmodSync(join(folder, name), 0o600);
      }
      assert.doesNotMatch(await page("en"), /every user of this machine/);
    } finally {
      await relay.close();
    }
  });
});
