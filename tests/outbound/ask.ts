/** A program that makes the requests named on its command line, prints what came of each, and ends by itself. */

import process from "node:process";
import { request } from "../../lib/outbound/request.ts";
import { networkOutcome } from "../../lib/targets/outcomes.ts";

const results: string[] = [];
for (const url of process.argv.slice(2)) {
  const answer = await request(new URL(url), { signal: AbortSignal.timeout(5_000) }).catch((error) => error);
  results.push(answer instanceof Error ? networkOutcome(answer, "it").reason : `${answer.status} ${answer.body}`);
}
console.log(JSON.stringify(results));
