/** Email by a provider's API, against a server that answers as the vendor documents: request, refusals, limits. */

import assert from "node:assert/strict";
import { test } from "node:test";
import type { Outcome } from "../../lib/outcome.ts";
import { attempt } from "../helpers/attempt.ts";
import type { EmailProvider } from "../../lib/config/mod.ts";
import { emailTarget } from "../../lib/targets/email.ts";
import * as providers from "../../lib/targets/providers/mod.ts";
import type { Delivery, Target } from "../../lib/targets/target.ts";
import { type Respond, type SinkRequest, startSink, status } from "../helpers/sink.ts";
import { makeDelivery, makeEvent, makeTarget, never } from "../helpers/target.ts";
import { reasonOf, startTcp, testContract } from "./contract.ts";
import { KEY, messageId, type Vendor, vendors } from "./vendors.ts";

const addresses = { from: "Clínica <relay@clinica.example>", to: ["a@clinica.example", '"B, Ana" <b@outra.example>'] };

/** The provider `name` as a config defines it, with its API there. */
function viaOf(name: string, vendor: Vendor, baseUrl?: string): EmailProvider {
  const define = providers[name as keyof typeof providers] as (options: object) => EmailProvider;
  return define({ apiKey: KEY, ...vendor.options, baseUrl });
}

/** Answers as the vendor does: only who comes to its endpoint with the key is heard. */
function guarded({ path, key: [header, value] }: Vendor, respond: Respond): Respond {
  return (response, request, count) => {
    const isRight = request.method === "POST" && request.path === path && request.headers[header] === value;
    if (isRight) respond(response, request, count);
    else response.writeHead(404).end("no such endpoint");
  };
}

