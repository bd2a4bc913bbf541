/** Lanes in the PostgreSQL store: who owns them, what is due in them, and how they are held. */

import { type DeliveryRef, keyOf } from "../delivery.ts";
import type {
  DueAsk,
  DueInLane,
  Epoch,
  Hold,
  LaneHold,
  LaneStore,
  OwnedLane,
  Postponed,
  Suspect,
  Taking,
  Waiting,
} from "../mod.ts";
import type { Doing } from "../fault.ts";
import { holdOf, type HoldRow } from "../rows.ts";
import { epochColumns, holdColumns } from "./columns.ts";
import type { Database } from "./database.ts";
import { type DueAnswer, readDue } from "./due.ts";
import type { PostgresMembers } from "./members.ts";
import type { SqlValue } from "./sql_text.ts";

/** A read of a lane ends with the body that brings it to this many bytes. */
const MAX_BYTES = 1024 ** 2;

export class PostgresLanes implements LaneStore {
  readonly #database: Database;
  readonly #members: PostgresMembers;
  #changes?: number;

  constructor(database: Database, members: PostgresMembers) {
    this.#database = database;
    this.#members = members;
  }

  async own(
    lanes: readonly string[],
    token: string,
    { underway, seen }: Taking = {},
  ): Promise<Map<string, OwnedLane>> {
    const rows = await this.#database.call<OwnedRow>("takeLanes", "own", [
      this.#database.at(),
      lanes,
      lanes.map((lane) => underway?.get(lane) ?? 0),
      lanes.map((lane) => seen?.get(lane)),
      token,
      this.#members.calledName,
    ]);
    return new Map(rows.map((row, index): [string, OwnedLane] => {
      const lane = lanes[index]!;
      const { epoch: number, starts, was_given_up: wasGivenUp, was_unclean: wasUnclean } = row;
      return [lane, { epoch: { lane, number, token }, hold: holdOf(row, row.now), starts, wasGivenUp, wasUnclean }];
    }));
  }

  async giveUp(lanes: readonly Epoch[]): Promise<void> {
    await this.#database.call("releaseLanes", "give_up", epochColumns(lanes));
  }

  async holds(): Promise<Map<string, LaneHold>> {
    const rows = await this.#database.call<HoldRow & { now: number }>("readStore", "holds", [this.#database.at()]);
    return new Map(rows.map((row) => [row.name, holdOf(row, row.now)]));
  }

  async hold(holds: readonly { epoch: Epoch; hold: Hold }[]): Promise<void> {
    await this.#database.call("holdLanes", "hold", [
      this.#database.at(),
      ...epochColumns(holds.map(({ epoch }) => epoch)),
      ...holdColumns(holds.map(({ hold }) => hold)),
    ]);
  }

  async due(asks: readonly DueAsk[]): Promise<DueInLane[]> {
    if (asks.length === 0) return [];
    const known = asks.flatMap(({ known }) => known);
    const rows = await this.#database.call<DueAnswer>("readStore", "due", [
      this.#database.at(),
      asks.map(({ lane }) => lane),
      asks.map(({ limit, known }) => limit + known.length),
      asks.map(({ limit }) => limit),
      asks.map(({ from }) => from),
      known.map(({ event }) => event),
      known.map(({ number }) => number),
      MAX_BYTES,
    ]);
    return readDue(asks, rows);
  }

  async park(epoch: Epoch, orderKeys: readonly string[]): Promise<boolean> {
    const [row] = await this.#database.call<{ park: boolean }>("parkDeliveries", "park", [
      this.#database.at(),
      ...epochValues(epoch),
      orderKeys,
    ]);
    return row!.park;
  }

  async unpark(epoch: Epoch): Promise<number> {
    let sum = 0;
    for (let after: string | null = null;;) {
      const [row]: { count: number; last: string | null }[] = await this.#database.call(
        "unparkDeliveries",
        "unpark",
        [this.#database.at(), ...epochValues(epoch), after],
      );
      sum += row!.count;
      after = row!.last;
      if (after === null) return sum;
    }
  }

  async await(epoch: Epoch, waiting: readonly Waiting[]): Promise<void> {
    await this.#database.call("awaitDeliveries", "await", [
      this.#database.at(),
      ...epochValues(epoch),
      waiting.map(({ ref }) => ref.event),
      waiting.map(({ ref }) => ref.number),
      waiting.map(({ revision }) => revision),
      waiting.map(({ awaits }) => awaits.lane),
      waiting.map(({ awaits }) => awaits.patienceMs),
    ]);
  }

  async beginSteps(refs?: readonly DeliveryRef[]): Promise<string[]> {
    const [row] = await this.#database.call<{ lanes: string[] }>("beginSteps", "begin_steps", [
      this.#database.at(),
      refs?.map(({ event }) => event),
      refs?.map(({ number }) => number),
    ]);
    return [...new Set(row!.lanes)];
  }

  async postpone(epoch: Epoch, postponed: readonly Postponed[]): Promise<boolean> {
    const [row] = await this.#database.call<{ postpone: boolean }>("postponeDeliveries", "postpone", [
      this.#database.at(),
      ...epochValues(epoch),
      postponed.map(({ ref }) => ref.event),
      postponed.map(({ ref }) => ref.number),
      postponed.map(({ revision }) => revision),
      postponed.map(({ dueAt }) => dueAt),
    ]);
    return row!.postpone;
  }

  async recall(epoch: Epoch, latest: number): Promise<number> {
    return await this.#inPages("postponeDeliveries", "recall", [...epochValues(epoch), latest], latest);
  }

  async bringForward(): Promise<number> {
    let sum = 0;
    for (const lane of await this.waiting()) sum += await this.#inPages("bringForward", "bring_forward", [lane], 0);
    return sum;
  }

  /** Calls a function that makes a page of deliveries due, until there are no more. Returns how many these were. */
  async #inPages(doing: Doing, name: string, values: readonly SqlValue[], after: number): Promise<number> {
    let sum = 0;
    for (let from: ForwardRow | undefined = { due_at: after, event: 0, number: 0, count: 0 }; from;) {
      const place: SqlValue[] = [from.due_at, from.event, from.number];
      const [row]: ForwardRow[] = await this.#database.call(doing, name, [this.#database.at(), ...values, ...place]);
      sum += row!.count;
      from = row!.due_at === null ? undefined : row;
    }
    return sum;
  }

  async waiting(): Promise<string[]> {
    const rows = await this.#database.call<{ name: string }>("readStore", "waiting", []);
    return rows.map(({ name }) => name);
  }

  async begin(epoch: Epoch, refs: readonly DeliveryRef[], alone?: DeliveryRef): Promise<void> {
    await this.#database.call("recordUnderway", "begin", [
      ...epochValues(epoch),
      refs.map(({ event }) => event),
      refs.map(({ number }) => number),
      refs.map((ref) => alone !== undefined && keyOf(ref) === keyOf(alone)),
    ]);
  }

  async survived(epoch: Epoch, { event, number }: DeliveryRef): Promise<void> {
    const args = [...epochValues(epoch), event, number];
    await this.#database.call("recordUnderway", "survived", args);
  }

  async forgetBegun(epoch: Epoch, { event, number }: DeliveryRef): Promise<void> {
    const args = [...epochValues(epoch), event, number];
    await this.#database.call("recordUnderway", "forget_begun", args);
  }

  async countCrash(lanes: readonly string[]): Promise<Suspect[]> {
    const rows = await this.#database.call<SuspectRow>("recordUnderway", "count_crash", [lanes]);
    return rows.map(({ event, number, has_survived: hasSurvived, ...suspect }) => ({
      ref: { event, number },
      ...suspect,
      hasSurvived,
    }));
  }

  async forgetUnderway(lanes: readonly string[]): Promise<void> {
    await this.#database.call("recordUnderway", "forget_underway", [lanes]);
  }

  async changes(): Promise<number> {
    if (!this.#members.mayHaveChanged() && this.#changes !== undefined) return this.#changes;
    this.#changes = undefined; // until it is read
    const [row] = await this.#database.query<{ count: number }>("readStore", "SELECT count FROM relay.changes");
    return this.#changes = row!.count;
  }
}

function epochValues({ lane, number, token }: Epoch): [string, number, string] {
  return [lane, number, token];
}

interface OwnedRow extends HoldRow {
  now: number;
  epoch: number;
  was_given_up: boolean;
  was_unclean: boolean;
  starts: number[];
}

interface ForwardRow {
  count: number;
  due_at: number | null;
  event: number;
  number: number;
}

interface SuspectRow extends DeliveryRef {
  lane: string;
  crashes: number;
  alone: number;
  has_survived: boolean;
}
