/** Receipts: requests in which a vendor tells what became of messages. They are verified, and answered once on disk. */

import type { Clock } from "../clock.ts";
import { explain, StoreError } from "../errors.ts";
import { textAnswer } from "../http/answer.ts";
import type { Incoming } from "../http/incoming.ts";
import { log } from "../log.ts";
import { receiptsHeard } from "../metrics.ts";
import type { Refusal } from "../refusal.ts";
import type { ReceiptStore } from "../store/receipts.ts";
import type { ReceiptEndpoint } from "../targets/receipt_endpoint.ts";
import type { Target } from "../targets/target.ts";
import { answers, bodyAnswer, laterAnswer, methodAnswer } from "./answers.ts";
import { clientAddress } from "./client.ts";

/** Largest body, in bytes: Meta sends no more than 3 MB. */
const MAX_BYTES = 3 * 1024 ** 2;

/** How many are stored at a time. */
const BATCH = 1_000;

/** What receiving receipts needs to know of the config. */
export interface ReceiptsConfig {
  targets: ReadonlyMap<string, Target>;
  trustedProxies: number;
  /** Called for each refused request, with the name of the target. */
  onRefused?(target: string, reason: Refusal): void;
}

/** A path that receipts come to, and the targets that they may be of: those of one app share a path. */
export interface ReceiptPath {
  endpoint: ReceiptEndpoint;
  targets: string[];
}

/** Every path that receipts come to. */
export function receiptPaths(targets: Iterable<Target>): ReceiptPath[] {
  const paths = new Map<string, ReceiptPath>();
  for (const { name, receipts } of targets) {
    if (!receipts) continue;
    const path = paths.get(receipts.path) ?? { endpoint: receipts, targets: [] };
    path.targets.push(name);
    paths.set(receipts.path, path);
  }
  return [...paths.values()];
}

/** Answers requests to such a path. */
export function createHear(
  store: Pick<ReceiptStore, "hear">,
  { trustedProxies, onRefused }: ReceiptsConfig,
  clock: Clock,
): (incoming: Incoming, path: ReceiptPath) => Promise<Response> {
  return async (incoming, { endpoint, targets }) => {
    const client = clientAddress(incoming.client, incoming.header("X-Forwarded-For"), trustedProxies);
    const [target = ""] = targets;
    const refuse = (reason: Refusal, answer: Response, problem?: string) => {
      const level = reason === "store_failed" ? "error" : "warn";
      const words = problem === undefined ? "{reason}" : "{reason}, {problem}";
      const { status } = answer;
      log[level](`refused receipts for {target} from {client}: ${words}`, { target, client, reason, status, problem });
      onRefused?.(target, reason);
      return answer;
    };
    const body = await incoming.body(MAX_BYTES);
    if (typeof body === "string") return refuse(`body_${body}`, bodyAnswer(body, MAX_BYTES));
    const read = endpoint.read({
      method: incoming.method,
      query: new URL(incoming.url, "http://relay").searchParams,
      headers: { get: (name) => incoming.header(name) },
      body,
      now: clock.now(),
    });
    if (read.kind === "method") return methodAnswer(endpoint.allow);
    if (read.kind === "unsigned") return refuse(read.reason, answers.unsigned);
    if (read.kind === "invalid") {
      return refuse("body_invalid", textAnswer(400, String(read.problem)), String(read.problem));
    }
    if (read.kind === "handshake") {
      log.info("answered the vendor's check of the address of receipts for {target}", { target, client });
      return textAnswer(200, read.body);
    }
    const { receipts } = read;
    if (receipts.length === 0) return answers.stored;
    try {
      for (let at = 0; at < receipts.length; at += BATCH) {
        if (at > 0) await clock.sleep(0); // lets other work run in between
        await store.hear(endpoint.path, targets, receipts.slice(at, at + BATCH));
      }
    } catch (error) {
      if (!(error instanceof StoreError)) throw error;
      return refuse("store_failed", laterAnswer("The receipts cannot be stored now"), explain(error));
    }
    for (const { status } of receipts) receiptsHeard.inc({ target, status });
    return answers.stored;
  };
}
