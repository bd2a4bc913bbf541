/** How `relay status` tells of relays that share a store: which are there, which are gone, and what came to another one. */

import type { Format } from "../locale/format.ts";
import { paint } from "../log.ts";
import { groupedTakeovers, type Relays, type RelayView } from "../operator/relays.ts";
import { words } from "./language.ts";
import { type Cut, table, wrapped } from "./terminal.ts";

/** How many takeovers are told one by one; the rest is a number. */
const TAKEOVERS_TOLD = 3;

/** What gives way on a narrow terminal: versions, when it was started, ends of long names. */
const cuts: Cut[] = [{ column: 2, to: 0 }, { column: 3, to: 0 }, { column: 0, to: 16 }];

const colors = { running: "green", stopping: "yellow", stopped: "yellow", lost: "red" } as const;

export function relayTable({ members, gone }: Relays, format: Format): string[] {
  if (members.length + gone.length === 0) return [];
  const { relays } = words.status;
  return table([
    [relays.name, relays.state, relays.version, relays.since, relays.heardAt, relays.owns],
    ...[...members, ...gone].map((one) => [
      one.name,
      paint(colors[one.state], relays.states[one.state]),
      one.version,
      one.since === null ? "-" : format.short(Date.parse(one.since)),
      one.lastHeardAt === null ? "-" : format.relative(Date.parse(one.lastHeardAt)),
      ownsWords(one),
    ]),
  ], cuts);
}

function ownsWords({ lanes, duties, state }: RelayView): string {
  return state === "stopped" || state === "lost" ? "-" : words.status.relays.targets(lanes.length, duties);
}

/** Which targets came to another relay within the last day, and why. */
export function takeoverLines({ takeovers }: Relays, format: Format): string[] {
  if (takeovers.length === 0) return [];
  const { status } = words;
  const groups = groupedTakeovers(takeovers);
  const rest = groups.slice(TAKEOVERS_TOLD).reduce((sum, { lanes }) => sum + lanes.length, 0);
  return [
    "",
    status.takeovers(takeovers.length),
    ...groups.slice(0, TAKEOVERS_TOLD).flatMap(({ at, member, wasGivenUp, lanes }) => {
      const cause = wasGivenUp ? status.givenUp : paint("yellow", status.wasLost);
      return wrapped(`  ${status.takeover(format.short(Date.parse(at)), member, lanes, cause)}`, "    ");
    }),
    ...(rest > 0 ? [`  ${status.takeoversMore(rest)}`] : []),
  ];
}
