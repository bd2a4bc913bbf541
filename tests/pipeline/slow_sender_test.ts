/** Senders that never finish: each is told so and cut off in time, nothing of it is accepted, and others are served. */

import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import { connect } from "node:net";
import { test } from "node:test";
import { Bodies } from "../../lib/pipeline/body.ts";
import { createReceive } from "../../lib/pipeline/receive.ts";
import { Windows } from "../../lib/pipeline/window.ts";
import { listen, runtime } from "../../lib/runtime.ts";
import { redactor } from "../../lib/secret.ts";
import { connectvetsSource } from "../../lib/sources/connectvets.ts";

const MAX = 256 * 1024;
const EVENT = Buffer.from('{"event":"note.completed","data":{"note_id":"n1"}}');

const source = connectvetsSource.build(
  "clinic",
  connectvetsSource.schema.parse({ path: "/hook", secret: "whs_0123456789abcdef" }),
);

/** Listens with these bounds; `accepted` counts what came through. */
function start(bodies: Bodies) {
  const seen = { accepted: 0 };
  const config = {
    sources: [{ ...source, maxBodyBytes: MAX }],
    targets: new Map(),
    routes: [],
    redact: redactor([]),
    trustedProxies: 0,
  };
  const accept = async () => {
    seen.accepted++;
    return "stored" as const;
  };
  const listener = listen("127.0.0.1", 0, createReceive(config, accept, new Windows(), bodies));
  return { ...listener, seen };
}

/** Deno answers but goes on hearing the rest of the body; the executable, made of Bun, ends the connection. */
const endsConnection = runtime.name === "bun";

/** Sends the head of a request and then `text` again and again, until it is answered and, on Bun, cut off. */
function drip(port: number, headers: string[], text: string | Uint8Array, pauseMs = 10): Promise<string> {
  return new Promise((resolve) => {
    const socket = connect(port, "127.0.0.1");
    let answer = "";
    const timer = setInterval(() => socket.write(text), pauseMs);
    socket.on("data", (data) => {
      answer += data.toString();
      if (!endsConnection && /\r\n\r\n.+/s.test(answer)) socket.destroy();
    });
    socket.on("error", () => {}); // what is still written when the other end has closed
    socket.on("close", () => {
      clearInterval(timer);
      resolve(answer);
    });
    socket.write(["POST /hook HTTP/1.1", "Host: relay", ...headers, "", ""].join("\r\n"));
  });
}

async function send(port: number): Promise<string> {
  const headers = { [source.signatureHeader]: source.sign(EVENT) };
  const response = await fetch(`http://127.0.0.1:${port}/hook`, { method: "POST", body: EVENT, headers });
  return response.text();
}

test("receive() answers 408 to a body that drips or never comes, and ends the connection", async () => {
  const listener = start(new Bodies(400));
  try {
    const rows: [header: string, drip: string][] = [
      ["Content-Length: 1000", "a"],
      ["Content-Length: 1000", ""],
      [`Content-Length: ${MAX}`, "a"],
      [`Content-Length: ${MAX}`, ""],
      ["Transfer-Encoding: chunked", "1\r\na\r\n"],
      ["Transfer-Encoding: chunked", ""],
    ];
    const slow = rows.map(([header, text]) => drip(listener.port, [header], text));
    assert.equal(await send(listener.port), "OK");
    for (const answer of await Promise.all(slow)) {
      assert.match(answer, /^HTTP\/1\.1 408 .*\r\n\r\nThe body did not arrive within 0\.4 s$/s);
    }
    assert.equal(await send(listener.port), "OK");
    assert.equal(listener.seen.accepted, 2);
  } finally {
    await listener.stop(0);
  }
});

test("receive() answers 503 at once when the bodies that come in take up its room", async () => {
  const listener = start(new Bodies(1_000, MAX));
  try {
    const large = Buffer.alloc(MAX / 4 - 1);
    const slow = Array.from(
      { length: 8 },
      (_, at) => drip(listener.port, [`Content-Length: ${MAX}`], large, 20 + 5 * at),
    );
    const answers = await Promise.all(slow);
    const refused = answers.filter((answer) => /^HTTP\/1\.1 503 .*^Retry-After: [1-9]/ims.test(answer));
    assert.ok(refused.length >= 5, answers.join("\n"));
    assert.equal(await send(listener.port), "OK");
  } finally {
    await listener.stop(0);
  }
});
