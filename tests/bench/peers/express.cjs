/** The guide's receiver in Express; handlers do nothing. Needs PORT, WEBHOOK_SECRET, and EXPRESS, the package's folder. */

const { createHmac, timingSafeEqual } = require("node:crypto");
const process = require("node:process");
const { Buffer } = require("node:buffer");
const express = require(process.env.EXPRESS);

const { PORT, WEBHOOK_SECRET } = process.env;

function isGenuine(body, signature) {
  const expected = createHmac("sha256", WEBHOOK_SECRET).update(body).digest("hex");
  return timingSafeEqual(Buffer.from(signature.replace("sha256=", ""), "hex"), Buffer.from(expected, "hex"));
}

const handlers = { "note.completed": () => {}, "note.failed": () => {}, "note.processing": () => {} };

const app = express();
app.use("/webhook", express.raw({ type: "application/json" }));
app.post("/webhook", (request, response) => {
  if (!isGenuine(request.body, request.headers["x-connectvets-signature"])) {
    return response.status(401).send("Signature verification failed");
  }
  const event = JSON.parse(request.body);
  handlers[event.event]?.(event.data);
  response.status(200).send("OK");
});
app.listen(Number(PORT), "127.0.0.1");