for (const [name, vendor] of Object.entries(vendors)) {
  const make = (baseUrl: string, options: object = {}): Target =>
    makeTarget(emailTarget, { ...addresses, via: viaOf(name, vendor, baseUrl), ...options });

  const against = (respond: Respond) => async (options: object) => {
    const sink = await startSink(guarded(vendor, respond));
    return { target: make(sink.url, options), close: sink.close };
  };

  /** Makes one attempt, and gives the outcome with what arrived. */
  const send = async (
    respond: Respond = vendor.taken,
    options: object = {},
    delivery: Delivery = makeDelivery(),
  ): Promise<{ outcome: Outcome | undefined; requests: SinkRequest[] }> => {
    const sink = await startSink(guarded(vendor, respond));
    try {
      return { outcome: await attempt(make(sink.url, options), () => delivery, never), requests: sink.requests };
    } finally {
      await sink.close();
    }
  };

  const [refusal] = vendor.refusals;

  testContract(`email via ${name}`, {
    good: against(vendor.taken),
    failing: against(status(503, "<html>Service Unavailable</html>")),
    refusing: against(status(refusal[0], JSON.stringify(refusal[1]))),
    hanging: against(() => {}),
    at: (authority, options) => make(`http://${authority}`, options),
    hostile: {
      "a connection that is cut": {
        make: async (options) => {
          const { authority, close } = await startTcp((socket) => socket.once("data", () => socket.destroy()));
          return { target: make(`http://${authority}`, options), close };
        },
        kind: "retry",
        reason: "connection_reset",
      },
      "a redirect": {
        make: against(status(302, "", { Location: "/login" })),
        kind: "dead",
        reason: "redirected",
      },
      "a failure in another form than its own": {
        make: against(status(400, '{"message":{"errors":[null,7]},"errors":[null,7],"Message":[],"code":{},"name":1}')),
        kind: "dead",
        reason: "refused",
      },
      "a failure that repeats the key": {
        make: against((response, { headers }) => {
          const message = `No such key: ${headers[vendor.key[0]]}`;
          response.writeHead(401).end(JSON.stringify({ message, Message: message, errors: [{ message }] }));
        }),
        kind: "dead",
        reason: "refused",
      },
    },
    secrets: [KEY, vendor.key[1]],
  });

  test(`deliver() via ${name} makes the request that is documented`, async () => {
    const subject = "Nota\r\nBcc: mal@x.example";
    const { outcome, requests: [request] } = await send(undefined, { subject, text: "Olá", html: "<b>Olá</b>" });
    assert.equal(outcome?.kind, "delivered");
    assert.deepEqual(vendor.read(request!), vendor.message);
    assert.match(request!.headers["user-agent"] ?? "", /^relay\//);
  });

  test(`deliver() via ${name} sends no page beside a text of the config, and makes the same request again`, async () => {
    const of = async (attempt: number) => {
      const { outcome, requests: [request] } = await send(
        undefined,
        { text: "Olá" },
        makeDelivery(makeEvent(), { attempt }),
      );
      assert.equal(outcome?.kind, "delivered");
      return { body: request!.body.toString(), key: request!.headers["idempotency-key"] };
    };
    const first = await of(1);
    assert.ok(first.body.includes(messageId.split("@")[0]!) && !/html/i.test(first.body), first.body);
    assert.deepEqual(await of(2), first);
  });

  for (const [code, answer, words, kind = "dead", reason = "refused"] of vendor.refusals) {
    test(`deliver() via ${name} is ${kind} and says why for ${code}: ${words}`, async () => {
      const { outcome } = await send(status(code, JSON.stringify(answer)));
      assert.ok(outcome?.kind === kind, outcome?.kind);
      if (outcome.kind === "delivered") return;
      assert.deepEqual([outcome.reason, outcome.status], [reason, code]);
      assert.equal(String(outcome.detail), `The target answered ${code}: ${words}`);
    });
  }

  test(`deliver() via ${name} waits as long as a limit lasts`, async () => {
    const [headers, answer, seconds] = vendor.limit();
    const { outcome } = await send(status(429, JSON.stringify(answer), headers));
    assert.ok(outcome?.kind === "retry");
    assert.equal(outcome.reason, "rate_limited");
    const { pauseMs = 0 } = outcome;
    // A header that tells a time leaves less to wait, by what the test takes.
    assert.ok(pauseMs <= seconds * 1000 && pauseMs > (seconds - 60) * 1000 && pauseMs > 0, `${pauseMs}`);
  });

  test(`deliver() via ${name} takes a limit without a word of its length`, async () => {
    const { outcome } = await send(status(429, "Too Many Requests", { "X-RateLimit-Reset": "soon" }));
    assert.deepEqual([outcome?.kind, reasonOf(outcome)], ["retry", "rate_limited"]);
    assert.equal(outcome?.kind === "retry" && outcome.pauseMs, undefined);
  });

  test(`deliver() via ${name} does not believe a page that says 200`, async () => {
    const { outcome } = await send(status(200, "<html>Sign in to this network</html>"));
    assert.deepEqual([outcome?.kind, reasonOf(outcome)], ["retry", "unexpected_answer"]);
  });

  test(`build() via ${name} shows the vendor's host, and keeps the key a secret`, () => {
    const target = makeTarget(emailTarget, { ...addresses, via: viaOf(name, vendor) });
    assert.equal(target.address, `${addresses.to.join(", ")} via ${vendor.host}`);
    assert.ok(target.secrets.includes(KEY));
    assert.ok(!JSON.stringify([target.address, target.render(makeEvent(), {})]).includes(KEY));
  });
}

test("every provider is tried", () => {
  assert.deepEqual(Object.keys(vendors).sort(), Object.keys(providers).sort());
});

test("build() allows as many messages as Resend takes, unless the config says otherwise", () => {
  const via = viaOf("resend", vendors.resend!);
  const rateOf = (options: object) => makeTarget(emailTarget, { ...addresses, via, ...options }).policy.rates[0];
  assert.deepEqual(rateOf({}), { perMs: 1_000, limit: 2 });
  assert.deepEqual(rateOf({ rate: { per: "1m", limit: 20 } }), { perMs: 60_000, limit: 20 });
});

for (const [name, first] of [["sendgrid", "global"], ["mailgun", "us"]] as const) {
  test(`build() via ${name} goes to the region that the config names`, () => {
    const hostOf = (more: object) => {
      const vendor = { ...vendors[name]!, options: { ...vendors[name]!.options, ...more } };
      return makeTarget(emailTarget, { ...addresses, via: viaOf(name, vendor) }).address.split(" via ")[1];
    };
    assert.equal(hostOf({ region: first }), vendors[name]!.host);
    assert.equal(hostOf({ region: "eu" }), vendors[name]!.host.replace("api.", "api.eu."));
  });
}

test("deliver() sends to the API below the path of baseUrl", async () => {
  const sink = await startSink(vendors.resend!.taken);
  try {
    const via = viaOf("resend", vendors.resend!, `${sink.url}/proxy/resend/`);
    await attempt(makeTarget(emailTarget, { ...addresses, via }), makeDelivery, never);
    assert.deepEqual(sink.requests.map(({ path }) => path), ["/proxy/resend/emails"]);
  } finally {
    await sink.close();
  }
});
