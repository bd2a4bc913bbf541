/** What Bun's server can do at best: `bare.ts PORT SECRET ok|hmac` answers at once, or reads the body and checks its signature. */

import { Buffer } from "node:buffer";
import { createHmac, timingSafeEqual } from "node:crypto";
import process from "node:process";
import { serve } from "../load/bun.ts";

const [port, secret, kind] = process.argv.slice(2);

serve({ hostname: "127.0.0.1", port: Number(port), fetch: kind === "hmac" ? check : () => new Response("OK") });

async function check(request: Request): Promise<Response> {
  const body = new Uint8Array(await request.arrayBuffer());
  const received = Buffer.from((request.headers.get("X-ConnectVets-Signature") ?? "").slice("sha256=".length), "hex");
  const expected = createHmac("sha256", secret!).update(body).digest();
  const isGenuine = received.length === expected.length && timingSafeEqual(received, expected);
  return isGenuine ? new Response("OK") : new Response("Signature verification failed", { status: 401 });
}
