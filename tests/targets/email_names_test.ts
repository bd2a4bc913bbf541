/** The email target and the names of mail servers, with a hosts file, a name server and a host name of its own. */

import assert from "node:assert/strict";
import type { Buffer } from "node:buffer";
import { spawnSync } from "node:child_process";
import { createSocket } from "node:dgram";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import type { Outcome } from "../../lib/outcome.ts";
import { attemptsBy } from "../helpers/attempts.ts";
import { makeFolder } from "../helpers/folder.ts";
import { type SmtpServer, startSmtp } from "../helpers/smtp.ts";
import { reasonOf } from "./contract.ts";

/** Where the name server is, which tells the same of every name. */
const NAME_SERVER = "127.9.9.9";

const canUnshare = spawnSync("unshare", ["--mount", "--uts", "true"]).status === 0;
const needsRoot = { skip: canUnshare ? false : "a hosts file of its own needs root" };

const asItsOwn = `
  for name in hosts resolv.conf nsswitch.conf; do mount --bind "$0/$name" "/etc/$name" || exit; done
  hostname "$1" && shift && exec "$@"`;

/** Makes one attempt with each of these options, where the system's own files say what a test says. */
async function deliver(
  options: Record<string, unknown>[],
  { hosts = "", hostname = "relay" }: { hosts?: string; hostname?: string } = {},
): Promise<{ outcomes: Outcome[]; asked: string[] }> {
  const folder = makeFolder();
  const dns = await startDns("127.0.0.1");
  try {
    writeFileSync(join(folder.path, "hosts"), hosts);
    writeFileSync(join(folder.path, "resolv.conf"), `nameserver ${NAME_SERVER}\n`);
    writeFileSync(join(folder.path, "nsswitch.conf"), "hosts: files dns\n");
    const wrap = ["unshare", "--mount", "--uts", "sh", "-c", asItsOwn, folder.path, hostname];
    const addresses = { from: "relay@clinica.example", to: "equipe@clinica.example" };
    const outcomes = await attemptsBy(wrap, "email", options.map((one) => ({ ...addresses, ...one })));
    return { outcomes, asked: dns.asked };
  } finally {
    await dns.close();
    folder.remove();
  }
}

/** A name server that gives every name this one address, and tells which names it was asked for. @see RFC 1035, section 4 */
async function startDns(address: string) {
  const asked: string[] = [];
  const socket = createSocket("udp4");
  socket.on("message", (question, { port, address: client }) => {
    const [name, end] = nameIn(question);
    asked.push(name);
    const isA = question.readUInt16BE(end) === 1;
    const answer = isA ? [0xc0, 12, 0, 1, 0, 1, 0, 0, 0, 0, 0, 4, ...address.split(".").map(Number)] : [];
    const header = [question[0]!, question[1]!, 0x81, 0x80, 0, 1, 0, isA ? 1 : 0, 0, 0, 0, 0];
    socket.send(Uint8Array.from([...header, ...question.subarray(12, end + 4), ...answer]), port, client);
  });
  await new Promise<void>((resolve) => socket.bind(53, NAME_SERVER, resolve));
  return { asked, close: () => new Promise<void>((resolve) => socket.close(resolve)) };
}

/** The name that is asked for, and where it ends. */
function nameIn(question: Buffer): [name: string, end: number] {
  const labels: string[] = [];
  let at = 12;
  for (let length; (length = question[at]!) > 0; at += length + 1) {
    labels.push(question.toString("latin1", at + 1, at + 1 + length));
  }
  return [labels.join("."), at + 1];
}

/** Makes a server for as long as `use` takes. */
async function withServer(host: string, use: (server: SmtpServer) => Promise<void>): Promise<void> {
  const server = await startSmtp({}, undefined, host);
  try {
    await use(server);
  } finally {
    server.close();
  }
}

const kinds = (outcomes: Outcome[]) => outcomes.map((outcome) => reasonOf(outcome) ?? outcome.kind);
const plain = { requireTls: false };

