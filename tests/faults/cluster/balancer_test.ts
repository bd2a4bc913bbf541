/** A load balancer before relays that come and go. */

import assert from "node:assert/strict";
import { test } from "node:test";
import { freePort } from "../../helpers/port.ts";
import { reset, type Respond, type Sink, startSink } from "../../helpers/sink.ts";
import { until } from "../../helpers/wait.ts";
import { type Balancer, startBalancer } from "./balancer.ts";

test("startBalancer() goes round those that are ready", async () => {
  await withBalancer({ one: saying("one"), two: saying("two") }, async ({ balancer, isReady, post }) => {
    await until("both", () => balancer.ready().length === 2);
    assert.deepEqual((await Promise.all([post(), post(), post(), post()])).sort(), ["one", "one", "two", "two"]);
    isReady.one = false;
    await until("one to be dropped", () => balancer.ready().length === 1);
    assert.deepEqual([await post(), await post()], ["two", "two"]);
    isReady.two = false;
    await until("both to be dropped", () => balancer.ready().length === 0);
    assert.equal(await post(), "503");
    isReady.one = true;
    await until("one to be back", () => balancer.ready().length === 1);
    assert.equal(await post(), "one");
  });
});

test("startBalancer() tries the next one where nothing listens", async () => {
  await withBalancer({ one: undefined, two: saying("two") }, async ({ balancer, post }) => {
    await until("both", () => balancer.ready().length === 2);
    assert.deepEqual([await post(), await post()], ["two", "two"]);
  });
});

test("startBalancer() gives no other what one may have got", async () => {
  await withBalancer({ one: reset, two: saying("two") }, async ({ balancer, post }) => {
    await until("both", () => balancer.ready().length === 2);
    assert.deepEqual((await Promise.all([post(), post()])).sort(), ["502", "two"]);
  });
});

function saying(text: string): Respond {
  return (response) => void response.end(text);
}

interface Scene {
  balancer: Balancer;
  isReady: Record<string, boolean>;
  /** Posts something; gives the text of a 200, or the status. */
  post(): Promise<string>;
}

/** @param relays How each answers; `undefined` for one that says it is ready and listens on no public port. */
async function withBalancer(
  relays: Record<string, Respond | undefined>,
  use: (scene: Scene) => Promise<void>,
): Promise<void> {
  const sinks: Sink[] = [];
  const isReady: Record<string, boolean> = {};
  const start = async (respond: Respond) => {
    const sink = await startSink(respond);
    sinks.push(sink);
    return sink.port;
  };
  const backends = await Promise.all(
    Object.entries(relays).map(async ([name, respond]) => {
      isReady[name] = true;
      const adminPort = await start((response) => void response.writeHead(isReady[name] ? 200 : 503).end());
      return { name, adminPort, port: respond ? await start(respond) : await freePort() };
    }),
  );
  const balancer = await startBalancer(backends);
  try {
    const post = async () => {
      const response = await fetch(balancer.url, { method: "POST", body: "something" });
      const text = await response.text();
      return response.ok ? text : `${response.status}`;
    };
    await use({ balancer, isReady, post });
  } finally {
    await balancer.close();
    for (const sink of sinks) await sink.close();
  }
}
