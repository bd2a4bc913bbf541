/** What every target must do, whatever it delivers to: one suite that each kind's own tests run. */

import assert from "node:assert/strict";
import { createServer } from "node:net";
import type { AddressInfo, Socket } from "node:net";
import { test } from "node:test";
import { localeNames } from "../../lib/locale/mod.ts";
import type { Outcome } from "../../lib/outcome.ts";
import { type Reason, reasons } from "../../lib/reason.ts";
import { attempt } from "../helpers/attempt.ts";
import { redactor } from "../../lib/secret.ts";
import type { Target } from "../../lib/targets/target.ts";
import { nowhere } from "../helpers/nowhere.ts";
import { makeDelivery, never } from "../helpers/target.ts";
import { sleep } from "../helpers/wait.ts";

/** A target with its other side. */
export interface Setup {
  target: Target;
  /** Ends the other side. */
  close?(): unknown;
}

/** How to make a target against other sides of every sort. Options are those of the kind, to be added to its own. */
export interface Contract {
  /** Takes every delivery. */
  good(options: Options): Promise<Setup>;
  /** Fails in a way that may pass. */
  failing(options: Options): Promise<Setup>;
  /** Refuses for good. */
  refusing(options: Options): Promise<Setup>;
  /** Takes the delivery and never answers. */
  hanging(options: Options): Promise<Setup>;
  /** Other sides that break the rules, by name, and the outcome's kind that follows. */
  hostile: Record<string, { make(options: Options): Promise<Setup>; kind: Outcome["kind"]; reason?: Reason }>;
  /** Delivers to this `host:port`, where the kind goes over a network. */
  at?(authority: string, options: Options): Target;
  /** What no outcome may tell: passwords and tokens that the targets above are made with. */
  secrets: string[];
}

type Options = Record<string, unknown>;

/** Longest time that an attempt with a time-out of a fraction of a second may take, in milliseconds. */
const BOUND_MS = 8_000;

/** Runs the suite; `kind` names it in the tests. */
export function testContract(kind: string, contract: Contract): void {
  const { good, failing, refusing, hanging, hostile, at } = contract;

  const outcomeOf = async (make: (options: Options) => Promise<Setup>, timeout: string) => {
    const { target, close } = await make({ timeout });
    try {
      const startedAt = Date.now();
      const outcome = await attempt(target, makeDelivery, never);
      assert.ok(Date.now() - startedAt < BOUND_MS, "the attempt is bounded in time");
      checkOutcome(outcome, target, contract.secrets);
      return outcome;
    } finally {
      await target.close?.();
      await close?.();
    }
  };

  test(`${kind} delivers`, async () => {
    assert.equal((await outcomeOf(good, "5s")).kind, "delivered");
  });

  test(`${kind} is tried again after a failure that may pass`, async () => {
    assert.equal((await outcomeOf(failing, "5s")).kind, "retry");
  });

  test(`${kind} is dead at once where it is refused for good`, async () => {
    assert.equal((await outcomeOf(refusing, "5s")).kind, "dead");
  });

  test(`${kind} is timed out where the other side hangs`, async () => {
    const outcome = await outcomeOf(hanging, "300ms");
    assert.deepEqual([outcome.kind, reasonOf(outcome)], ["retry", "timed_out"]);
  });

  test(`${kind} charges no attempt when it is stopped`, async () => {
    const { target, close } = await hanging({ timeout: "1m" });
    try {
      const stop = new AbortController();
      const attempted = attempt(target, makeDelivery, stop.signal);
      await sleep(200);
      stop.abort();
      assert.equal(await attempted, undefined);
      assert.equal(await attempt(target, makeDelivery, stop.signal), undefined, "stopped before it began");
    } finally {
      await target.close?.();
      await close?.();
    }
  });

  for (const [name, { make, kind: expected, reason }] of Object.entries(hostile)) {
    test(`${kind} withstands ${name}`, async () => {
      const outcome = await outcomeOf(make, "2s");
      assert.equal(outcome.kind, expected);
      if (reason) assert.equal(reasonOf(outcome), reason);
    });
  }

  if (!at) return;

  test(`${kind} is tried again where nothing listens`, async () => {
    const port = await freePort();
    const outcome = await outcomeOf(async (options) => ({ target: at(`127.0.0.1:${port}`, options) }), "5s");
    assert.deepEqual([outcome.kind, reasonOf(outcome)], ["retry", "connection_refused"]);
  });

  test(`${kind} is tried again where the host is unknown`, async () => {
    const outcome = await outcomeOf(async (options) => ({ target: at(nowhere, options) }), "5s");
    assert.deepEqual([outcome.kind, reasonOf(outcome)], ["retry", "dns_failed"]);
  });
}

/** The reason of an outcome that is not delivered. */
export function reasonOf(outcome: Outcome | undefined): Reason | undefined {
  return outcome && outcome.kind !== "delivered" ? outcome.reason : undefined;
}

/** Other sides may repeat a secret: what the target names as one is masked before anybody sees it. */
function checkOutcome(
  outcome: Outcome | undefined,
  target: Target,
  secrets: string[],
): asserts outcome is Outcome {
  assert.ok(outcome, "an attempt that nobody stopped has an outcome");
  if (outcome.kind === "delivered") return;
  assert.ok(reasons.includes(outcome.reason), `${outcome.reason} is one of the closed set`);
  for (const locale of localeNames) {
    const detail = outcome.detail.map(redactor(target.secrets)).in(locale);
    assert.notEqual(outcome.reason, "internal", detail);
    assert.match(detail, /^[A-Z][^\n]*[^.\n]$/, "one sentence");
    for (const secret of secrets) assert.ok(!detail.includes(secret), `no secret in: ${detail}`);
  }
}

/** A server on loopback that does with each connection what a test says. */
export async function startTcp(onConnection: (socket: Socket) => void): Promise<{ authority: string; close(): void }> {
  const sockets = new Set<Socket>();
  const server = createServer((socket) => {
    sockets.add(socket);
    socket.on("error", () => {}); // the other end may cut the connection
    onConnection(socket);
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  return {
    authority: `127.0.0.1:${port}`,
    close: () => {
      server.close();
      for (const socket of sockets) socket.destroy();
    },
  };
}

/** Sends the same again and again until the connection ends. */
export function sendForever(socket: Socket, chunk: string): void {
  const timer = setInterval(() => socket.write(chunk), 5);
  socket.on("close", () => clearInterval(timer));
}

async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return port;
}
