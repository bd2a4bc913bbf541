/** WhatsApp by the executable: a delivery for each recipient, and the vendor's receipts for them. */

import assert from "node:assert/strict";
import { createHmac } from "node:crypto";
import { test } from "node:test";
import {
  CLOUD_TOKEN,
  type CloudMessage,
  type CloudServer,
  PHONE_NUMBER_ID,
  startWhatsappCloud,
} from "../helpers/vendors/whatsapp_cloud.ts";
import { startPostgres } from "../helpers/postgres.ts";
import { configOf, type RunningRelay, runRelay, startRelay } from "../helpers/relay.ts";
import { startSink } from "../helpers/sink.ts";
import { until } from "../helpers/wait.ts";

const ANA = "+5531999998888";
const RUI = "+5521988887777";
const APP_SECRET = "0123456789abcdef0123456789abcdef";
const VERIFY = "um-texto-longo-e-aleatorio";

const BODY = '{"event":"note.failed","data":{"note_id":"nota-42","status":"failed","external_id":"CLIENTE_123"}}';

interface Parts {
  to?: string[];
  /** Further options of the target. */
  options?: string;
  /** Further targets. */
  targets?: string;
  /** Where the route leads. */
  route?: string;
  store?: string;
}

const whatsappConfig = (
  { url }: CloudServer,
  { to = [ANA], options = "", targets = "", route = '"whats"', store }: Parts,
) =>
  configOf({
    admin: "{ port: 0 }",
    targets: `whats: whatsapp({
      via: whatsappCloud({ phoneNumberId: "${PHONE_NUMBER_ID}", token: "${CLOUD_TOKEN}", baseUrl: "${url}" }),
      to: ${JSON.stringify(to)},
      template: { name: "nota_falhou", language: "pt_BR", parameters: (e) => [e.data.note_id] },
      receipts: { path: "/whatsapp", appSecret: "${APP_SECRET}", verifyToken: "${VERIFY}" },
      ${options}
    }), ${targets}`,
    routes: `{ on: "note.failed", to: ${route} }`,
    more: store && `store: "${store}",`,
  });

const templates = [{ name: "nota_falhou", language: "pt_BR", parameters: 1 }];

interface Shown {
  id: string;
  deliveries: { id: string; target: string; state: string; reason: string | null; receipt: string | null }[];
}

const eventsOf = async ({ folder }: RunningRelay, ...args: string[]): Promise<Shown[]> =>
  JSON.parse((await runRelay(["events", ...args, "--json"], { cwd: folder })).stdout);

/** Posts what Meta would tell of messages, signed unless a signature is given. */
async function tell({ url }: RunningRelay, statuses: object[], signature?: string | null) {
  const value = { messaging_product: "whatsapp", metadata: { phone_number_id: PHONE_NUMBER_ID }, statuses };
  const body = JSON.stringify({
    object: "whatsapp_business_account",
    entry: [{ id: "1", changes: [{ field: "messages", value }] }],
  });
  const own = `sha256=${createHmac("sha256", APP_SECRET).update(body).digest("hex")}`;
  const headers: Record<string, string> = { "Content-Type": "application/json" };
  if (signature !== null) headers["X-Hub-Signature-256"] = signature ?? own;
  const answer = await fetch(`${url}/whatsapp`, { method: "POST", headers, body });
  return [answer.status, await answer.text()];
}

const statusOf = ({ id, to, biz_opaque_callback_data }: CloudMessage, status: string, parts = {}) => ({
  id,
  status,
  timestamp: String(Math.floor(Date.now() / 1000)),
  recipient_id: to,
  biz_opaque_callback_data,
  ...parts,
});

async function withCloud(
  work: (cloud: CloudServer, relay: RunningRelay) => Promise<void>,
  parts: Parts = {},
): Promise<void> {
  const cloud = await startWhatsappCloud({ templates });
  const relay = await startRelay(whatsappConfig(cloud, parts));
  try {
    await work(cloud, relay);
  } finally {
    await relay.close();
    await cloud.close();
  }
}

