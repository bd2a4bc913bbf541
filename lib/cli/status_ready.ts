/** `relay status --ready` */

import type { LoadedConfig } from "../config/load.ts";
import { RelayError } from "../errors.ts";
import { listenerUrl } from "../listener_url.ts";
import { visible } from "../log.ts";
import { request } from "../outbound/request.ts";
import { networkFailure } from "../targets/outcomes.ts";
import type { Language } from "../locale/mod.ts";
import { words } from "./language.ts";
import { configOf, type ConfigOptions, print, printJson } from "./shared.ts";

/** Longest wait for the relay's answer, in milliseconds. */
const ANSWER_WAIT_MS = 4_000;

/** Most characters of its answer that are told. */
const MAX_SAID = 300;

/**
 * Asks the relay that runs by this config whether it can take events, as its admin listener knows.
 * @throws {RelayError} if it cannot, does not answer in time, or does not run.
 */
export async function ready(options: ConfigOptions, asJson = false): Promise<void> {
  const { url, token } = askedOf(await configOf(options));
  const { status, text } = await ask(url, token);
  if (status !== 200) throw new RelayError(({ status: says }) => notReady(says, url, status, text));
  if (asJson) printJson({ ready: true, url });
  else print(words.status.isReady);
}

function notReady(says: Language["status"], url: string, status: number, text: string): string {
  const said = text.replaceAll(/\s+/g, " ").trim().slice(0, MAX_SAID);
  return visible(said === "" ? says.notReady(url, status) : says.notReadyText(url, status, said));
}

/** Where to ask, and the token to show there. */
function askedOf({ config: { admin } }: LoadedConfig): { url: string; token?: string } {
  if (!admin) {
    throw new RelayError(
      ({ status }) => status.noAdmin,
      ({ status }) => status.noAdminHint,
    );
  }
  return { url: `${listenerUrl(admin.host, admin.port)}/readyz`, token: admin.token };
}

async function ask(url: string, token?: string): Promise<{ status: number; text: string }> {
  const headers: Record<string, string> = token === undefined ? {} : { Authorization: `Bearer ${token}` };
  const signal = AbortSignal.timeout(ANSWER_WAIT_MS);
  try {
    const { status, body } = await request(new URL(url), { headers, signal, isHere: true });
    return { status, text: body.toString() };
  } catch (error) {
    if (signal.aborted) throw new RelayError(({ status }) => status.noAnswer(url, ANSWER_WAIT_MS));
    throw new RelayError(networkFailure(error, url).problem, ({ status }) => status.startHint);
  }
}
