/** How `relay status` tells of relays that share a store: which are there, which are gone, and who owns what. */

import type { ConfigError } from "../errors.ts";
import { paint } from "../log.ts";
import { groupedTakeovers, type Relays, type RelayState, type RelayView } from "../operator/relays.ts";
import { isSilent } from "../operator/run.ts";
import { mistakesOnDisk, reloadLines } from "./status_lines.ts";
import { ago, clock, count, table } from "./terminal.ts";

/** How many takeovers are told one by one; the rest is a number. */
const TAKEOVERS_TOLD = 5;

/**
 * Which relays are there and which are gone, what no relay owns, and configs that were refused: each relay has its own.
 * @param error What is wrong with the config on disk of this machine.
 */
export function relayLines(
  { members, gone, unowned }: Relays,
  error: ConfigError | undefined,
  now: number,
): string[] {
  const lost = gone.filter(({ state }) => state === "lost");
  return [
    headLine(members, gone),
    ...(members.length === 0
      ? ["  hint: start it with `relay serve`, or where it is a service with `systemctl start relay`"]
      : []),
    ...relayTable([...members, ...gone], now),
    ...lost.map((one) => lostLine(one, members.length > 0, now)),
    ...members.filter((one) => isSilent(one, now)).map(({ name, lastHeardAt }) =>
      paint("red", `${name} has given no sign of life since ${clock(Date.parse(lastHeardAt!), now)}`) +
      ": it hangs, was stopped, or cannot write"
    ),
    ...members.filter(({ taking }) => taking.length > 0).map(({ name, taking }) =>
      paint("yellow", `${name} takes over ${taking.join(", ")}`) +
      " within 15 s: the relay before was lost, and may not have ended what it began"
    ),
    ...(unowned.length === 0 ? [] : [
      paint("red", `no relay owns ${unowned.join(", ")}`) +
      `: deliveries to ${unowned.length === 1 ? "it" : "them"} wait`,
      "  A relay takes over what another lost within 37 s. After that, the log of each running relay says why not.",
    ]),
    ...members.flatMap(({ name, reload }) => reloadLines(reload, now, name)),
    ...mistakesOnDisk(error, members.flatMap(({ reload }) => reload ?? [])),
  ];
}

function headLine(members: readonly RelayView[], gone: readonly RelayView[]): string {
  const running = members.length === 0
    ? paint("red", "no relay is running")
    : `${count(members.length, "relay")} ${paint("green", members.length === 1 ? "is running" : "are running")}`;
  const left = (["stopped", "lost"] as const).flatMap((state) => {
    const { length } = gone.filter((one) => one.state === state);
    return length === 0 ? [] : [`${length} ${length === 1 ? "was" : "were"} ${state} within a day`];
  });
  return [running, ...left].join(", ");
}

const stateWords: Record<RelayState, string> = {
  running: paint("green", "running"),
  stopping: paint("yellow", "stopping"),
  stopped: paint("yellow", "stopped"),
  lost: paint("red", "lost"),
};

/** What a narrow terminal has no room for: versions, and ends of long names. */
const cuts = [{ column: 2, to: 0 }, { column: 0, to: 16 }];

function relayTable(relays: readonly RelayView[], now: number): string[] {
  if (relays.length === 0) return [];
  return table([
    ["Relay", "State", "Version", "Since", "Last heard of", "Owns"],
    ...relays.map((one) => [
      one.name,
      stateWords[one.state],
      one.version,
      one.since === null ? "-" : clock(Date.parse(one.since), now),
      one.lastHeardAt === null ? "-" : ago(now - Date.parse(one.lastHeardAt)),
      ownsWords(one),
    ]),
  ], cuts);
}

function ownsWords({ lanes, duties, state }: RelayView): string {
  if (state === "stopped" || state === "lost") return "-";
  return count(lanes.length, "target") + (duties ? " and the duties" : "");
}

function lostLine({ name, lastHeardAt }: RelayView, isAnyThere: boolean, now: number): string {
  const when = lastHeardAt === null ? "" : `: it was heard of last at ${clock(Date.parse(lastHeardAt), now)}`;
  return paint("red", `${name} is gone without a word`) + when +
    (isAnyThere ? "; the others take over its targets" : "");
}

/** Which targets came to another relay within the last day, and why. */
export function takeoverLines({ takeovers }: Relays, now: number): string[] {
  if (takeovers.length === 0) return [];
  const groups = groupedTakeovers(takeovers);
  const rest = groups.slice(TAKEOVERS_TOLD).reduce((sum, { lanes }) => sum + lanes.length, 0);
  return [
    `${count(takeovers.length, "takeover")} in the last day`,
    ...groups.slice(0, TAKEOVERS_TOLD).map(({ at, member, wasGivenUp, lanes }) => {
      const cause = wasGivenUp ? "given up by the relay before" : paint("yellow", "the relay before was lost");
      return `  ${clock(Date.parse(at), now)} ${member} took over ${lanes.join(", ")}: ${cause}`;
    }),
    ...(rest > 0 ? [`  and ${rest} before; \`relay status --json\` has them all`] : []),
  ];
}