test("each recipient has a delivery of its own, and one's failure is not another's", async () => {
  await withCloud(async (cloud, relay) => {
    cloud.failures.push({ code: 131026, details: `Message undeliverable to ${ANA}` });
    assert.equal((await relay.post(BODY)).status, 200);
    const deliveries = await until("both to end", async () => {
      const [event] = await eventsOf(relay);
      return event?.deliveries.every(({ state }) => state !== "pending") && event.deliveries;
    });
    assert.deepEqual(
      deliveries.map(({ target, state }) => [target, state]).toSorted((one, other) => one[1]! < other[1]! ? -1 : 1),
      [[deliveries.find(({ state }) => state === "dead")!.target, "dead"], [
        deliveries.find(({ state }) => state === "delivered")!.target,
        "delivered",
      ]],
    );
    assert.deepEqual(deliveries.map(({ target }) => target), [`whats/${ANA}`, `whats/${RUI}`]);
    assert.equal(cloud.taken.length, 1);
    assert.equal((await eventsOf(relay, "--target", "whats")).length, 1);
    assert.equal((await eventsOf(relay, "--target", "whats", "--state", "dead")).length, 1);
    const dead = deliveries.find(({ state }) => state === "dead")!;
    assert.equal(dead.reason, "recipient_unreachable");
    assert.equal((await eventsOf(relay, "--target", `whats/…${dead.target.slice(-4)}`, "--state", "dead")).length, 1);
  }, { to: [ANA, RUI] });
});

test("no number is in the log, in what verbs print, on a page, or among the metrics", async () => {
  await withCloud(async (cloud, relay) => {
    cloud.failures.push({ code: 131026, details: `Message undeliverable to ${ANA}` });
    await relay.post(BODY);
    const event = await until("both to end", async () => {
      const [event] = await eventsOf(relay);
      return event?.deliveries.every(({ state }) => state !== "pending") && event;
    });
    const said = [relay.output()];
    const verbs = [
      ["events"],
      ["events", event.id],
      ["status"],
      ["check"],
      ["routes", "note.failed", "--render"],
      ["retry", event.id],
      ["pause", "whats"],
      ["resume", "whats"],
      ["send", "--to", "whats"],
      ["retry", "--dead", "--target", "whatz"],
    ];
    for (const verb of verbs) {
      const { stdout, stderr } = await runRelay(verb, { cwd: relay.folder });
      said.push(`$ ${verb.join(" ")}\n${stdout}${stderr}`);
    }
    const admin = await relay.adminUrl();
    const pages = ["/", "/events", `/events/${event.id}`, "/dead", "/targets", "/config", "/metrics"];
    for (const path of pages) said.push(`${path}\n${await (await fetch(admin + path)).text()}`);
    said.push(relay.output());
    for (const text of said) {
      for (const number of [ANA, RUI]) {
        const digits = number.slice(1);
        const bare = digits.replace(/^(55\d\d)9/, "$1");
        for (const form of [digits, bare]) {
          const at = text.indexOf(form);
          assert.equal(at, -1, `${form} in: ${text.slice(Math.max(0, at - 200), at + 50)} … ${text.slice(0, 40)}`);
        }
      }
    }
    assert.match(said[1]!, /whats\/…8888/);
    const metrics = await (await fetch(`${admin}/metrics`)).text();
    assert.match(
      metrics,
      /relay_delivery_attempts_total\{target="whats",outcome="dead",reason="recipient_unreachable"\} \d/,
    );
    const api = await (await fetch(`${admin}/api/events/${event.id}`)).json();
    assert.deepEqual(api.deliveries.map(({ target }: { target: string }) => target), [`whats/${ANA}`, `whats/${RUI}`]);
  }, { to: [ANA, RUI] });
});

test("receipts are shown, in any order, more than once, and before the answer", async () => {
  const told: unknown[] = [];
  await withCloud(async (cloud, relay) => {
    cloud.onTaken = (message) => void tell(relay, [statusOf(message, "sent")]).then((answer) => told.push(answer));
    await relay.post(BODY);
    const [message] = await until("the message", () => cloud.taken.length > 0 && cloud.taken);
    await until("the first receipt", () => told.length > 0);
    assert.deepEqual(told, [[200, "OK"]]);
    assert.deepEqual(await tell(relay, [statusOf(message!, "read"), statusOf(message!, "delivered")]), [200, "OK"]);
    assert.deepEqual(await tell(relay, [statusOf(message!, "sent"), statusOf(message!, "read")]), [200, "OK"]);
    const [event] = await until("the receipt", async () => {
      const events = await eventsOf(relay);
      return events[0]?.deliveries[0]?.receipt === "read" && events[0].deliveries[0].state === "delivered" && events;
    });
    const { stdout } = await runRelay(["events", event!.id], { cwd: relay.folder });
    assert.match(stdout, /Receipts: (accepted|sent) /);
    assert.match(stdout, /read \d/);
    const page = await (await fetch(`${await relay.adminUrl()}/events/${event!.id}`)).text();
    assert.match(page, /Receipts|Confirmações/);
    const metrics = await (await fetch(`${await relay.adminUrl()}/metrics`)).text();
    assert.match(metrics, /relay_receipts_total\{target="whats",status="read"\} 2/);
  });
});

