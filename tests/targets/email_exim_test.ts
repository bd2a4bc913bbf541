/** The email target and a real mail server, Exim: TLS by a local authority, sign-in, refusals, and mails that are too large. */

import assert from "node:assert/strict";
import { test } from "node:test";
import { attempt } from "../helpers/attempt.ts";
import { emailTarget } from "../../lib/targets/email.ts";
import { type Exim, MAX_MAIL, needsExim, startExim } from "../helpers/exim.ts";
import { makeDelivery, makeTarget, never } from "../helpers/target.ts";
import { until } from "../helpers/wait.ts";
import { reasonOf } from "./contract.ts";

/** Makes one attempt at a server of its own. */
async function send(
  options: { to?: string | string[]; login?: string; host?: string; ca?: string; [option: string]: unknown },
  check: (outcome: Awaited<ReturnType<typeof attempt>>, server: Exim) => unknown,
): Promise<void> {
  const server = await startExim();
  const { login = server.login, host = "localhost", ...more } = options;
  const target = makeTarget(emailTarget, {
    via: `smtp://${login}@${host}:${server.port}`,
    from: "Clínica <relay@clinica.example>",
    to: "equipe@clinica.example",
    ca: server.ca,
    requireTls: true,
    ...more,
  });
  try {
    await check(await attempt(target, makeDelivery, never), server);
  } finally {
    target.close?.();
    await server.close();
  }
}

test("deliver() to Exim signs in over TLS that a local authority vouches for", needsExim, async () => {
  await send({}, async (outcome, { mailbox, log }) => {
    assert.equal(outcome?.kind, "delivered", JSON.stringify(outcome) + log());
    const mail = await until("the mail", () => mailbox().includes("nota-42") && mailbox());
    assert.match(mail, /by mail\.clinica\.example with esmtpsa/, "over TLS, signed in");
    assert.match(mail, new RegExp(`^Message-ID: <${makeDelivery().id}@clinica\\.example>$`, "mi"));
  });
});

test("deliver() to Exim sends nothing where nobody vouches for it", needsExim, async () => {
  const other = await startExim();
  try {
    for (const ca of [other.ca, undefined]) {
      // Not recognised as this machine, though it is: without an authority, the system's count.
      await send({ ca, ...(ca ? {} : { host: "127.1" }) }, (outcome, { log }) => {
        assert.deepEqual([outcome?.kind, reasonOf(outcome)], ["retry", "tls_failed"], JSON.stringify(outcome));
        assert.doesNotMatch(log(), /<= relay@/);
      });
    }
  } finally {
    await other.close();
  }
});

test("deliver() to Exim is dead where the password is wrong", needsExim, async () => {
  await send({ login: "relay:wrong" }, (outcome) => {
    assert.deepEqual([outcome?.kind, reasonOf(outcome), outcome?.status], ["dead", "refused", 535]);
  });
});

test("deliver() to Exim is dead where the recipient is refused, with the server's words", needsExim, async () => {
  await send({ to: "ninguem@clinica.example" }, (outcome) => {
    assert.deepEqual([outcome?.kind, reasonOf(outcome), outcome?.status], ["dead", "refused", 550]);
    assert.ok(
      outcome?.kind === "dead" && /^The mail server answered 550: .*no such user here/.test(String(outcome.detail)),
    );
  });
});

test("deliver() to Exim reaches the other recipients where one is refused", needsExim, async () => {
  await send({ to: ["ninguem@clinica.example", "equipe@clinica.example"] }, async (outcome, { mailbox, log }) => {
    assert.equal(outcome?.kind, "delivered");
    assert.match(outcome.answer ?? "", /refused: ninguem@clinica\.example/);
    await until("the mail", () => mailbox().includes("nota-42"));
    await until("its line in the log", () => /=> equipe <equipe@clinica\.example>/.test(log()));
  });
});

test("deliver() to Exim is dead where the mail is too large", needsExim, async () => {
  await send({ text: "x".repeat(2 * MAX_MAIL) }, (outcome) => {
    assert.deepEqual(
      [outcome?.kind, reasonOf(outcome), outcome?.status],
      ["dead", "refused", 552],
      JSON.stringify(outcome),
    );
  });
});
