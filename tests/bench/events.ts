/** Events that load is made of: as the guide shows them, each distinct, all of one length. */

import { createHmac } from "node:crypto";

export const SECRET = "a-secret-of-the-bench";

const TITLE = "Consulta de retorno: 12 kg, vacinas em dia";

/**
 * A genuine event's body, of about 250 bytes.
 * @param index Makes it distinct.
 * @param timeMs When it happened; events have whole seconds.
 */
export function bodyOf(index: number, timeMs: number): string {
  const hex = index.toString(16).padStart(8, "0");
  const noteId = `${hex}-e29b-41d4-a716-44665544${hex.slice(-4)}`;
  const timestamp = `${new Date(timeMs).toISOString().slice(0, 19)}Z`;
  const externalId = `CLIENTE_${String(index).padStart(10, "0")}`;
  return `{"event":"note.completed","timestamp":"${timestamp}","data":{"note_id":"${noteId}","status":"completed","external_id":"${externalId}","title":"${TITLE}"}}`;
}

/** The header value for these bytes. */
export function sign(body: string): string {
  return `sha256=${createHmac("sha256", SECRET).update(body).digest("hex")}`;
}

/** A request as it goes over the wire. */
export function requestOf(body: string, signature: string): string {
  return `POST /webhook HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\n` +
    `X-ConnectVets-Signature: ${signature}\r\nContent-Length: ${body.length}\r\n\r\n${body}`;
}
