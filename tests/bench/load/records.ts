/** Writes signed requests, or forged ones, one after the other into a file: `records.ts FILE COUNT genuine|forged`. */

import { Buffer } from "node:buffer";
import { createHash } from "node:crypto";
import { closeSync, fsyncSync, openSync, writeSync } from "node:fs";
import process from "node:process";
import { bodyOf, requestOf, sign } from "../events.ts";

const [path, count, kind] = process.argv.slice(2);

/** A sender that sends this many a second stamps as many with one time. */
const PER_SECOND = 20_000;

const CHUNK = 5_000;

const forge = (body: string) => `sha256=${createHash("sha256").update(body).digest("hex")}`;
const signature = kind === "forged" ? forge : sign;

const startMs = Date.now();
const file = openSync(path!, "w");
for (let first = 0; first < Number(count); first += CHUNK) {
  const records: string[] = [];
  for (let index = first; index < Math.min(first + CHUNK, Number(count)); index++) {
    const body = bodyOf(index, startMs + Math.floor(index / PER_SECOND) * 1000);
    records.push(requestOf(body, signature(body)));
  }
  writeSync(file, Buffer.from(records.join("")));
}
fsyncSync(file); // or the system would write it out while the disk is being measured
closeSync(file);
