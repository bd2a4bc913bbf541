/** Load from a process of its own on the other core: 64 connections that are kept, requests that were signed before. */

import { Buffer } from "node:buffer";
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { bodyOf, requestOf, sign } from "./events.ts";
import { benchFile, bun, isInstalled, workFolder } from "./machine.ts";
import { run } from "./processes.ts";

/** A file of requests that were signed, or forged, before. */
export interface Records {
  path: string;
  count: number;
}

/** `each` sends every request once and ends with the file, `wrap` begins it again, `same` sends one for ever. */
export type Mode = "each" | "wrap" | "same";

export interface LoadOptions {
  port: number;
  records: Records;
  seconds: number;
  mode: Mode;
  /** The first request, counted in the file. */
  offset?: number;
  /** Default: {@link CONNECTIONS}. */
  connections?: number;
}

/** What came of a load. */
export interface Loaded {
  /** Requests that were answered. */
  answers: number;
  /** Answers with a status of 400 and more. */
  refused: number;
  /** Connections that failed, and answers that took over 30 s. */
  failed: number;
  seconds: number;
  p50Ms: number;
  p99Ms: number;
  /** 1 if there were not enough requests in the file. */
  exhausted: number;
}

export const CONNECTIONS = 64;

const LENGTH = Buffer.byteLength(requestOf(bodyOf(0, 0), sign("")));

/** What makes the load, in words. */
export function generator(): string {
  return isInstalled("wrk") ? "wrk" : "the bench's own generator, since wrk is not installed";
}

/** Writes a file of requests. */
export async function makeRecords(kind: "genuine" | "forged", count: number): Promise<Records> {
  mkdirSync(workFolder, { recursive: true });
  const path = join(workFolder, `${kind}.requests`);
  await run("load", [bun, benchFile("load/records.ts"), path, String(count), kind]);
  return { path, count };
}

/** Loads a server and waits for the end. */
export async function load(
  { port, records, seconds, mode, offset = 0, connections = CONNECTIONS }: LoadOptions,
): Promise<Loaded> {
  const args = [records.path, String(LENGTH), String(offset), mode];
  const output = isInstalled("wrk")
    ? await run("load", [
      "wrk",
      ...["-t1", `-c${connections}`, `-d${seconds}s`, "--timeout", "30s", "-s", benchFile("load/wrk.lua")],
      ...[`http://127.0.0.1:${port}`, "--", ...args],
    ])
    : await run("load", [bun, benchFile("load/generate.ts"), String(port), `${connections}`, `${seconds}`, ...args]);
  return JSON.parse(output.trimEnd().split("\n").at(-1)!);
}
