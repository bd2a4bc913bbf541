/**
 * The guide's receiver in Express. Needs PORT and WEBHOOK_SECRET. Its handlers do nothing, but with RECEIVER_LOG they write
 * a line: event, note, and the SHA-256 of the bytes that came in.
 */

const { createHash, createHmac, timingSafeEqual } = require("node:crypto");
const process = require("node:process");
const { Buffer } = require("node:buffer");
const express = require("express");

const { PORT, WEBHOOK_SECRET, RECEIVER_LOG } = process.env;

function isGenuine(body, signature) {
  const expected = createHmac("sha256", WEBHOOK_SECRET).update(body).digest("hex");
  return timingSafeEqual(Buffer.from(signature.replace("sha256=", ""), "hex"), Buffer.from(expected, "hex"));
}

function handle(event, data, body) {
  if (RECEIVER_LOG) console.log(event, data.note_id, createHash("sha256").update(body).digest("hex"));
}

const handlers = { "note.completed": handle, "note.failed": handle, "note.processing": handle };

const app = express();
app.use("/webhook", express.raw({ type: "application/json" }));
app.post("/webhook", (request, response) => {
  if (!isGenuine(request.body, request.headers["x-connectvets-signature"])) {
    return response.status(401).send("Signature verification failed");
  }
  const event = JSON.parse(request.body);
  handlers[event.event]?.(event.event, event.data, request.body);
  response.status(200).send("OK");
});
app.listen(Number(PORT), "127.0.0.1");
