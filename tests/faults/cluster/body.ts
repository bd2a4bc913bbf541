/** The body of a message of HTTP. */

import { Buffer } from "node:buffer";
import type { IncomingMessage } from "node:http";

/** Rejects if the connection ends before the body does. */
export async function bodyOf(message: IncomingMessage): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for await (const chunk of message) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks);
}