test("a failure that is told late kills the delivery, or opens it again", async () => {
  await withCloud(async (cloud, relay) => {
    await relay.post(BODY);
    const message = await until("the message", () => cloud.taken[0]);
    const errors = [{ code: 131026, title: "Message undeliverable", error_data: { details: `No WhatsApp: ${ANA}` } }];
    await until("its record", async () => (await eventsOf(relay))[0]?.deliveries[0]?.receipt === "accepted");
    await tell(relay, [statusOf(message, "failed", { errors })]);
    const dead = await until("its death", async () => {
      const [event] = await eventsOf(relay);
      return event!.deliveries[0]!.state === "dead" && event!.deliveries[0];
    });
    assert.deepEqual([dead.reason, dead.receipt], ["recipient_unreachable", "failed"]);
    const shown = await runRelay(["events", dead.id], { cwd: relay.folder });
    const page = await (await fetch(`${await relay.adminUrl()}/events/${dead.id}`)).text();
    const { detail } = await relay.logged(
      "its death",
      ({ level, receipt }) => level === "error" && receipt === "failed",
    );
    assert.match(shown.stdout, /attempt 1 was accepted, but a receipt said .* did not arrive: recipient unreachable\./);
    const { stdout: status } = await runRelay(["status"], { cwd: relay.folder });
    for (const text of [shown.stdout, page, status, String(detail)]) assert.match(text, /No WhatsApp: …8888/);
    for (const text of [shown.stdout, page, status, relay.output()]) assert.doesNotMatch(text, /99999?8888/);

    await runRelay(["retry", dead.id], { cwd: relay.folder });
    const second = await until("a second message", () => cloud.taken[1]);
    await until("its record", async () => (await eventsOf(relay))[0]?.deliveries[0]?.receipt === "accepted");
    await tell(relay, [statusOf(second, "failed", { errors: [{ code: 131000, title: "Something went wrong" }] })]);
    await until("a third message", () => cloud.taken[2]);
    assert.ok(
      relay.log().some(({ level, receipt, reason }) =>
        level === "warning" && receipt === "failed" && reason === "server_failed"
      ),
    );
  }, { options: 'retry: ["10ms", "10ms", "10ms"], rate: { per: "1s", limit: 100 },' });
});

test("receipts that are not signed are refused, and change nothing", async () => {
  await withCloud(async (cloud, relay) => {
    await relay.post(BODY);
    const message = await until("the message", () => cloud.taken[0]);
    await until("its record", async () => (await eventsOf(relay))[0]?.deliveries[0]?.receipt === "accepted");
    for (const signature of [null, "", "sha256=", `sha256=${"0".repeat(64)}`, "sha256=xyz"]) {
      const answer = await tell(relay, [statusOf(message, "failed", { errors: [{ code: 131026 }] })], signature);
      assert.deepEqual(answer, [401, "Signature verification failed"], String(signature));
    }
    const { deliveries: [one] } = (await eventsOf(relay))[0]!;
    assert.deepEqual([one!.state, one!.receipt], ["delivered", "accepted"]);
    const ask = async (query: string, init?: RequestInit) => {
      const answer = await fetch(`${relay.url}/whatsapp${query}`, init);
      return [answer.status, await answer.text(), answer.headers.get("Content-Type")];
    };
    const greeting = (token: string, challenge = "1158201444") =>
      `?hub.mode=subscribe&hub.challenge=${challenge}&hub.verify_token=${token}`;
    const TEXT = "text/plain; charset=utf-8";
    assert.deepEqual(await ask(greeting(VERIFY)), [200, "1158201444", TEXT]);
    assert.equal((await ask(greeting("wrong")))[0], 401);
    assert.equal((await ask(""))[0], 401);
    assert.equal((await ask(greeting(VERIFY, "<script>")))[0], 400);
    const put = await fetch(`${relay.url}/whatsapp`, { method: "PUT" });
    assert.deepEqual([put.status, put.headers.get("Allow")], [405, "GET, POST"]);
    assert.ok(!relay.output().includes(VERIFY) && !relay.output().includes(APP_SECRET));
  });
});

