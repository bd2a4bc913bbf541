/**
 * A move with one fault point: `move_program.ts FROM TO before|after COUNT`. The process kills itself at the COUNTth write
 * to either side; FROM and TO are paths of files, or URLs.
 */

import process from "node:process";
import { systemClock } from "../../lib/clock.ts";
import { moveStore } from "../../lib/operator/migrate.ts";
import { openPostgresTransfer } from "../../lib/store/postgres/transfer.ts";
import { isPostgresUrl, parsePostgresUrl } from "../../lib/store/postgres/url.ts";
import { openSqliteTransfer } from "../../lib/store/sqlite/transfer.ts";
import type { TransferSide } from "../../lib/store/transfer.ts";
import { SMALL } from "../store/filled.ts";

const [fromText, toText, point, count] = process.argv.slice(2) as [string, string, string, string];
let left = Number(count);

const writes = ["setMark", "insert", "finish"];

/** A side with a fault point at each of its writes. */
function withPoints(side: TransferSide): TransferSide {
  return new Proxy(side, {
    get(_, name) {
      const value = Reflect.get(side, name) as unknown;
      if (typeof value !== "function") return value;
      return async (...args: unknown[]) => {
        const isPoint = writes.includes(String(name)) && --left === 0;
        if (isPoint && point === "before") process.kill(process.pid, "SIGKILL");
        const result = await value.apply(side, args);
        if (isPoint) process.kill(process.pid, "SIGKILL");
        return result;
      };
    },
  });
}

async function open(text: string): Promise<TransferSide> {
  return isPostgresUrl(text)
    ? await openPostgresTransfer(parsePostgresUrl(text), true)
    : openSqliteTransfer(text, systemClock);
}

const [from, to] = [await open(fromText), await open(toText)];
const moved = await moveStore(withPoints(from), withPoints(to), { limits: SMALL });
await from.close();
await to.close();
process.stdout.write(JSON.stringify(moved));
