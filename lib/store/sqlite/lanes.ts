/** Lanes in the SQLite store: who owns them, what is due in them, and how they are held. */

import type { Doing } from "../fault.ts";
import type { StatementSync } from "node:sqlite";
import { type Clock, latestBy } from "../../clock.ts";
import { type DeliveryRef, keyOf } from "../delivery.ts";
import type {
  Due,
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
import type { SqliteAccept } from "./accept.ts";
import { SqliteAwaits } from "./awaits.ts";
import type { SqliteChains } from "./chains.ts";
import type { SqliteFile } from "./file.ts";
import { SqliteOrder } from "./order.ts";
import { SqlitePostponed } from "./postponed.ts";
import type { SqliteRecord } from "./record.ts";
import { dueOfRow, type DueRow, holdOf, type HoldRow } from "../rows.ts";
import { forgetBegun } from "./statements.ts";

/** A read of a lane ends with the body that brings it to this many bytes. */
const MAX_BYTES = 1024 ** 2;

/** Deliveries that are made due at a time. */
const FORWARD = 2_000;

/** Whether a delivery of a lane was put off by a clock that was ahead; the index finds those that are not yet due. */
const isAhead = `target = :lane AND state = 'pending' AND due_at > :now AND coalesce(due_set_at, due_at) > :latest`;

/** Whether an entry of `underway` is in a lane. */
const isInLane = `EXISTS (SELECT 1 FROM deliveries d
  WHERE d.event = underway.event AND d.number = underway.number AND d.target = ?)`;

const statements = {
  take: `INSERT INTO lanes (name, epoch, token, given_up) VALUES (:lane, 1, :token, 0)
    ON CONFLICT (name) DO UPDATE SET epoch = epoch + 1, token = excluded.token, given_up = 0
    RETURNING epoch, open_until, throttled_until, held_at, paused_at`,
  wasGivenUp: "SELECT given_up FROM lanes WHERE name = ?",
  giveUp: "UPDATE lanes SET given_up = 1 WHERE name = ? AND epoch = ? AND token = ?",
  correctStarts: "UPDATE lane_starts SET at = :now WHERE lane = :lane AND at > :latest",
  starts: "SELECT at FROM lane_starts WHERE lane = ? ORDER BY at",
  holds: "SELECT name, open_until, throttled_until, held_at, paused_at FROM lanes",
  hold: `UPDATE lanes SET open_until = :openUntil, throttled_until = :throttledUntil, held_at = :now
    WHERE name = :lane AND epoch = :number AND token = :token`,

  /** From the index alone, since most of these may be known. */
  front: `SELECT event, number FROM deliveries WHERE target = ? AND state = 'pending' AND due_at <= ?
    ORDER BY due_at, event, number LIMIT ?`,
  due:
    `SELECT d.event, d.number, d.attempts, d.first_attempt, d.due_at, d.due_set_at, d.order_key, d.reason, d.revision,
      d.is_awaited, d.expires_at, d.step, iif(d.chain IS NULL, NULL,
        d.step > (SELECT iif(is_settled, d.step, step) FROM chains c WHERE c.event = d.event AND c.chain = d.chain)) AS is_waiting,
      iif(d.awaits IS NULL, NULL,
        (SELECT target FROM deliveries a WHERE a.event = d.event AND a.number = d.awaits)) AS awaited,
      iif(d.attempts = d.first_attempt, NULL, (SELECT started_at FROM attempts a
        WHERE a.event = d.event AND a.number = d.number AND a.attempt > d.first_attempt ORDER BY attempt LIMIT 1))
        AS failing_since,
      e.id, e.source, e.type, e.received_at, e.headers, e.body, n.at AS fetched_at, n.data, n.problem, n.outcome
    FROM json_each(?) ref CROSS JOIN deliveries d ON d.event = ref.value ->> 0 AND d.number = ref.value ->> 1
      CROSS JOIN events e ON e.seq = d.event LEFT JOIN notes n ON n.event = d.event WHERE d.state = 'pending'`,
  nextAt: "SELECT min(due_at) AS at FROM deliveries WHERE target = ? AND state = 'pending' AND due_at > ?",
  /** One step in the index for each name, however many deliveries wait. */
  waiting: `WITH RECURSIVE names (name) AS (
      SELECT min(target) FROM deliveries WHERE state = 'pending'
      UNION ALL
      SELECT (SELECT min(target) FROM deliveries WHERE state = 'pending' AND target > name) FROM names WHERE name IS NOT NULL
    ) SELECT name FROM names WHERE name IS NOT NULL`,
  isAhead: `SELECT 1 FROM deliveries WHERE ${isAhead} LIMIT 1`,
  bringForward: `UPDATE deliveries SET due_at = :now, due_set_at = NULL WHERE (event, number) IN
    (SELECT event, number FROM deliveries WHERE ${isAhead} LIMIT ${FORWARD})`,

  begin: `INSERT INTO underway (event, number, is_alone) VALUES (?, ?, ?)
    ON CONFLICT (event, number) DO UPDATE SET is_alone = excluded.is_alone`,
  survived: "UPDATE underway SET is_alone = 0, alone = 0, has_survived = 1 WHERE event = ? AND number = ?",
  countCrash: `UPDATE underway SET crashes = crashes + (is_alone IS NOT NULL), alone = iif(is_alone, alone + 1, 0),
    is_alone = NULL WHERE ${isInLane}`,
  forgetDone: `DELETE FROM underway WHERE NOT EXISTS (SELECT 1 FROM deliveries d
    WHERE d.event = underway.event AND d.number = underway.number AND d.state = 'pending')`,
  suspects: `SELECT u.event, u.number, d.target AS lane, u.crashes, u.alone, u.has_survived
    FROM underway u CROSS JOIN deliveries d ON d.event = u.event AND d.number = u.number WHERE d.target = ?
    ORDER BY u.event, u.number`,
  forgetBegun,
  forgetUnderway: `DELETE FROM underway WHERE ${isInLane}`,
  changes: "SELECT count FROM changes",
} as const;

export class SqliteLanes implements LaneStore {
  readonly #file: SqliteFile;
  readonly #clock: Clock;
  readonly #awaits: SqliteAwaits;
  readonly #chains: SqliteChains;
  readonly #record: SqliteRecord;
  readonly #order: SqliteOrder;
  readonly #postponed: SqlitePostponed;
  readonly #sql: Record<keyof typeof statements, StatementSync>;

  constructor(
    file: SqliteFile,
    clock: Clock,
    { accept, chains, record }: { accept: SqliteAccept; chains: SqliteChains; record: SqliteRecord },
  ) {
    this.#file = file;
    this.#clock = clock;
    this.#awaits = new SqliteAwaits(file, accept);
    this.#chains = chains;
    this.#record = record;
    this.#order = new SqliteOrder(file, clock, record);
    this.#postponed = new SqlitePostponed(file, clock, record);
    this.#sql = file.prepareAll(statements);
  }

  async own(
    lanes: readonly string[],
    token: string,
    { underway, seen }: Taking = {},
  ): Promise<Map<string, OwnedLane>> {
    return await this.#file.write("takeLanes", () =>
      new Map(lanes.map((lane) => {
        const now = this.#clock.now();
        const before = this.#sql.wasGivenUp.get(lane) as { given_up: number } | undefined;
        const { epoch, ...row } = this.#sql.take.get({ lane, token }) as unknown as HoldRow & { epoch: number };
        const expected = seen?.get(lane);
        if (expected !== undefined && epoch !== expected + 1) throw new Error(`${lane} was taken over meanwhile`);
        this.#sql.correctStarts.run({ lane, now, latest: latestBy(now) });
        const wasGivenUp = before?.given_up !== 0;
        if (!wasGivenUp) this.#record.keepUnderway(lane, now, underway?.get(lane) ?? 0);
        const starts = (this.#sql.starts.all(lane) as { at: number }[]).map(({ at }) => at);
        return [lane, { epoch: { lane, number: epoch, token }, hold: holdOf(row, now), starts, wasGivenUp }];
      })));
  }

  async giveUp(lanes: readonly Epoch[]): Promise<void> {
    await this.#file.write("releaseLanes", () => {
      for (const { lane, number, token } of lanes) this.#sql.giveUp.run(lane, number, token);
    });
  }

  async holds(): Promise<Map<string, LaneHold>> {
    const rows = this.#file.read(() => this.#sql.holds.all() as unknown as HoldRow[]);
    return new Map(rows.map((row) => [row.name, holdOf(row, this.#clock.now())]));
  }

  async hold(holds: readonly { epoch: Epoch; hold: Hold }[]): Promise<void> {
    await this.#file.write("holdLanes", () => {
      for (const { epoch, hold: { openUntil = null, throttledUntil = null } } of holds) {
        this.#sql.hold.run({ ...epoch, openUntil, throttledUntil, now: this.#clock.now() });
      }
    });
  }

  async due(asks: readonly DueAsk[]): Promise<DueInLane[]> {
    const now = this.#clock.now();
    return this.#file.read(() => asks.map((ask) => this.#dueIn(ask, now)));
  }

  #dueIn({ lane, limit, known }: DueAsk, now: number): DueInLane {
    const isKnown = new Set(known.map(keyOf));
    const most = limit + known.length;
    const front = this.#sql.front.all(lane, now, most) as unknown as DeliveryRef[];
    const fresh = front.filter((ref) => !isKnown.has(keyOf(ref)));
    const refs = JSON.stringify(fresh.slice(0, limit).map(({ event, number }) => [event, number]));
    const due: Due[] = [];
    let bytes = 0;
    for (const row of this.#sql.due.iterate(refs) as Iterable<unknown> as Iterable<DueRow>) {
      due.push(dueOfRow(row, lane));
      bytes += row.body.byteLength + (row.data?.byteLength ?? 0);
      if (bytes >= MAX_BYTES) break;
    }
    for (const one of due) one.head = this.#record.headOf(lane, one.orderKey);
    const { at } = this.#sql.nextAt.get(lane, now) as { at: number | null };
    return { lane, due, isAll: due.length === fresh.length && front.length < most, nextAt: at ?? undefined };
  }

  async park(epoch: Epoch, orderKeys: readonly string[]): Promise<boolean> {
    return await this.#order.park(epoch, orderKeys);
  }

  async unpark(epoch: Epoch): Promise<number> {
    return await this.#order.unpark(epoch);
  }

  async await(epoch: Epoch, waiting: readonly Waiting[]): Promise<void> {
    await this.#file.write("awaitDeliveries", () => {
      if (!this.#record.isOwner({ epoch })) return;
      const now = this.#clock.now();
      for (const one of waiting) this.#awaits.await(one, now);
    });
  }

  async beginSteps(refs?: readonly DeliveryRef[]): Promise<string[]> {
    const now = this.#clock.now();
    // Most of the time there is none, which needs no write.
    if (!refs && this.#file.read(() => this.#chains.due(now)).length === 0) return [];
    return await this.#file.write("beginSteps", () => {
      const changes = { released: new Set<string>(), outdated: new Set<string>() };
      const chains = refs ? refs.flatMap((ref) => this.#chains.of(ref) ?? []) : this.#chains.due(now);
      for (const chain of chains) this.#chains.beginInTime(chain, now, changes);
      return [...changes.released];
    });
  }

  postpone = (epoch: Epoch, postponed: readonly Postponed[]) => this.#postponed.postpone(epoch, postponed);
  recall = (epoch: Epoch, latest: number) => this.#postponed.recall(epoch, latest);

  async bringForward(): Promise<number> {
    const now = this.#clock.now();
    const latest = latestBy(now);
    const lanes = (await this.waiting()).filter((lane) =>
      this.#file.read(() => this.#sql.isAhead.get({ lane, now, latest })) !== undefined
    );
    let count = 0;
    for (const lane of lanes) {
      for (let changes = FORWARD; changes === FORWARD; count += changes) {
        changes = await this.#file.write(
          "bringForward",
          () => Number(this.#sql.bringForward.run({ lane, now, latest }).changes),
        );
        await this.#clock.sleep(0); // lets other work run in between
      }
    }
    return count;
  }

  async waiting(): Promise<string[]> {
    const rows = this.#file.read(() => this.#sql.waiting.all() as unknown as { name: string }[]);
    return rows.map(({ name }) => name);
  }

  async begin(epoch: Epoch, refs: readonly DeliveryRef[], alone?: DeliveryRef): Promise<void> {
    const isAlone = (ref: DeliveryRef) => Number(alone !== undefined && keyOf(ref) === keyOf(alone));
    await this.#writeOwn("recordUnderway", epoch, () => {
      for (const ref of refs) this.#sql.begin.run(ref.event, ref.number, isAlone(ref));
    });
  }

  async survived(epoch: Epoch, { event, number }: DeliveryRef): Promise<void> {
    await this.#writeOwn("recordUnderway", epoch, () => void this.#sql.survived.run(event, number));
  }

  async forgetBegun(epoch: Epoch, { event, number }: DeliveryRef): Promise<void> {
    await this.#writeOwn("recordUnderway", epoch, () => void this.#sql.forgetBegun.run(event, number));
  }

  /** A relaxed write: a power cut may undo it, which is no unclean stop. */
  async #writeOwn(doing: Doing, epoch: Epoch, work: () => void): Promise<void> {
    await this.#file.write(doing, () => this.#record.isOwner({ epoch }) && work(), true);
  }

  async countCrash(lanes: readonly string[]): Promise<Suspect[]> {
    return await this.#file.write("recordUnderway", () => {
      this.#sql.forgetDone.run();
      return lanes.flatMap((lane) => {
        this.#sql.countCrash.run(lane);
        return (this.#sql.suspects.all(lane) as unknown as SuspectRow[]).map(suspectOf);
      });
    });
  }

  async forgetUnderway(lanes: readonly string[]): Promise<void> {
    await this.#file.write("recordUnderway", () => {
      for (const lane of lanes) this.#sql.forgetUnderway.run(lane);
      this.#sql.forgetDone.run();
    });
  }

  async changes(): Promise<number> {
    return this.#file.read(() => (this.#sql.changes.get() as { count: number }).count);
  }
}

interface SuspectRow extends Omit<Suspect, "ref" | "hasSurvived">, DeliveryRef {
  has_survived: number;
}

function suspectOf({ event, number, has_survived, ...suspect }: SuspectRow): Suspect {
  return { ref: { event, number }, ...suspect, hasSurvived: has_survived === 1 };
}