test("send --to sends the template that is configured, and --wait follows it", async () => {
  await withCloud(async (cloud, relay) => {
    const { code, stdout } = await runRelay(["send", "--to", "whats", "--json"], { cwd: relay.folder });
    const sent = JSON.parse(stdout);
    assert.deepEqual([code, sent.target, sent.deliveries.length, sent.state], [0, "whats", 2, "delivered"], stdout);
    assert.deepEqual(cloud.taken.map(({ template }) => template?.name), ["nota_falhou", "nota_falhou"]);
    const one = await runRelay(["send", "--to", "whats/…7777"], { cwd: relay.folder });
    assert.match(one.stdout, /^whats\/…7777: attempt 1 delivered/);
    cloud.onTaken = (message) => void setTimeout(() => tell(relay, [statusOf(message, "delivered")]), 300);
    const waited = await runRelay(["send", "--to", "whats/…8888", "--wait"], { cwd: relay.folder });
    assert.equal(waited.code, 0, waited.stdout);
    assert.match(waited.stdout, /attempt 1 delivered in .*\nwhats\/…8888: accepted\nwhats\/…8888: arrived\n/);
    const errors = [{ code: 131026, title: "Message undeliverable" }];
    cloud.onTaken = (message) => void setTimeout(() => tell(relay, [statusOf(message, "failed", { errors })]), 300);
    const lost = await runRelay(["send", "--to", "whats/…7777", "--wait", "--json"], { cwd: relay.folder });
    const { state, reason, receipt, detail } = JSON.parse(lost.stdout);
    assert.deepEqual([lost.code, state, reason, receipt], [1, "dead", "recipient_unreachable", "failed"], lost.stdout);
    assert.match(detail, /^Accepted, but not delivered: error 131026/);
  }, { to: [ANA, RUI] });
});

test("a chain goes on at once when a receipt says that WhatsApp never delivers, and ends when it did", async () => {
  const sink = await startSink();
  const parts = { targets: `desk: http({ url: "${sink.url}" })`, route: 'firstOf(["whats", "desk"])' };
  const work = async (cloud: CloudServer, relay: RunningRelay) => {
    const steps = async (count: number, ...wanted: string[]) =>
      await until(`steps to be ${wanted}`, async () => {
        const [{ deliveries } = { deliveries: [] }, ...others] = await eventsOf(relay);
        return others.length + 1 === count && deliveries.map(({ state }) => state).join() === wanted.join() &&
          deliveries;
      });
    await relay.post(BODY);
    const [first] = await until("the message", () => cloud.taken.length === 1 && cloud.taken);
    await steps(1, "delivered", "pending"); // accepted, and no more
    assert.deepEqual(await tell(relay, [statusOf(first!, "sent")]), [200, "OK"]);
    await until("that it was sent", async () => (await eventsOf(relay))[0]?.deliveries[0]?.receipt === "sent");
    await steps(1, "delivered", "pending");
    const errors = [{ code: 131026, title: "Message undeliverable", error_data: { details: `No WhatsApp: ${ANA}` } }];
    await tell(relay, [statusOf(first!, "failed", { errors })]);
    const [dead] = await steps(1, "dead", "delivered");
    assert.equal(dead!.reason, "recipient_unreachable");
    assert.equal(sink.requests.length, 1);

    await relay.post(BODY.replace("nota-42", "nota-43"));
    const [, second] = await until("the second message", () => cloud.taken.length === 2 && cloud.taken);
    await steps(2, "delivered", "pending");
    await tell(relay, [statusOf(second!, "delivered")]);
    const [arrived] = await steps(2, "delivered", "skipped");
    assert.equal(arrived!.receipt, "delivered");
    assert.equal(sink.requests.length, 1);
  };
  try {
    await withCloud(work, parts);
  } finally {
    await sink.close();
  }
});

test("of two relays that share a store, receipts may come to either, whichever of them delivers", async () => {
  const database = await startPostgres();
  const cloud = await startWhatsappCloud({ templates });
  const to = Array.from({ length: 3 }, (_, at) => `+553199999000${at}`);
  const config = whatsappConfig(cloud, { to, store: database.url() });
  const relays: RunningRelay[] = [];
  try {
    while (relays.length < 2) relays.push(await startRelay(config));
    const [one, other] = relays as [RunningRelay, RunningRelay];
    assert.equal((await one.post(BODY)).status, 200);
    await until("all to be taken", () => cloud.taken.length === to.length);
    const [lost, ...rest] = cloud.taken;
    const errors = [{ code: 131026, title: "Message undeliverable" }];
    await tell(one, [statusOf(lost!, "failed", { errors })]); // one of them owns the target's lanes, the other does not
    await tell(other, rest.map((message) => statusOf(message, "read")));
    const deliveries = await until("all to be told of", async () => {
      const [event] = await eventsOf(one);
      return event!.deliveries.every(({ receipt }) => receipt === "read" || receipt === "failed") && event!.deliveries;
    });
    assert.deepEqual(deliveries.map(({ state }) => state).toSorted(), ["dead", "delivered", "delivered"]);
    assert.equal(cloud.taken.length, to.length);
  } finally {
    await Promise.all(relays.map((relay) => relay.close()));
    await cloud.close();
    await database.close();
  }
});