test("deliver() finds a mail server by the hosts file before DNS, which says something else", needsRoot, async () => {
  await withServer("127.0.0.3", async ({ port }) => {
    const mail = { via: `smtp://mail.clinica.example:${port}`, ...plain };
    const { outcomes, asked } = await deliver([mail], { hosts: "127.0.0.3 mail.clinica.example\n" });
    assert.deepEqual([kinds(outcomes), asked], [["delivered"], []], JSON.stringify(outcomes));
  });
});

test("deliver() finds a mail server by DNS where the hosts file does not know it", needsRoot, async () => {
  await withServer("127.0.0.1", async ({ port }) => {
    const { outcomes, asked } = await deliver([{ via: `smtp://mail.clinica.example:${port}`, ...plain }]);
    assert.deepEqual(kinds(outcomes), ["delivered"], JSON.stringify(outcomes));
    assert.deepEqual([...new Set(asked)], ["mail.clinica.example"]);
  });
});

test("deliver() tries the next address of a mail server where one refuses", needsRoot, async () => {
  await withServer("127.0.0.3", async ({ port }) => {
    const hosts = ["::1", "127.0.0.2", "127.0.0.3"].map((address) => `${address} mail.clinica.example\n`).join("");
    const { outcomes } = await deliver([{ via: `smtp://mail.clinica.example:${port}`, ...plain }], { hosts });
    assert.deepEqual(kinds(outcomes), ["delivered"], JSON.stringify(outcomes));
  });
});

test(
  "deliver() takes localhost and what is under it for this machine, asks nobody, and needs no TLS",
  needsRoot,
  async () => {
    await withServer("127.0.0.1", async ({ port }) => {
      const hosts = ["localhost", "LOCALHOST", "localhost.", "mail.localhost", "a.b.LocalHost.", "127.0.0.1"];
      const options = hosts.map((host) => ({ via: `smtp://${host}:${port}` }));
      const { outcomes, asked } = await deliver(options, { hosts: "127.0.0.2 localhost mail.localhost\n" });
      assert.deepEqual(kinds(outcomes), hosts.map(() => "delivered"), JSON.stringify(outcomes));
      assert.deepEqual(asked, []);
    });
  },
);

test("deliver() needs TLS of every other host, whatever it looks like or DNS says", needsRoot, async () => {
  await withServer("127.0.0.1", async ({ port, lines }) => {
    const hosts = ["localhost.clinica.example", "notlocalhost", "127.0.0.1.clinica.example", "localhost.localdomain"];
    const { outcomes } = await deliver(hosts.map((host) => ({ via: `smtp://${host}:${port}` })));
    assert.deepEqual(kinds(outcomes), hosts.map(() => "tls_failed"), JSON.stringify(outcomes));
    assert.ok(!lines.some((line) => line.startsWith("MAIL")));
  });
});

for (
  const { hostname, options, name } of [
    { hostname: "relay.interno.example", options: {}, name: "relay.interno.example" },
    { hostname: "relay", options: {}, name: "clinica.example" },
    { hostname: "relay", options: { from: "relay@clínica.example" }, name: "xn--clnica-4va.example" },
    { hostname: "relay.interno.example", options: { name: "mail.clinica.example" }, name: "mail.clinica.example" },
    { hostname: "relay", options: { name: "[192.0.2.7]" }, name: "[192.0.2.7]" },
  ]
) {
  test(
    `deliver() says EHLO ${name} on the machine ${hostname} with ${JSON.stringify(options)}`,
    needsRoot,
    async () => {
      await withServer("127.0.0.1", async ({ port, lines }) => {
        const { outcomes } = await deliver([{ via: `smtp://localhost:${port}`, ...options }], { hostname });
        assert.deepEqual(kinds(outcomes), ["delivered"], JSON.stringify(outcomes));
        assert.equal(lines[0], `EHLO ${name}`);
      });
    },
  );
}
