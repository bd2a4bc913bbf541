/** The email target and its mail server: TLS, passwords, refusals, silence, and connections that are kept. */

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import type { SMTPServerOptions } from "smtp-server";
import { attempt } from "../helpers/attempt.ts";
import { emailTarget } from "../../lib/targets/email.ts";
import type { Target } from "../../lib/targets/target.ts";
import { hasOpenssl, makeAuthority } from "../helpers/authority.ts";
import { makeFolder } from "../helpers/folder.ts";
import { type MailServer, startMail } from "../helpers/mail.ts";
import { makeDelivery, makeTarget, never } from "../helpers/target.ts";
import { until } from "../helpers/wait.ts";
import { reasonOf, sendForever, startTcp, testContract } from "./contract.ts";

const PASSWORD = "s3nha:/@ é";
const USER = `relay%40clinica.example:${encodeURIComponent(PASSWORD)}`;
const addresses = { from: "relay@clinica.example", to: ["a@clinica.example", "b@clinica.example"] };

const make = (via: string, options: object = {}) => makeTarget(emailTarget, { ...addresses, via, ...options });

/** A server's refusal, by an SMTP reply code. */
const refusal = (responseCode: number, text = "no") => Object.assign(new Error(text), { responseCode });

const takeAll: SMTPServerOptions["onAuth"] = (auth, _, done) => done(null, { user: auth.username });

const against = (server: SMTPServerOptions) => async (options: object) => {
  const { port, close } = await startMail({ onAuth: takeAll, ...server });
  return { target: make(`smtp://${USER}@127.0.0.1:${port}`, options), close };
};

const saying = (greeting: string, forever = false) => async (options: object) => {
  const { authority, close } = await startTcp((socket) => {
    if (forever) sendForever(socket, greeting);
    else socket.end(greeting);
  });
  return { target: make(`smtp://${USER}@${authority}`, options), close };
};

testContract("email", {
  good: against({}),
  failing: against({ onRcptTo: (_, __, done) => done(refusal(451)) }),
  refusing: against({ onRcptTo: (_, __, done) => done(refusal(550)) }),
  hanging: async (options) => {
    const { authority, close } = await startTcp(() => {});
    return { target: make(`smtp://${USER}@${authority}`, options), close };
  },
  at: (authority, options) => make(`smtp://${USER}@${authority}`, options),
  hostile: {
    "a greeting that is not SMTP": { make: saying("HTTP/1.1 400 Bad Request\r\n\r\n"), kind: "retry" },
    "garbage": { make: saying("\0\xff\xfe\r\n"), kind: "retry", reason: "unexpected_answer" },
    "a connection that is cut": { make: saying(""), kind: "retry" },
    "a greeting that does not end": { make: saying(`220-${"x".repeat(9_999)}\r\n`, true), kind: "retry" },
    "a line that does not end": { make: saying("2".repeat(9_999), true), kind: "retry" },
    "a server that repeats the password": {
      make: against({ onAuth: (auth, _, done) => done(refusal(535, `no ${auth.password}`)) }),
      kind: "dead",
      reason: "refused",
    },
  },
  secrets: [PASSWORD, encodeURIComponent(PASSWORD)],
});

/** Makes attempts at a mail server one after the other. */
async function withServer(
  server: SMTPServerOptions,
  options: { scheme?: string; user?: string; host?: string; [option: string]: unknown },
  use: (deliver: () => ReturnType<typeof attempt>, server: MailServer) => Promise<void>,
): Promise<void> {
  const { scheme = "smtp", user = "", host = "127.0.0.1", ...more } = options;
  const mail = await startMail(server);
  const target: Target = make(`${scheme}://${user}${host}:${mail.port}`, more);
  try {
    await use(() => attempt(target, makeDelivery, never), mail);
  } finally {
    target.close?.();
    await mail.close();
  }
}

/** Not recognised as this machine, though it is: it stands for a mail server elsewhere. */
const ELSEWHERE = "127.1";
const plain: SMTPServerOptions = { disabledCommands: ["STARTTLS"] };

const tlsRows = [
  { name: "uses STARTTLS where it is offered", server: {}, options: {}, secure: true },
  { name: "sends plain to a server of this machine that has no TLS", server: plain, options: {}, secure: false },
  {
    name: "sends plain elsewhere where requireTls is false",
    server: plain,
    options: { host: ELSEWHERE, requireTls: false },
    secure: false,
  },
  {
    name: "speaks TLS from the start with smtps",
    server: { secure: true },
    options: { scheme: "smtps" },
    secure: true,
  },
];
for (const { name, server, options, secure } of tlsRows) {
  test(`deliver() ${name}`, async () => {
    await withServer(server, options, async (deliver, { mails }) => {
      assert.equal((await deliver())?.kind, "delivered");
      assert.deepEqual(mails.map((mail) => mail.secure), [secure]);
    });
  });
}

const noTlsRows = [
  { name: "requireTls meets a server without TLS", server: plain, options: { requireTls: true } },
  { name: "a server elsewhere has no TLS", server: plain, options: { host: ELSEWHERE } },
  { name: "nobody vouches for the certificate of a server elsewhere", server: {}, options: { host: ELSEWHERE } },
  { name: "smtps meets a server without TLS", server: plain, options: { scheme: "smtps" } },
];
for (const { name, server, options } of noTlsRows) {
  test(`deliver() sends nothing and is tried again where ${name}`, async () => {
    await withServer(server, { ...options, user: `${USER}@` }, async (deliver, { mails }) => {
      const outcome = await deliver();
      assert.deepEqual([outcome?.kind, reasonOf(outcome)], ["retry", "tls_failed"], JSON.stringify(outcome));
      assert.equal(mails.length, 0);
    });
  });
}

