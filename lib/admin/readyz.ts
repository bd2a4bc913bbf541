/** `/readyz?verbose`: a line for each thing that is looked at, as Kubernetes' own servers write it. */

import { messageOf } from "../errors.ts";
import { maskRecipients } from "../recipient.ts";
import { log } from "../log.ts";
import type { Relays } from "../operator/relays.ts";
import type { AdminContext } from "./context.ts";
import { targetsNow, troubleNow } from "./now.ts";

/** `[+]` is well, `[-]` makes the relay not ready, `[!]` does not and should be looked at. */
type Mark = "+" | "-" | "!";

/** Tells the log when the relay is not ready any more, and when it is again: a load balancer asks often. */
export class Readiness {
  #isReady = true;

  /** @param problem Why it is not ready; `undefined` if it is. */
  tell(problem: string | undefined): void {
    const isReady = problem === undefined;
    if (isReady === this.#isReady) return;
    this.#isReady = isReady;
    const path = "/readyz";
    if (isReady) log.info("{path} of the admin listener: the relay is ready again", { path });
    else log.error("cannot answer {path} of the admin listener: {problem}", { path, problem });
  }
}

/** @param failure What the store's probe threw, if it did. */
export async function readyzText(context: AdminContext, failure?: unknown): Promise<string> {
  const lines = [
    failure === undefined ? line("+", "store ok") : line("-", `store failed: ${messageOf(failure)}`),
    ...await linesOf(context, "relay", troubleLines),
    ...await linesOf(context, "targets", targetLines),
    `readyz check ${failure === undefined ? "passed" : "failed"}`,
  ];
  return maskRecipients(context.loaded().redact(lines.join("\n"))) + "\n";
}

/** The store that cannot be written may still be read, or not. */
async function linesOf(
  context: AdminContext,
  name: string,
  read: (context: AdminContext) => Promise<string[]>,
): Promise<string[]> {
  try {
    return await read(context);
  } catch (error) {
    return [line("!", `${name} unknown: ${messageOf(error)}`)];
  }
}

async function troubleLines(context: AdminContext): Promise<string[]> {
  const { reload, refusals, alarms, relays } = await troubleNow(context);
  return [
    ...(reload
      ? [
        line("!", `config not reloaded since ${reload.refusedSince}, the previous one stays in use: ${reload.problem}`),
        ...reload.mistakes.map(({ path, message }) => `   ${path ? `${path}: ` : ""}${message}`),
      ]
      : [line("+", "config ok")]),
    ...(refusals.length === 0
      ? [line("+", "requests ok")]
      : refusals.map(({ source, reason, count, lastAt }) =>
        line("!", `requests to ${source} refused: ${reason}, ${count} in the last hour, last at ${lastAt}`)
      )),
    ...(relays ? relayLines(relays) : []),
    ...alarms.map(({ alarm, since, to }) => line("!", `alarm ${alarm} since ${since}, ${to} is told`)),
  ];
}

function relayLines({ members, gone, unowned }: Relays): string[] {
  return [
    line("+", `relays ${members.map(({ name }) => name).join(", ")}`),
    ...gone.filter(({ state }) => state === "lost").map(({ name, lastHeardAt }) =>
      line("!", `relay ${name} gone without a word, heard of last at ${lastHeardAt}`)
    ),
    ...unowned.map((name) => line("!", `target ${name} owned by no relay`)),
  ];
}

async function targetLines(context: AdminContext): Promise<string[]> {
  return (await targetsNow(context)).map(({ name, state, pending, dead, lastReason }) => {
    if (state === "ok") return line("+", `target ${name} ok`);
    const reason = state === "paused" || lastReason === null ? "" : `, last failure ${lastReason}`;
    return line("!", `target ${name} ${state}: ${pending} waiting, ${dead} dead${reason}`);
  });
}

function line(mark: Mark, text: string): string {
  return `[${mark}]${text.replaceAll(/\s+/g, " ")}`;
}
