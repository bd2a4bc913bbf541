/** The executable and a real mail server, Exim: greylisting passes with the next attempt, a refused recipient does not. */

import assert from "node:assert/strict";
import { test } from "node:test";
import { needsExim, startExim } from "../helpers/exim.ts";
import { configOf, runRelay, startRelay } from "../helpers/relay.ts";
import { until } from "../helpers/wait.ts";

const EVENT = '{"event":"note.failed","data":{"note_id":"nota-42"}}';

test("serve delivers by Exim what was greylisted, once, and tells why a recipient is refused", needsExim, async () => {
  const exim = await startExim();
  const target = (name: string, to: string) =>
    `${name}: email({ via: env("SMTP_URL"), ca: file("ca.pem"), from: "relay@clinica.example", to: "${to}", retry: ["200ms"] }),`;
  const env = { SMTP_URL: `smtp://${exim.login}@localhost:${exim.port}` };
  const relay = await startRelay(
    configOf({
      targets: target("cinza", "cinza@clinica.example") + target("ninguem", "ninguem@clinica.example"),
      routes: '{ on: "**", to: ["cinza", "ninguem"] }',
    }),
    { files: { "ca.pem": exim.ca }, env },
  );
  try {
    assert.equal((await relay.post(EVENT)).status, 200);
    await relay.logged("the delivery", ({ target, outcome }) => target === "cinza" && outcome === "delivered");
    await relay.logged("the refusal", ({ target, outcome }) => target === "ninguem" && outcome === "dead");
    const attempts = relay.log().filter(({ target }) => target === "cinza");
    assert.deepEqual(attempts.map(({ outcome, reason, status }) => [outcome, reason, status]), [
      ["retry", "server_failed", 451],
      ["delivered", undefined, 250],
    ]);
    const mailbox = await until("the mail", () => exim.mailbox().includes("nota-42") && exim.mailbox());
    assert.equal(mailbox.match(/^Message-ID: /gmi)?.length, 1);
    assert.match(mailbox, /with esmtpsa/, "over TLS, signed in");

    const { stdout } = await runRelay(["events", String(attempts[0]!.event)], { cwd: relay.folder, env });
    assert.match(stdout, /answered 451: greylisted, come back later/);
    assert.match(stdout, /answered 550: no such user here/);
    assert.ok(!(relay.output() + stdout).includes("s3nha"), "no password");
  } finally {
    await relay.close();
    await exim.close();
  }
});