for (const scheme of ["smtp", "smtps"]) {
  test(`deliver() with ${scheme} trusts a certificate for the host that it is for, and for no other`, {
    skip: hasOpenssl ? false : "needs openssl",
  }, async () => {
    const folder = makeFolder();
    try {
      makeAuthority(folder.path); // for localhost and 127.0.0.1
      const [ca, cert, key] = ["ca", "cert", "key"].map((name) =>
        readFileSync(join(folder.path, `${name}.pem`), "utf8")
      );
      for (
        const [host, kind] of [
          ["localhost", "delivered"],
          ["LOCALHOST.", "delivered"],
          ["127.0.0.1", "delivered"],
          ["mail.localhost", "retry"],
          ["127.1", "retry"],
        ]
      ) {
        await withServer(
          { secure: scheme === "smtps", cert, key },
          { scheme, host, ca, requireTls: true },
          async (deliver) => {
            const outcome = await deliver();
            assert.equal(outcome?.kind, kind, `${host}: ${JSON.stringify(outcome)}`);
            if (outcome?.kind !== "delivered") assert.equal(reasonOf(outcome), "tls_failed");
          },
        );
      }
    } finally {
      folder.remove();
    }
  });
}

test("deliver() signs in with the URL's user and password, percent-encoding undone", async () => {
  const seen: unknown[] = [];
  const onAuth: SMTPServerOptions["onAuth"] = (auth, _, done) => {
    seen.push([auth.username, auth.password]);
    done(null, { user: auth.username });
  };
  await withServer({ onAuth, authOptional: false }, { user: `${USER}@` }, async (deliver) => {
    assert.equal((await deliver())?.kind, "delivered");
    assert.deepEqual(seen, [["relay@clinica.example", PASSWORD]]);
  });
});

test("deliver() is dead where the password is wrong", async () => {
  const onAuth: SMTPServerOptions["onAuth"] = (_, __, done) => done(refusal(535, "bad credentials"));
  await withServer({ onAuth }, { user: `${USER}@` }, async (deliver, { mails }) => {
    const outcome = await deliver();
    assert.deepEqual([outcome?.kind, reasonOf(outcome), outcome?.status], ["dead", "refused", 535]);
    assert.match(outcome?.answer ?? "", /bad credentials/);
    assert.equal(mails.length, 0);
  });
});

for (const [code, kind, reason] of [[421, "retry", "server_failed"], [552, "dead", "refused"]] as const) {
  test(`deliver() makes of ${code} after the message: ${kind}`, async () => {
    const onData: SMTPServerOptions["onData"] = (stream, _, done) => {
      stream.resume().on("end", () => done(refusal(code)));
    };
    await withServer({ onData }, {}, async (deliver) => {
      const outcome = await deliver();
      assert.deepEqual([outcome?.kind, reasonOf(outcome), outcome?.status], [kind, reason, code]);
    });
  });
}

test("deliver() has delivered where some recipients are refused, and names them", async () => {
  const onRcptTo: SMTPServerOptions["onRcptTo"] = ({ address }, _, done) =>
    done(address.startsWith("a@") ? refusal(550) : null);
  await withServer({ onRcptTo }, {}, async (deliver, { mails }) => {
    const outcome = await deliver();
    assert.equal(outcome?.kind, "delivered");
    assert.match(outcome?.answer ?? "", /a@clinica\.example/);
    assert.deepEqual(mails.map(({ to }) => to), [["b@clinica.example"]]);
  });
});

test("deliver() keeps its connection for the next message", async () => {
  let connections = 0;
  const onConnect: SMTPServerOptions["onConnect"] = (_, done) => {
    connections += 1;
    done();
  };
  await withServer({ onConnect }, {}, async (deliver, { mails }) => {
    for (let i = 0; i < 3; i += 1) assert.equal((await deliver())?.kind, "delivered");
    assert.deepEqual([mails.length, connections], [3, 1]);
  });
});

test("deliver() opens a new connection where the server has ended the one that was kept", async () => {
  let closed = 0;
  const onClose = () => void (closed += 1);
  await withServer({ socketTimeout: 500, onClose }, {}, async (deliver, { mails }) => {
    assert.equal((await deliver())?.kind, "delivered");
    await until("the server to end the connection", () => closed > 0);
    assert.equal((await deliver())?.kind, "delivered");
    assert.equal(mails.length, 2);
  });
});

test("deliver() sends nothing once its time is over", async () => {
  let answerFirst = () => {};
  const onMailFrom: SMTPServerOptions["onMailFrom"] = (_, __, done) => {
    if (messages === 0) answerFirst = done;
    else done();
    messages += 1;
  };
  let messages = 0;
  await withServer({ onMailFrom }, { timeout: "1s" }, async (deliver, { mails }) => {
    assert.equal(reasonOf(await deliver()), "timed_out");
    answerFirst();
    assert.equal((await deliver())?.kind, "delivered");
    assert.equal(mails.length, 1);
  });
});
