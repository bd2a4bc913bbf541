/** How a target is reached: by whichever address takes a connection, and by TLS that can be trusted. */

import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { X509Certificate } from "node:crypto";
import { readFileSync } from "node:fs";
import { createServer as createHttpServer } from "node:http";
import { createServer as createHttpsServer } from "node:https";
import { type AddressInfo, connect, type Server, type Socket } from "node:net";
import { join } from "node:path";
import process from "node:process";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { request } from "../../lib/outbound/request.ts";
import { runtime } from "../../lib/runtime.ts";
import { makeCertificate, needsOpenssl } from "../helpers/certificate.ts";
import { makeFolder } from "../helpers/folder.ts";
import { never } from "../helpers/target.ts";
import { startScript } from "./script.ts";

// A name that nothing here resolves, and that can stand in a certificate.
const TARGET = "clinica.invalid";

const OK = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";

for (const host of ["127.0.0.1", "::1"]) {
  test(`request() reaches a name by the one of its addresses that takes a connection: ${host}`, async () => {
    const server = await startScript((socket) => void socket.write(OK), { host });
    try {
      const { port } = new URL(server.url);
      assert.equal((await request(new URL(`http://localhost:${port}/`), { signal: never })).status, 200);
    } finally {
      await server.close();
    }
  });
}

test("request() tells that nobody listens at any address of a name", async () => {
  await assert.rejects(request(new URL("http://localhost:1/"), { signal: never }), { code: "ECONNREFUSED" });
});

const command = runtime.name === "deno" ? ["run", "-A", "--no-check"] : [];

/** Makes requests in a program of its own that trusts this authority. */
async function askTrusting(authority: string, env: Record<string, string>, ...urls: string[]): Promise<string[]> {
  const program = fileURLToPath(new URL("./ask.ts", import.meta.url));
  const { PATH = "", HOME = "", DENO_DIR = "" } = process.env;
  const child = spawn(process.execPath, [...command, program, ...urls], {
    env: {
      PATH,
      HOME,
      ...(DENO_DIR && { DENO_DIR }),
      NODE_EXTRA_CA_CERTS: authority,
      DENO_NO_UPDATE_CHECK: "1",
      ...env,
    },
    stdio: ["ignore", "pipe", "inherit"],
  });
  let output = "";
  child.stdout.on("data", (chunk) => output += chunk);
  await new Promise((resolve) => child.on("close", resolve));
  return JSON.parse(output);
}

/** Certificates, and a server for one of them; `names` are those that the server was asked for. */
async function withTls(use: (parts: { folder: string; port: number; names: unknown[] }) => Promise<void>) {
  const folder = makeFolder();
  const names: unknown[] = [];
  let server: Server | undefined;
  try {
    makeCertificate(folder.path, "authority", { isAuthority: true });
    const pair = makeCertificate(folder.path, "server", { issuer: "authority", name: TARGET });
    server = createHttpsServer(pair, (message, response) => {
      names.push((message.socket as Socket & { servername?: unknown }).servername || "none");
      response.end("ok");
    });
    server.on("tlsClientError", () => {});
    const port = await listen(server);
    await use({ folder: folder.path, port, names });
  } finally {
    server?.close();
    folder.remove();
  }
}

async function listen(server: Server): Promise<number> {
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return (server.address() as AddressInfo).port;
}

test("request() trusts a certificate of a known authority, for the host that was asked", needsOpenssl, async () => {
  await withTls(async ({ folder, port, names }) => {
    const urls = ["localhost", "127.0.0.1", "other.localhost"].map((host) => `https://${host}:${port}/`);
    const results = await askTrusting(join(folder, "authority.pem"), {}, ...urls);
    assert.deepEqual(results, ["200 ok", "200 ok", "tls_failed"]);
    assert.deepEqual(names, ["localhost", "none"], "an address is no name");
    makeCertificate(folder, "stranger", { isAuthority: true });
    assert.deepEqual(await askTrusting(join(folder, "stranger.pem"), {}, urls[0]!), ["tls_failed"]);
  });
});

test(
  "request() takes any certificate of a program of this machine, and tells which one",
  needsOpenssl,
  async () => {
    await withTls(async ({ folder, port }) => {
      const url = new URL(`https://127.0.0.1:${port}/`);
      await assert.rejects(request(url, { signal: never }));
      const { status, fingerprint } = await request(url, { signal: never, isHere: true });
      const shown = new X509Certificate(readFileSync(join(folder, "server.pem")));
      assert.deepEqual([status, fingerprint], [200, shown.fingerprint256]);
    });
  },
);

for (const scheme of ["http", "https"]) {
  test(`request() checks the target's certificate behind a proxy of ${scheme}://`, needsOpenssl, async () => {
    await withTls(async ({ folder, port, names }) => {
      const pair = makeCertificate(folder, "proxy", { issuer: "authority" });
      const proxy = scheme === "http" ? createHttpServer() : createHttpsServer(pair);
      const asked: unknown[] = [];
      proxy.on("connect", ({ url }: { url: string }, socket: Socket) => {
        asked.push(url);
        socket.write("HTTP/1.1 200 Connection established\r\n\r\n");
        const onward = connect(port, "127.0.0.1");
        socket.on("error", () => {}).pipe(onward.on("error", () => {})).pipe(socket);
      });
      // Without asking DNS, so that the test stays on this machine.
      const env = { https_proxy: `${scheme}://localhost:${await listen(proxy)}`, RES_OPTIONS: "attempts:0" };
      try {
        const authority = join(folder, "authority.pem");
        const urls = [`https://${TARGET}/`, `https://${TARGET}/again`, "https://203.0.113.5:8443/"];
        assert.deepEqual(await askTrusting(authority, env, ...urls), ["200 ok", "200 ok", "tls_failed"]);
        assert.deepEqual(asked, [`${TARGET}:443`, "203.0.113.5:8443"]);
        assert.deepEqual(names, [TARGET, TARGET]);
      } finally {
        proxy.close();
      }
    });
  });
}
