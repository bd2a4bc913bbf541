/** How `relay status` tells how each target is doing. */

import type { Format } from "../locale/format.ts";
import { paint } from "../log.ts";
import { ownerOf, type Relays } from "../operator/relays.ts";
import type { Status } from "../operator/status.ts";
import { reasonName } from "./event_words.ts";
import { words } from "./language.ts";
import type { StatusNow } from "./status_now.ts";
import { type Cut, table } from "./terminal.ts";

/** What gives way on a narrow terminal: state and reason stay whole. */
const cuts: Cut[] = [
  { column: 5, to: 0 },
  { column: 3, to: 0 },
  { column: 6, to: 0 },
  { column: 8, to: 8 },
  { column: 0, to: 16 },
  { column: 4, to: 0 },
  { column: 0, to: 8 },
];

export function targetTable({ targets, relays, now }: StatusNow, format: Format): string[] {
  const { columns } = words.status;
  const ago = (time: string | null) => time === null ? "-" : format.relative(Date.parse(time));
  return table([
    [
      columns.target,
      columns.state,
      columns.waiting,
      columns.oldest,
      columns.dead,
      columns.delivered,
      columns.failed,
      columns.reason,
      ...(relays ? [columns.owner] : []),
    ],
    ...targets.map((one) => [
      one.name,
      stateWords(one, now, format),
      format.number(one.pending),
      one.oldestPendingAt === null ? "-" : words.forms.span(now - Date.parse(one.oldestPendingAt)),
      format.number(one.dead),
      ago(one.lastDeliveredAt),
      ago(one.lastFailedAt),
      one.lastReason === null ? "-" : reasonName(one.lastReason),
      ...(relays ? [ownerWords(relays, one.name)] : []),
    ]),
  ], cuts);
}

const colors = {
  ok: "green",
  failing: "red",
  open: "red",
  dead_letters: "yellow",
  orphaned: "yellow",
  paused: "yellow",
  throttled: "yellow",
} as const;

function stateWords({ state, circuitOpenUntil, throttledUntil }: Status, now: number, format: Format): string {
  const { heldUntil, heldNow, throttledUntil: waits } = words.status;
  const until = state === "open" ? circuitOpenUntil : state === "throttled" ? throttledUntil : null;
  const time = until === null ? undefined : format.short(Date.parse(until));
  const text = time === undefined
    ? words.pages.states[state]
    : state === "throttled"
    ? waits(time)
    : Date.parse(until!) > now
    ? heldUntil(time)
    : heldNow;
  return paint(colors[state], text);
}

function ownerWords(relays: Relays, target: string): string {
  const owner = ownerOf(relays, target);
  if (owner) return owner.isTaking ? paint("yellow", words.status.soon(owner.name)) : owner.name;
  return relays.unowned.includes(target) ? paint("red", words.status.nobody) : "-";
}
