/** Reloads of the executable on SIGHUP: a sound config takes over at once, a broken one changes nothing. */

import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { connect } from "node:net";
import { join } from "node:path";
import process from "node:process";
import { test } from "node:test";
import { configOf, type RunningRelay, SECRET, sign, startRelay } from "../helpers/relay.ts";
import { startMail } from "../helpers/mail.ts";
import { startSink } from "../helpers/sink.ts";
import { until } from "../helpers/wait.ts";

/** A genuine event that no other number gives. */
function event(number: number): string {
  return `{"event":"note.completed","data":{"note_id":"${number}"}}`;
}

/** A config that sends everything to this URL. */
function configTo(url: string): string {
  const targets = `sistema: http({ url: ${JSON.stringify(url)} })`;
  return configOf({ targets, routes: `{ on: "**", to: "sistema" }` });
}

/** Sends SIGHUP and resolves with what the relay says of it. */
async function reload(relay: RunningRelay): Promise<Record<string, unknown>> {
  const tells = ({ message }: Record<string, unknown>) => /^(reloaded|config not reloaded)/.test(String(message));
  const before = relay.log().filter(tells).length;
  process.kill(relay.child.pid!, "SIGHUP");
  await relay.logged("the reload", () => relay.log().filter(tells).length > before);
  return relay.log().filter(tells).at(-1)!;
}

test("serve goes on under a changed config on SIGHUP, also when only an import has changed", async () => {
  const [before, after] = [await startSink(), await startSink()];
  const place = (url: string, key: string) =>
    `export const place = { url: "${url}", headers: { "X-Key": "${key}" } };\n`;
  const config = (secrets: string) =>
    `import { place } from "./parts/place.ts";
import { connectvets, defineConfig, http } from "relay";
export default defineConfig({
  listen: { host: "127.0.0.1", port: 0 },
  admin: false,
  sources: { connectvets: connectvets({ path: "/webhook", secret: ${secrets} }) },
  targets: { sistema: http(place) },
  routes: [{ on: "**", to: "sistema" }],
});
`;
  const relay = await startRelay(config(`"${SECRET}"`), {
    files: { "parts/place.ts": place(before.url, "the first key") },
  });
  try {
    await relay.post(event(1));
    await before.received(1);

    writeFileSync(join(relay.folder, "parts/place.ts"), place(after.url, "the first key"));
    assert.match(String((await reload(relay)).message), /^reloaded/);
    await relay.post(event(2));
    assert.equal((await after.received(1))[0]!.headers["x-key"], "the first key");

    writeFileSync(join(relay.folder, "parts/place.ts"), place(after.url, "another key"));
    await reload(relay);
    await relay.post(event(3));
    assert.equal((await after.received(2))[1]!.headers["x-key"], "another key");

    writeFileSync(join(relay.folder, "relay.config.ts"), config('"another secret of good length"'));
    await reload(relay);
    assert.equal((await relay.post(event(4))).status, 401);
    const postAnew = (body: string) => relay.post(body, { signature: sign(body, "another secret of good length") });
    assert.equal((await postAnew(event(4))).text, "OK");
    await after.received(3);
    assert.equal((await postAnew(event(1))).text, "Already processed");
    assert.equal(before.requests.length, 1);
  } finally {
    await relay.close();
    await Promise.all([before.close(), after.close()]);
  }
});

test("serve keeps the old config when SIGHUP finds a broken one", async () => {
  const sink = await startSink();
  const good = configTo(`${sink.url}/in`);
  const relay = await startRelay(good);
  try {
    const broken: [config: string, why: RegExp][] = [
      [good.replace('to: "sistema"', 'to: "sistena"'), /unknown target \\?"sistena\\?"/],
      [good.replace("secret:", "sekret:"), /sekret.*did you mean/],
      [good.replace("});", ""), /./],
      ['throw new Error("this config throws");', /this config throws/],
      ["export const nothing = 1;", /export default/],
    ];
    for (const [index, [config, why]] of broken.entries()) {
      writeFileSync(join(relay.folder, "relay.config.ts"), config);
      const record = await reload(relay);
      assert.match(String(record.message), /^config not reloaded/);
      assert.equal(record.level, "error");
      assert.match(JSON.stringify(record), why);
      assert.equal((await relay.post(event(index))).text, "OK");
      await sink.received(index + 1);
    }
    writeFileSync(join(relay.folder, "relay.config.ts"), good);
    assert.match(String((await reload(relay)).message), /^reloaded/);
    assert.equal(await relay.end(), 0);
  } finally {
    await relay.close();
    await sink.close();
  }
});

