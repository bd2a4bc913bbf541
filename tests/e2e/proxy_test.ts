/** the documented nginx, run in front of the executable as it stands there. */

import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import process from "node:process";
import { test } from "node:test";
import { ask, connectTls, makeCertificate, needsOpenssl } from "../helpers/certificate.ts";
import { makeFolder } from "../helpers/folder.ts";
import { freePort } from "../helpers/port.ts";
import { configOf, sign, startRelay } from "../helpers/relay.ts";
import { startSink } from "../helpers/sink.ts";
import { until } from "../helpers/wait.ts";

const program = ["/usr/sbin/nginx", "/usr/local/bin/nginx", "/opt/homebrew/bin/nginx"].find(existsSync);
const needsNginx = { skip: needsOpenssl.skip || (program ? false : "needs nginx, of the package nginx-light") };

const docs = readFileSync(new URL("../../docs/https.md", import.meta.url), "utf8");

/** The documented server, on this port, with the certificate `own.pem` of the folder, in front of the relay's port. */
function serverOf(folder: string, port: number, relayPort: number): string {
  const replacements: [from: string | RegExp, to: string][] = [
    ["listen 443 ssl;", `listen 127.0.0.1:${port} ssl;`],
    [/ssl_certificate .*;/, `ssl_certificate ${folder}/own.pem;`],
    [/ssl_certificate_key .*;/, `ssl_certificate_key ${folder}/own.key;`],
    ["http://127.0.0.1:3000", `http://127.0.0.1:${relayPort}`],
  ];
  return replacements.reduce((text, [from, to]) => {
    const replaced = text.replace(from, to);
    assert.notEqual(replaced, text, `${from} is in the documented block`);
    return replaced;
  }, /^```nginx\n(.*?)^```$/ms.exec(docs)![1]!);
}

/** Starts nginx in the foreground, with everything that it writes in the folder. */
async function startNginx(folder: string, port: number, relayPort: number): Promise<{ end(): Promise<void> }> {
  const places = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"].map((name) =>
    `${name}_temp_path ${folder}/${name};`
  );
  writeFileSync(
    join(folder, "nginx.conf"),
    `daemon off;\nmaster_process off;\npid ${folder}/nginx.pid;\nerror_log stderr;\nevents {}\n` +
      `http {\naccess_log off;\n${places.join("\n")}\n${serverOf(folder, port, relayPort)}}\n`,
  );
  const child = spawn(program!, ["-p", folder, "-c", join(folder, "nginx.conf"), "-e", "stderr"]);
  let output = "";
  for (const stream of [child.stdout, child.stderr]) stream.on("data", (chunk) => output += chunk);
  const ended = new Promise<void>((resolve) => child.on("close", () => resolve()));
  const end = () => {
    if (child.exitCode === null) process.kill(child.pid!, "SIGTERM");
    return ended;
  };
  try {
    await until("nginx to listen", async () => {
      if (child.exitCode !== null) throw new Error(`nginx ended: ${output}`);
      return await connectTls(port).then((socket) => socket.destroy(), () => undefined);
    });
    return { end };
  } catch (error) {
    await end();
    throw error;
  }
}

test("the documented nginx passes on what comes by HTTPS, and says whose it is", needsNginx, async () => {
  const { path: folder, remove } = makeFolder();
  const sink = await startSink();
  const { cert } = makeCertificate(folder, "own");
  assert.match(docs, /^listen: \{ host: "127\.0\.0\.1" \},\ntrustProxy: true,$/m);
  const relay = await startRelay(configOf({
    targets: `sistema: http({ url: "${sink.url}" })`,
    routes: `{ on: "**", to: "sistema" }`,
    more: "trustProxy: true,",
  }));
  let nginx: Awaited<ReturnType<typeof startNginx>> | undefined;
  try {
    const port = await freePort();
    nginx = await startNginx(folder, port, relay.port);
    const body = '{"event":"note.completed","data":{"note_id":"ção"}}';
    const post = (signature: string, forwardedFor = "") =>
      `POST /webhook HTTP/1.1\r\nHost: localhost\r\nX-ConnectVets-Signature: ${signature}\r\n${forwardedFor}` +
      `Content-Type: application/json\r\nContent-Length: ${new TextEncoder().encode(body).length}\r\n\r\n${body}`;
    const options = { ca: cert, servername: "localhost", rejectUnauthorized: true, localAddress: "127.0.0.2" };
    const socket = await connectTls(port, options);
    assert.match(await ask(socket, post(sign(body))), /^HTTP\/1\.1 200 .*OK$/s);
    assert.equal((await sink.received(1))[0]!.body.toString(), body);
    const forged = post("sha256=00", "X-Forwarded-For: 203.0.113.9\r\n");
    assert.match(await ask(socket, forged), /^HTTP\/1\.1 401 .*Signature verification failed$/s);
    socket.destroy();
    const refusal = await relay.logged("the refusal", ({ status }) => status === 401);
    assert.equal(refusal.client, "127.0.0.2");
  } finally {
    await nginx?.end();
    await relay.close();
    await sink.close();
    remove();
  }
});
