/** What `relay check` and `relay send` make of a listener that speaks HTTPS. */

import assert from "node:assert/strict";
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { makeCertificate, needsOpenssl } from "../helpers/certificate.ts";
import { makeFolder } from "../helpers/folder.ts";
import { freePort } from "../helpers/port.ts";
import { configOf, runRelay, startRelay } from "../helpers/relay.ts";

const PARTS = { targets: 'sistema: http({ url: "http://127.0.0.1:9/" })', routes: '{ on: "**", to: "sistema" }' };

/** A config whose listener has this as its `tls`. */
function configWith(tls: string, port = 0): string {
  return configOf({ ...PARTS, port }).replace(`port: ${port}`, `port: ${port}, tls: ${tls}`)
    .replace("import {", "import { credential,");
}

const FILES = '{ cert: "cert.pem", key: "key.pem" }';

/** Gives a test a folder with a certificate. */
async function withCertificate(
  days: number,
  work: (
    folder: string,
    check: (tls: string, env?: Record<string, string>) => ReturnType<typeof runRelay>,
  ) => Promise<void>,
): Promise<void> {
  const { path, remove } = makeFolder();
  try {
    const { cert, key } = makeCertificate(path, "own", { days });
    writeFileSync(join(path, "cert.pem"), cert);
    writeFileSync(join(path, "key.pem"), key);
    await work(path, (tls, env) => {
      writeFileSync(join(path, "relay.config.ts"), configWith(tls));
      return runRelay(["check", "--config", join(path, "relay.config.ts")], { env });
    });
  } finally {
    remove();
  }
}

test("check tells of the certificate, and warns of one that ends soon", needsOpenssl, async () => {
  await withCertificate(10, async (folder, check) => {
    const { code, stdout } = await check(FILES);
    assert.equal(code, 0, stdout);
    assert.match(stdout, /POST https:\/\/127\.0\.0\.1:0\/webhook/);
    assert.match(stdout, /^Certificate\n {2}localhost, 127\.0\.0\.1 {2}until 20\d\d-\d\d-\d\d$/m);
    assert.match(stdout, /listen\.tls\.cert: expires in \d+ days, on 20/);
    assert.match(stdout, /listen\.tls\.cert: is self-signed/);
    const json = await runRelay(["check", "--json", "--config", join(folder, "relay.config.ts")]);
    const { listen, warnings } = JSON.parse(json.stdout);
    assert.deepEqual([listen.tls.names, warnings.length], [["localhost", "127.0.0.1"], 2]);
    assert.ok(Date.parse(listen.tls.validTo) > Date.now());
    assert.doesNotMatch(json.stdout, /BEGIN/);
  });
});