test("serve reloads a config that is mended, wherever it was broken", async () => {
  const sink = await startSink();
  const part = `export const url = "${sink.url}/in";\n`;
  const config = `import { url } from "./part.ts";\n${configTo("URL").replace('"URL"', "url")}`;
  const relay = await startRelay(config, { files: { "part.ts": part } });
  try {
    const broken: [file: string, text: string, mended: string][] = [
      ["relay.config.ts", 'throw new Error("a config that throws");', config],
      ["part.ts", 'export const url = (() => { throw new Error("a part that throws"); })();', part],
      ["part.ts", "export const other = 1;", part],
      ["part.ts", "export const url = ;", part],
      ["relay.config.ts", config.replace("./part.ts", "./gone.ts"), config],
    ];
    for (const [index, [file, text, mended]] of broken.entries()) {
      writeFileSync(join(relay.folder, file), text);
      assert.match(JSON.stringify(await reload(relay)), /"config not reloaded/, text);
      assert.equal((await relay.post(event(index))).text, "OK");
      writeFileSync(join(relay.folder, file), mended);
      assert.match(JSON.stringify(await reload(relay)), /"reloaded /, text);
    }
    await sink.received(broken.length);
  } finally {
    await relay.close();
    await sink.close();
  }
});

test("serve outlives signals and requests that come together", async () => {
  const sink = await startSink();
  const relay = await startRelay(configTo(`${sink.url}/in`));
  try {
    const posts = Array.from({ length: 50 }, async (_, number) => {
      if (number % 5 === 0) process.kill(relay.child.pid!, "SIGHUP");
      assert.equal((await relay.post(event(number))).text, "OK");
    });
    await Promise.all(posts);
    await sink.received(50);
    assert.equal(await relay.end(), 0);
    assert.equal(sink.requests.length, 50);
  } finally {
    await relay.close();
    await sink.close();
  }
});

test("serve ends requests and attempts under the config that they began with", async () => {
  const held: (() => void)[] = [];
  const before = await startSink((response) => void held.push(() => response.end("ok")));
  const after = await startSink();
  const relay = await startRelay(configTo(before.url));
  try {
    await relay.post(event(1));
    await before.received(1);
    const socket = connect(relay.port, "127.0.0.1");
    const answer = new Promise<string>((resolve) => socket.once("data", (chunk) => resolve(chunk.toString("latin1"))));
    const body = event(2);
    socket.write(
      `POST /webhook HTTP/1.1\r\nHost: x\r\nX-ConnectVets-Signature: ${
        sign(body)
      }\r\nContent-Length: ${body.length}\r\n\r\n` +
        body.slice(0, 10),
    );
    await new Promise((resolve) => setTimeout(resolve, 100));

    writeFileSync(
      join(relay.folder, "relay.config.ts"),
      configTo(after.url).replace(SECRET, "another secret, not less"),
    );
    await reload(relay);
    assert.equal((await relay.post(event(3))).status, 401, "the new secret holds for new requests");
    socket.write(body.slice(10));
    assert.match(await answer, /^HTTP\/1\.1 200 /, "the old secret for the one that had begun");
    socket.destroy();
    await after.received(1);
    for (const release of held) release();
    await relay.logged("the delivery", ({ message }) => `${message}`.startsWith("delivered"));
    assert.equal(before.requests.length, 1);
    assert.deepEqual(after.requests.map(({ body }) => body.toString()), [body]);
  } finally {
    await relay.close();
    await Promise.all([before.close(), after.close()]);
  }
});

test("serve lets go of connections to a mail server that the new config does not need", async () => {
  let open = 0;
  const mail = await startMail({
    onConnect(_session, done) {
      open++;
      done();
    },
    onClose: () => void open--,
  });
  const sink = await startSink();
  const alvo = `email({ via: "smtp://127.0.0.1:${mail.port}", from: "relay@clinica.example", to: ["a@b.example"] })`;
  const relay = await startRelay(configOf({ targets: `sistema: ${alvo}`, routes: `{ on: "**", to: "sistema" }` }));
  try {
    await relay.post(event(1));
    await relay.logged("the delivery", ({ message }) => String(message).startsWith("delivered"));
    assert.equal(open, 1, "a connection is kept for the next mail");
    writeFileSync(join(relay.folder, "relay.config.ts"), configTo(sink.url));
    await reload(relay);
    await until("the connection's end", () => open === 0, 3_000);
  } finally {
    await relay.close();
    await mail.close();
    await sink.close();
  }
});

test("serve stops on SIGTERM although a config that it loads never ends", async () => {
  const relay = await startRelay(configTo("http://127.0.0.1:9"));
  try {
    writeFileSync(
      join(relay.folder, "relay.config.ts"),
      `await new Promise((resolve) => setTimeout(resolve, 600_000));\n`,
    );
    process.kill(relay.child.pid!, "SIGHUP");
    await new Promise((resolve) => setTimeout(resolve, 200));
    assert.equal((await relay.post(event(1))).status, 200, "the old config goes on");
    assert.equal(await relay.end(), 0);
  } finally {
    await relay.close();
  }
});
