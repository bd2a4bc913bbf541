/** The email target and mail servers that break the rules, end a session, or take no letters but ASCII. */

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import type { Socket } from "node:net";
import { join } from "node:path";
import { test } from "node:test";
import type { Outcome } from "../../lib/outcome.ts";
import { attempt } from "../helpers/attempt.ts";
import { emailTarget } from "../../lib/targets/email.ts";
import { hasOpenssl, makeAuthority } from "../helpers/authority.ts";
import { makeFolder } from "../helpers/folder.ts";
import { flood, type SmtpAnswers, type SmtpServer, startSmtp } from "../helpers/smtp.ts";
import { makeDelivery, makeTarget, never } from "../helpers/target.ts";
import { until } from "../helpers/wait.ts";
import { reasonOf } from "./contract.ts";

/** Makes attempts at a server, one after the other. */
async function against(
  answers: SmtpAnswers,
  options: Record<string, unknown>,
  use: (deliver: () => Promise<Outcome | undefined>, server: SmtpServer) => Promise<void>,
  tls?: { cert: string; key: string },
): Promise<void> {
  const server = await startSmtp(answers, tls);
  const target = makeTarget(emailTarget, {
    via: `smtp://127.0.0.1:${server.port}`,
    from: "relay@clinica.example",
    to: "equipe@clinica.example",
    ...options,
  });
  try {
    await use(() => attempt(target, makeDelivery, never), server);
  } finally {
    target.close?.();
    server.close();
  }
}

/** What a client that reads no further may leave in the buffers of the system, in bytes. */
const MAX_UNREAD = 16 * 1024 * 1024;

function makeTls(): { cert: string; key: string } {
  const folder = makeFolder();
  try {
    makeAuthority(folder.path);
    const read = (name: string) => readFileSync(join(folder.path, name), "utf8");
    return { cert: read("cert.pem"), key: read("key.pem") };
  } finally {
    folder.remove();
  }
}

const offersTls = "250-mail.clinica.example\r\n250 STARTTLS";
let isSecure = false;
const floods: { name: string; answers: SmtpAnswers; tls?: true }[] = [
  { name: "a greeting of endless lines", answers: { CONNECT: flood("220-x\r\n") } },
  { name: "a greeting that is an endless line", answers: { CONNECT: flood("2") } },
  { name: "endless empty lines", answers: { CONNECT: flood("\r\n") } },
  { name: "an answer to EHLO of endless lines", answers: { EHLO: flood("250-x\r\n") } },
  { name: "an endless answer to MAIL", answers: { MAIL: flood("250-x\r\n") } },
  { name: "an endless answer to RCPT", answers: { RCPT: flood("550-x\r\n") } },
  { name: "an endless answer to DATA", answers: { DATA: flood("354-x\r\n") } },
  { name: "an endless answer to the mail", answers: { ".": flood("250-x\r\n") } },
  { name: "an endless line after the mail", answers: { ".": flood("x") } },
  { name: "empty lines after the mail", answers: { ".": flood("\r\n") } },
  {
    name: "no TLS after STARTTLS, without end",
    answers: {
      EHLO: offersTls,
      STARTTLS: (socket, line) => {
        socket.write("220 go on\r\n");
        // A record of TLS that announces a handshake, and a handshake that announces 16 MB.
        socket.write(Uint8Array.from([22, 3, 3, 0x40, 0, 2, 0xff, 0xff, 0xff]));
        flood("\0")(socket, line);
      },
    },
  },
  {
    name: "endless lines over TLS",
    tls: true,
    answers: {
      EHLO: (socket, line) => {
        if (isSecure) flood("250-x\r\n")(socket, line);
        else socket.write(`${offersTls}\r\n`);
        isSecure = true;
      },
      STARTTLS: "220 go on",
    },
  },
];
for (const { name, answers, tls } of floods) {
  test(`deliver() ends and reads no further where the server sends ${name}`, {
    skip: tls && !hasOpenssl ? "needs openssl" : false,
  }, async () => {
    isSecure = false;
    await against(answers, { timeout: "30s" }, async (deliver, { connections }) => {
      const outcome = await deliver();
      assert.equal(outcome?.kind, "retry", JSON.stringify(outcome));
      assert.ok(["unexpected_answer", "tls_failed"].includes(reasonOf(outcome)!), JSON.stringify(outcome));
      await until("the connection to end", () => connections[0]!.destroyed);
      assert.ok(connections[0]!.bytesWritten < MAX_UNREAD, `it took ${connections[0]!.bytesWritten} bytes`);
    }, tls && makeTls());
  });
}

for (const text of ["\r\n", "250-x\r\n", "250 x\r\n", "x"]) {
  test(`deliver() ends a connection that floods with ${JSON.stringify(text)} between two mails`, async () => {
    await against({}, {}, async (deliver, { connections }) => {
      assert.equal((await deliver())?.kind, "delivered");
      flood(text)(connections[0]!, "");
      await until("the connection to end", () => connections[0]!.destroyed);
      assert.ok(connections[0]!.bytesWritten < MAX_UNREAD);
      assert.equal((await deliver())?.kind, "delivered");
      assert.equal(connections.length, 2);
    });
  });
}

