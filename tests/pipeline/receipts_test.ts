/** Requests that tell receipts: how much of them is stored at a time. */

import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import { test } from "node:test";
import { systemClock } from "../../lib/clock.ts";
import { StoreError } from "../../lib/errors.ts";
import type { Incoming } from "../../lib/http/incoming.ts";
import { createHear } from "../../lib/pipeline/receipts.ts";
import type { HeardReceipt } from "../../lib/receipt.ts";
import type { ReceiptEndpoint } from "../../lib/targets/receipt_endpoint.ts";

/** What is stored of so many receipts in one request, by a store that fails from one call on. */
async function hear(count: number, failsAt = Infinity): Promise<{ status: number; stored: number[] }> {
  const receipts = Array.from({ length: count }, (_, at): HeardReceipt => ({ message: `${at}`, status: "sent", at }));
  const endpoint: ReceiptEndpoint = {
    path: "/whatsapp",
    allow: "POST",
    secrets: [],
    read: () => ({ kind: "receipts", receipts }),
  };
  const stored: number[] = [];
  const store = {
    async hear(_path: string, _targets: readonly string[], some: readonly HeardReceipt[]): Promise<number> {
      if (stored.length === failsAt) throw new StoreError(() => "Cannot write");
      stored.push(some.length);
      return await Promise.resolve(some.length);
    },
  };
  const incoming = {
    client: "127.0.0.1",
    method: "POST",
    url: "/whatsapp",
    header: () => null,
    body: () => Promise.resolve(Buffer.from("{}")),
  } as unknown as Incoming;
  const answer = createHear(store, { targets: new Map(), trustedProxies: 0 }, systemClock);
  const { status } = await answer(incoming, { endpoint, targets: ["whats"] });
  return { status, stored };
}

test("createHear() stores many receipts a part at a time, all of them before it answers 200", async () => {
  assert.deepEqual(await hear(2_500), { status: 200, stored: [1_000, 1_000, 500] });
  assert.deepEqual(await hear(0), { status: 200, stored: [] });
});

test("createHear() answers 503 unless all of it is stored, so that the vendor tells it again", async () => {
  assert.deepEqual(await hear(2_500, 2), { status: 503, stored: [1_000, 1_000] });
});
