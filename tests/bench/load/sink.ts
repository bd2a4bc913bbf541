/** Takes deliveries, counts them, and answers at once: `sink.ts PORT`. `GET` answers the count. */

import process from "node:process";
import { serve } from "./bun.ts";

let count = 0;

serve({
  hostname: "127.0.0.1",
  port: Number(process.argv[2]),
  fetch(request) {
    if (request.method === "GET") return new Response(String(count));
    count++;
    return new Response("ok");
  },
});
