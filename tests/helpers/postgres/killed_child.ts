/** Starts a server, says where it is, and waits to be killed. */

import { dirname } from "node:path";
import process from "node:process";
import { startPostgres } from "../postgres.ts";

const postgres = await startPostgres();
const [row] = await postgres.query<{ folder: string }>("SELECT current_setting('data_directory') AS folder");
process.stdout.write(`${JSON.stringify({ pid: postgres.pid, folder: dirname(row!.folder) })}\n`);
setInterval(() => {}, 1000);
