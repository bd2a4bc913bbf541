/** Makes one attempt with each set of options, of which the first argument is a list in JSON, and prints the outcomes. */

import process from "node:process";
import { attempt } from "../../lib/pipeline/attempt.ts";
import { emailTarget } from "../../lib/targets/email.ts";
import { makeDelivery, makeTarget, never } from "../helpers/target.ts";

const outcomes = [];
for (const options of JSON.parse(process.argv[2]!)) {
  const target = makeTarget(emailTarget, { from: "relay@clinica.example", to: "equipe@clinica.example", ...options });
  outcomes.push(await attempt(target, makeDelivery, never));
  target.close?.();
}
process.stdout.write(JSON.stringify(outcomes));