test("deliver() ends a connection with its time, even if the server goes on sending", async () => {
  const slowly: SmtpAnswers["EHLO"] = (socket) => {
    const timer = setInterval(() => socket.write("250-x\r\n"), 20);
    socket.on("close", () => clearInterval(timer));
  };
  await against({ EHLO: slowly }, { timeout: "300ms" }, async (deliver, { connections }) => {
    assert.equal(reasonOf(await deliver()), "timed_out");
    await until("the connection to end", () => connections[0]!.destroyed);
  });
});

const ends: Record<string, (socket: Socket) => void> = {
  "is cut": (socket) => socket.destroy(),
  "is ended by 421": (socket) => socket.end("421 4.4.2 idle for too long\r\n"),
};
for (const [name, act] of Object.entries(ends)) {
  test(`deliver() sends at once on a new connection where the one that was kept ${name}`, async () => {
    let mails = 0;
    const MAIL: SmtpAnswers["MAIL"] = (socket) => {
      mails += 1;
      if (mails === 2) act(socket);
      else socket.write("250 OK\r\n");
    };
    await against({ MAIL }, {}, async (deliver, { connections }) => {
      assert.equal((await deliver())?.kind, "delivered");
      assert.equal((await deliver())?.kind, "delivered");
      assert.deepEqual([mails, connections.length], [3, 2]);
    });
  });
}

test("deliver() does not send a mail twice by itself where the connection is cut after it", async () => {
  let mails = 0;
  const whole: SmtpAnswers["."] = (socket) => {
    mails += 1;
    if (mails === 2) socket.destroy();
    else socket.write("250 OK\r\n");
  };
  await against({ ".": whole }, {}, async (deliver) => {
    assert.equal((await deliver())?.kind, "delivered");
    assert.equal(reasonOf(await deliver()), "connection_reset");
    assert.equal(mails, 2);
  });
});

const takesUtf8 = "250-mail.clinica.example\r\n250-8BITMIME\r\n250 SMTPUTF8";

test("deliver() is dead, and names the addresses, where they are not ASCII and the server has no SMTPUTF8", async () => {
  const rows: [addresses: Record<string, unknown>, named: string][] = [
    [{ to: "João <joão@clinica.example>" }, '"joão@clinica.example"'],
    [{ to: ["equipe@clinica.example", "joão@clínica.example"] }, '"joão@clínica.example"'],
    [{ from: "joão@clinica.example", to: "zoé@clinica.example" }, '"joão@clinica.example" and "zoé@clinica.example"'],
  ];
  for (const [addresses, named] of rows) {
    await against({}, addresses, async (deliver, { lines, port }) => {
      const outcome = await deliver();
      assert.ok(outcome?.kind === "dead" && outcome.reason === "refused");
      const start = `Cannot use ${named} at smtp://127.0.0.1:${port}: the server does not support SMTPUTF8`;
      assert.ok(String(outcome.detail).startsWith(start), String(outcome.detail));
      assert.ok(!lines.some((line) => line.startsWith("MAIL")), lines.join("\n"));
      assert.equal((await deliver())?.kind, "dead", "on the same connection");
    });
  }
});

test("deliver() asks a server that has SMTPUTF8 for it, where an address needs it", async () => {
  for (const [to, asked] of [["joão@clinica.example", true], ["joao@clinica.example", false]] as const) {
    await against({ EHLO: takesUtf8 }, { to }, async (deliver, { lines }) => {
      assert.equal((await deliver())?.kind, "delivered");
      assert.equal(/ SMTPUTF8\b/.test(lines.find((line) => line.startsWith("MAIL"))!), asked);
      assert.ok(lines.includes(`RCPT TO:<${to}>`), lines.join("\n"));
    });
  }
});

test("deliver() sends domains in ASCII, which every server takes", async () => {
  const addresses = { from: "Clínica <relay@Clínica.example>", to: "equipe@clínica.example" };
  await against({}, addresses, async (deliver, { lines }) => {
    assert.equal((await deliver())?.kind, "delivered");
    assert.ok(lines.includes("MAIL FROM:<relay@xn--clnica-4va.example>"), lines.join("\n"));
    assert.ok(lines.includes("RCPT TO:<equipe@xn--clnica-4va.example>"));
    assert.ok(lines.includes(`Message-ID: <${makeDelivery().id}@xn--clnica-4va.example>`));
    assert.ok(lines.every((line) => /^\p{ASCII}*$/u.test(line)));
  });
  await against({ EHLO: takesUtf8 }, { ...addresses, to: "joão@clínica.example" }, async (deliver, { lines }) => {
    assert.equal((await deliver())?.kind, "delivered");
    assert.ok(lines.includes("RCPT TO:<joão@xn--clnica-4va.example>"), lines.join("\n"));
  });
});
