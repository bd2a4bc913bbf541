/** `relay status --ready` */

import { get } from "node:http";
import { loadConfig, type LoadedConfig } from "../config/load.ts";
import { RelayError } from "../errors.ts";
import { listenerUrl } from "../listener_url.ts";
import { visible } from "../log.ts";
import { networkOutcome, withWords } from "../targets/outcomes.ts";
import { type ConfigOptions, print, printJson } from "./shared.ts";

/** Longest wait for the relay's answer, in milliseconds. */
const ANSWER_WAIT_MS = 4_000;

/**
 * Asks the relay that runs by this config whether it can take events, as its operator's listener knows.
 * @throws {RelayError} if it cannot, does not answer in time, or does not run.
 */
export async function ready(options: ConfigOptions, asJson = false): Promise<void> {
  const { url, token } = askedOf(await loadConfig(options.config));
  const { status, text } = await ask(url, token);
  if (status !== 200) throw new RelayError(visible(withWords(`Not ready: ${url} answered ${status}`, text)));
  if (asJson) printJson({ ready: true, url });
  else print("ready");
}

/** Where to ask, and the token to show there. */
function askedOf({ config: { admin } }: LoadedConfig): { url: string; token?: string } {
  if (!admin) {
    throw new RelayError(
      "Cannot ask whether the relay is ready: `admin` is false in the config",
      "the operator's listener tells; without it, `GET /healthz` at `listen` tells whether the relay answers",
    );
  }
  return { url: `${listenerUrl(admin.host, admin.port)}/readyz`, token: admin.token };
}

/** Not by `fetch`: that one would ask the proxy of `$HTTP_PROXY`, which Docker sets in containers, for this machine. */
function ask(url: string, token?: string): Promise<{ status: number; text: string }> {
  const headers = token === undefined ? undefined : { Authorization: `Bearer ${token}` };
  return new Promise((resolve, reject) => {
    const fail = (error: unknown) => {
      const isLate = (error as Error).name === "TimeoutError" || (error as Error).name === "AbortError";
      if (isLate) return reject(new RelayError(`Not ready: no answer from ${url} within ${ANSWER_WAIT_MS} ms`));
      reject(new RelayError(networkOutcome(error, url).detail, "start the relay with `relay serve`"));
    };
    get(url, { headers, agent: false, signal: AbortSignal.timeout(ANSWER_WAIT_MS) }, (response) => {
      let text = "";
      response.setEncoding("utf8").on("data", (chunk) => text += chunk);
      response.on("end", () => resolve({ status: response.statusCode!, text })).on("error", fail);
    }).on("error", fail);
  });
}