test("check tells every mistake in listen.tls, and exits 78", needsOpenssl, async () => {
  await withCertificate(90, async (folder, check) => {
    makeCertificate(folder, "other");
    mkdirSync(join(folder, "folder.pem"));
    writeFileSync(join(folder, "der.pem"), new Uint8Array([0x30, 0x82, 0xff, 0xfe]));
    const secret = "-----BEGIN PRIVATE KEY-----\\nMC4CAQAwBQYDK2VwBCIEIP\\n-----END PRIVATE KEY-----";
    const rows: [tls: string, ...problems: RegExp[]][] = [
      ['{ cert: "gone.pem", key: "key.pem" }', /listen\.tls\.cert: the file .*\/gone\.pem does not exist/],
      ['{ cert: "folder.pem", key: "key.pem" }', /listen\.tls\.cert: cannot read .*\/folder\.pem \(EISDIR\)/],
      ['{ cert: "der.pem", key: "key.pem" }', /listen\.tls\.cert: cannot read .*\/der\.pem: it is not UTF-8 text/],
      [
        '{ cert: "key.pem", key: "cert.pem" }',
        /listen\.tls\.cert: contains no cert/,
        /listen\.tls\.key: contains no private/,
      ],
      ['{ cert: "cert.pem", key: "other.key" }', /listen\.tls\.key: is not the key of the certificate/],
      [`{ cert: "cert.pem", key: "${secret}" }`, /listen\.tls\.key: is damaged/],
      ['{ cert: "cert.pem" }', /listen\.tls\.key: is missing; expected the path of a PEM file/],
      [
        '{ cert: "cert.pem", key: "key.pem", ca: "x" }',
        /listen\.tls: unknown option "ca"; known options are "cert", "key"/,
      ],
      [
        '{ cert: "", key: 5 }',
        /listen\.tls\.cert: expected the path/,
        /listen\.tls\.key: expected the path of a PEM file.*, got a number/,
      ],
      ['"cert.pem"', /listen\.tls: /],
      ['{ cert: "cert.pem", key: credential("key") }', /listen\.tls\.key: credential\("key"\) is not set/],
    ];
    for (const [tls, ...problems] of rows) {
      const { code, stdout, stderr } = await check(tls);
      assert.equal(code, 78, tls);
      for (const problem of problems) assert.match(stderr, problem);
      assert.equal(stderr.match(/^ {2}\S/gm)?.length, problems.length, stderr);
      assert.doesNotMatch(stdout + stderr, /MC4CAQAwBQYDK2VwBCIEIP|BEGIN PRIVATE KEY-----\\n/);
    }
    const byCredential = '{ cert: file("cert.pem"), key: credential("key.pem") }';
    const { code, stderr } = await check(byCredential, { CREDENTIALS_DIRECTORY: folder });
    assert.equal(code, 0, stderr);
  });
});

test("send reaches a relay on this machine over HTTPS, whoever signed its certificate", needsOpenssl, async () => {
  await withCertificate(90, async (folder) => {
    const port = await freePort();
    const relay = await startRelay(configWith(FILES, port), { folder });
    try {
      const send = (...args: string[]) => runRelay(["send", ...args], { cwd: folder });
      const sent = await send();
      assert.deepEqual([sent.code, sent.stdout.split("\n")[0], sent.stderr], [0, "200 OK", ""]);
      const byName = await send("--json", "note.failed", "--url", `https://localhost:${port}/webhook`);
      const { url, status, answer } = JSON.parse(byName.stdout);
      assert.deepEqual([url, status, answer], [`https://localhost:${port}/webhook`, 200, "OK"]);
      const elsewhere = await send("--url", `https://127.0.0.1:${port}/other`);
      assert.deepEqual([elsewhere.code, elsewhere.stdout], [1, "404 Not found\n"]);

      const plain = await send("--url", `http://127.0.0.1:${port}/webhook`);
      assert.equal(plain.code, 1);
      assert.match(plain.stderr, /the connection was cut\n {2}hint: if the server speaks HTTPS, .* with https:/);

      const { cert, key } = makeCertificate(folder, "renewed");
      writeFileSync(join(folder, "cert.pem"), cert);
      writeFileSync(join(folder, "key.pem"), key);
      const behind = await send("note.processing");
      assert.deepEqual([behind.code, behind.stdout.split("\n")[0]], [0, "200 OK"]);
      assert.match(behind.stderr, /presents a different certificate from the one in the config; reload it/);
    } finally {
      await relay.close();
    }
    const after = await runRelay(["send"], { cwd: folder });
    assert.match(after.stderr, /^Cannot reach https:\/\/127\.0\.0\.1:\d+\/webhook: nothing accepts connections there/);
  });
});

test("send trusts no certificate that nobody vouches for, where the config names none", needsOpenssl, async () => {
  await withCertificate(90, async (folder) => {
    const relay = await startRelay(configWith(FILES), { folder });
    try {
      writeFileSync(join(folder, "plain.config.ts"), configOf(PARTS));
      const args = ["send", "--config", "plain.config.ts", "--url", `https://localhost:${relay.port}/webhook`];
      const { code, stderr } = await runRelay(args, { cwd: folder });
      assert.equal(code, 1);
      assert.match(
        stderr,
        /the TLS handshake failed \(.*SELF_SIGNED.*\)\n {2}hint: .*certificate that no sender would trust/,
      );
    } finally {
      await relay.close();
    }
  });
});
