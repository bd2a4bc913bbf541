/** Answers that unfold, and servers that close connections: what the executable makes of them. */

import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import { readFileSync } from "node:fs";
import { createServer } from "node:net";
import type { AddressInfo } from "node:net";
import { once } from "node:events";
import { test } from "node:test";
import type { Transform } from "node:stream";
import zlib from "node:zlib";
import { configOf, type RunningRelay, startRelay } from "../helpers/relay.ts";
import { startSink } from "../helpers/sink.ts";

const MIB = 1024 ** 2;

/** What a bomb unfolds to, in MiB: many times what the relay may take for it. */
const UNFOLDED_MIB = 256;

const coders: Record<string, () => Transform> = {
  br: () => zlib.createBrotliCompress({ params: { [zlib.constants.BROTLI_PARAM_QUALITY]: 5 } }),
  zstd: () => zlib.createZstdCompress(),
  gzip: () => zlib.createGzip({ level: 1 }),
  deflate: () => zlib.createDeflate({ level: 1 }),
};

/** Zeros, compressed. */
async function makeBomb(coder: Transform): Promise<Buffer> {
  const parts: Buffer[] = [];
  coder.on("data", (part) => parts.push(part));
  const zeros = Buffer.alloc(MIB);
  for (let i = 0; i < UNFOLDED_MIB; i++) if (!coder.write(zeros)) await once(coder, "drain");
  coder.end();
  await once(coder, "end");
  return Buffer.concat(parts);
}

/** Most memory that it has had, in bytes. */
function peakOf({ child }: RunningRelay): number {
  return 1024 * Number(/VmHWM:\s+(\d+)/.exec(readFileSync(`/proc/${child.pid}/status`, "utf8"))![1]);
}

for (const [coding, make] of Object.entries(coders)) {
  test(`serve unfolds no answer in ${coding}: of a target, of the API for notes, of an email provider`, async () => {
    const bomb = await makeBomb(make());
    let isBomb = false;
    const sink = await startSink((response, { path }) => {
      if (path === "/other" || !isBomb) return void response.end('{"id":"1"}');
      response.writeHead(200, { "Content-Encoding": coding, "Content-Length": bomb.byteLength }).end(bomb);
    });
    const api = `connectvetsApi({ key: "cvn_test_0123456789abcdef", url: "${sink.url}" })`;
    const via = `resend({ apiKey: "re_0123456789abcdef", baseUrl: "${sink.url}" })`;
    const relay = await startRelay(
      configOf({
        targets: `alvo: http({ url: "${sink.url}/in" }), outro: http({ url: "${sink.url}/other" }),
          nota: http({ url: "${sink.url}/other", body: (e) => e, enrich: ${api} }),
          equipe: email({ via: ${via}, from: "relay@clinica.example", to: "equipe@clinica.example" })`,
        routes: `{ on: "**", to: ["alvo", "nota", "equipe", "outro"] }`,
      }).replace("import {", "import { resend,"),
    );
    try {
      const outcomes = (target: string) => relay.log().filter((one) => one.target === target && one.outcome);
      const send = async (count: number) => {
        for (let i = 0; i < count; i++) {
          await relay.post(`{"event":"note.completed","data":{"note_id":"${isBomb}-${i}"}}`);
        }
      };
      await send(4);
      for (const target of ["alvo", "equipe", "outro"]) {
        await relay.logged(`four of ${target}`, () => outcomes(target).length === 4);
      }
      const before = peakOf(relay);
      isBomb = true;
      await send(4);
      for (const target of ["alvo", "equipe", "outro"]) {
        await relay.logged(`eight of ${target}`, () => outcomes(target).length >= 8);
      }
      assert.ok(outcomes("alvo").every(({ outcome, status }) => outcome === "delivered" && status === 200));
      assert.ok(outcomes("equipe").slice(4).every(({ reason }) => reason === "unexpected_answer"));
      assert.ok(sink.requests.some(({ path }) => path.startsWith("/notes/true")), "a note was asked for");
      const grown = peakOf(relay) - before;
      assert.ok(grown < 16 * MIB, `${grown} bytes`);
    } finally {
      await relay.close();
      await sink.close();
    }
  });
}

test("serve uses up no attempt where a server closes a connection as it is used again", async () => {
  const server = createServer((socket) => {
    let count = 0;
    socket.on("error", () => {}).on("data", () => {
      if (++count > 1) return void socket.resetAndDestroy();
      socket.write("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n");
    });
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  const relay = await startRelay(configOf({
    targets: `alvo: http({ url: "http://127.0.0.1:${port}/in" })`,
    routes: `{ on: "**", to: "alvo" }`,
  }));
  try {
    for (let i = 0; i < 5; i++) {
      await relay.post(`{"event":"note.completed","data":{"note_id":"nota-${i}"}}`);
      await relay.logged(`delivery ${i}`, () => relay.log().filter(({ outcome }) => outcome).length === i + 1);
    }
    const ends = relay.log().filter(({ outcome }) => outcome).map(({ outcome, attempt }) => [outcome, attempt]);
    assert.deepEqual(ends, Array.from({ length: 5 }, () => ["delivered", 1]));
  } finally {
    await relay.close();
    server.close();
  }
});

test("serve asks no proxy for this machine, and tells of a proxy that fails", async () => {
  const sink = await startSink();
  const relay = await startRelay(
    configOf({
      targets:
        `perto: http({ url: "${sink.url}/in" }), longe: http({ url: "https://203.0.113.5/in?token=geheim-token" })`,
      routes: `{ on: "**", to: ["perto", "longe"] }`,
    }),
    { env: { http_proxy: "http://user:geheim@127.0.0.1:9", https_proxy: "http://user:geheim@127.0.0.1:9" } },
  );
  try {
    await relay.post('{"event":"note.completed","data":{"note_id":"nota-1"}}');
    await relay.logged("the delivery", ({ target, outcome }) => target === "perto" && outcome === "delivered");
    const { reason, detail } = await relay.logged("the failure", ({ target, outcome }) => {
      return target === "longe" && outcome === "retry";
    });
    assert.equal(reason, "proxy_failed");
    const words = "the proxy at http://127.0.0.1:9 cannot be reached (ECONNREFUSED)";
    assert.equal(detail, `Cannot reach https://203.0.113.5: ${words}`);
    assert.doesNotMatch(relay.output(), /geheim/);
  } finally {
    await relay.close();
    await sink.close();
  }
});
