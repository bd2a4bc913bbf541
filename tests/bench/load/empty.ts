/** A program that does nothing, and with an argument goes on doing it: what the runtime alone takes. */

import process from "node:process";

if (process.argv.length > 2) setInterval(() => {}, 2 ** 30);
