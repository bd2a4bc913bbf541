/** The executable `relay`. */

import process from "node:process";
import { main } from "./lib/cli/mod.ts";

await main(process.argv.slice(2));
