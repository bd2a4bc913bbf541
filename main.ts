/** The executable `relay`. */

import process from "node:process";

// Loading takes a moment, in which a SIGHUP that is meant to reload would end the program.
if (process.argv[2] === "serve") process.on("SIGHUP", () => {});

const { main } = await import("./lib/cli/mod.ts");
await main(process.argv.slice(2));
