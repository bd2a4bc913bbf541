/** A referee of simulations: it is told of every attempt, looks into the store, and says which promise was broken. */

import { Buffer } from "node:buffer";
import { DatabaseSync, type StatementSync } from "node:sqlite";
import type { Clock } from "../../lib/clock.ts";
import { parseId, readDeliveryId } from "../../lib/id.ts";
import { isOwnLane } from "../../lib/own_lane.ts";
import type { Deferred, Outcome } from "../../lib/outcome.ts";
import { type DeliveryRef, keyOf } from "../../lib/store/delivery.ts";
import type { AttemptRecord, Recorded } from "../../lib/store/mod.ts";
import { PATIENCE_MS } from "../../lib/pipeline/route.ts";
import type { Delivery, Target } from "../../lib/targets/target.ts";

/** How long a record waits before it is written, in milliseconds, or a little longer. */
const RECORD_MS = 10;

/** How long an owner may go by what an operator has changed since, in milliseconds: it looks every 200. */
const UNSEEN_MS = 250;

/** One program that owns lanes. */
export interface Program {
  readonly name: number;
  /** When it was killed, or another program took its lanes over, whichever came first; by the monotonic clock. */
  lostAt?: number;
  killedAt?: number;
}

/** One attempt, from its start. Times are those of the monotonic clock. */
export interface Made {
  serial: number;
  program: Program;
  lane: string;
  ref: DeliveryRef;
  key?: string;
  startedAt: number;
  /** Its program owned the lane. */
  isOwners: boolean;
  endedAt?: number;
  /** `aborted` by the stop of its program. */
  kind?: Outcome["kind"] | Deferred["kind"] | "aborted" | "timed out";
}

interface Row {
  attempts: number;
  order_key: string | null;
  awaits: number | null;
}

/** The circuit of a lane in one program, as its policy describes it. */
interface Shadow {
  failures: number;
  openUntil?: number;
}

const statements = {
  row: "SELECT attempts, order_key, awaits FROM deliveries WHERE event = ? AND number = ?",
  seq: "SELECT seq FROM events WHERE id BETWEEN ? AND ?",
  older: `SELECT event, number FROM deliveries WHERE target = ? AND order_key = ? AND state = 'pending'
    AND (event, number) < (?, ?) ORDER BY event, number LIMIT 1`,
  awaited: "SELECT number, target, state FROM deliveries WHERE event = ? AND is_awaited = 1",
  note: "SELECT outcome FROM notes WHERE event = ?",
  open: "SELECT open_until FROM lanes WHERE name = ?",
  all: "SELECT event, number, target, state, attempts, order_key FROM deliveries ORDER BY event, number",
  history: "SELECT event, number, attempt, outcome, detail, answer FROM attempts ORDER BY event, number, attempt",
  counted: "SELECT sum(count) AS count FROM activity",
} as const;

export class Referee {
  readonly #clock: Clock;
  readonly #lanes: ReadonlyMap<string, Target>;
  readonly #db: DatabaseSync;
  readonly #sql: Record<keyof typeof statements, StatementSync>;
  readonly made: Made[] = [];
  readonly problems: string[] = [];
  readonly #shadows = new Map<string, Shadow>();
  /** When each delivery was changed by an operator, or made; and each lane's circuit let go by one. */
  readonly #touched = new Map<string, number[]>();
  readonly #tried = new Map<string, number[]>();
  readonly #clockSets: { at: number; byMs: number }[] = [];
  readonly #records = new Map<string, number>();
  #recorded = 0;

  constructor(path: string, lanes: ReadonlyMap<string, Target>, clock: Clock) {
    this.#clock = clock;
    this.#lanes = lanes;
    this.#db = new DatabaseSync(path);
    const entries = Object.entries(statements).map(([name, sql]) => [name, this.#db.prepare(sql)]);
    this.#sql = Object.fromEntries(entries);
  }

  close(): void {
    this.#db.close();
  }

  /** An operator changed these deliveries to a target, and what is fetched for their events, or made them. */
  touch(lane: string, refs: readonly DeliveryRef[]): void {
    const now = this.#clock.monotonic();
    for (const ref of refs) add(this.#touched, keyOf(ref), now);
    add(this.#tried, lane, now);
    for (const { event } of refs) {
      for (const awaited of this.#sql.awaited.all(event) as unknown as { number: number; target: string }[]) {
        add(this.#touched, keyOf({ event, number: awaited.number }), now);
        add(this.#tried, awaited.target, now);
      }
    }
  }

  clockWasSet(byMs: number): void {
    this.#clockSets.push({ at: this.#clock.monotonic(), byMs });
  }

  /** The store took records. */
  keep(lane: string, records: readonly AttemptRecord[], recorded: readonly Recorded[]): void {
    records.forEach(({ ref }, index) => {
      const { fate } = recorded[index]!;
      if (fate === "recorded" && !isOwnLane(lane)) this.#recorded++;
      if (fate !== "known") this.#records.set(keyOf(ref), (this.#records.get(keyOf(ref)) ?? 0) + 1);
    });
  }

  start(program: Program, lane: string, delivery: Delivery): Made {
    const { first, last, number } = readDeliveryId(parseId(delivery.id)!);
    const { seq: event } = this.#sql.seq.get(first, last) as { seq: number };
    const row = this.#sql.row.get(event, number) as unknown as Row;
    const made: Made = {
      serial: this.made.length,
      program,
      lane,
      ref: { event, number },
      key: row.order_key ?? undefined,
      startedAt: this.#clock.monotonic(),
      isOwners: program.lostAt === undefined,
    };
    const underway = this.#underwayOf(program, lane);
    if (underway.length >= this.#lanes.get(lane)!.policy.concurrency) this.#blame(made, "is one too many at a time");
    if (made.key !== undefined && underway.some(({ key }) => key === made.key)) {
      this.#blame(made, "runs beside another of its key");
    }
    this.#checkCircuit(made, underway);
    if (made.isOwners) {
      this.#checkOrder(made);
      this.#checkNeed(made, delivery, row);
      if (delivery.attempt !== row.attempts + 1) {
        this.#blame(made, `is called attempt ${delivery.attempt} after ${row.attempts}`);
      }
    }
    this.made.push(made);
    return made;
  }

  /** @param outcome `undefined` if the stop of its program ended it. */
  end(made: Made, outcome: Outcome | Deferred | undefined): void {
    made.endedAt = this.#clock.monotonic();
    const isLate = outcome?.kind === "retry" && outcome.reason === "timed_out";
    made.kind = isLate ? "timed out" : outcome?.kind ?? "aborted";
    const { circuit } = this.#lanes.get(made.lane)!.policy;
    if (!outcome || !circuit || outcome.kind === "deferred" || outcome.kind === "dead") return;
    const shadow = this.#shadowOf(made);
    if (outcome.kind === "delivered") {
      shadow.failures = 0;
      shadow.openUntil = undefined;
      return;
    }
    if (outcome.pauseMs !== undefined) return;
    shadow.failures++;
    const opens = shadow.openUntil === undefined
      ? shadow.failures >= circuit.failures
      : this.#openUntil(made, shadow)! <= made.endedAt;
    if (opens) shadow.openUntil = made.endedAt + circuit.pauseMs;
  }

  #shadowOf({ program, lane }: Made): Shadow {
    const name = `${program.name} ${lane}`;
    const shadow = this.#shadows.get(name) ?? { failures: 0 };
    this.#shadows.set(name, shadow);
    return shadow;
  }

  /** A program begins with a probe of circuits that were open. */
  takeOver(program: Program): void {
    for (const name of this.#lanes.keys()) {
      const row = this.#sql.open.get(name) as { open_until: number | null } | undefined;
      const openUntil = row?.open_until == null ? undefined : this.#clock.monotonic();
      this.#shadows.set(`${program.name} ${name}`, { failures: 0, openUntil });
    }
  }

  #openUntil({ lane }: Made, { openUntil }: Shadow): number | undefined {
    const { pauseMs } = this.#lanes.get(lane)!.policy.circuit!;
    const tried = (this.#tried.get(lane) ?? []).findLast((at) => at >= openUntil! - pauseMs);
    return openUntil === undefined || tried === undefined ? openUntil : Math.min(openUntil, tried);
  }

  #checkCircuit(made: Made, underway: readonly Made[]): void {
    if (!this.#lanes.get(made.lane)!.policy.circuit) return;
    const shadow = this.#shadowOf(made);
    const openUntil = this.#openUntil(made, shadow);
    if (openUntil === undefined) return;
    if (made.startedAt < openUntil) this.#blame(made, `begins ${openUntil - made.startedAt} ms before the probe`);
    else if (underway.length > 0) this.#blame(made, "is a probe beside another attempt");
  }

  /** Nothing of a key begins while an older one of it is live, due or not. */
  #checkOrder(made: Made): void {
    const { lane, key, ref, startedAt } = made;
    if (key === undefined) return;
    const older = this.#sql.older.get(lane, key, ref.event, ref.number) as unknown as DeliveryRef | undefined;
    if (!older || this.#wasTouched(older, startedAt - UNSEEN_MS)) return;
    this.#blame(made, `begins before ${keyOf(older)} of its key`);
  }

  #wasTouched(ref: DeliveryRef, since: number, until = Infinity): boolean {
    return (this.#touched.get(keyOf(ref)) ?? []).some((at) => at >= since && at <= until);
  }

  /** What awaits another one begins when that has ended, or its patience has. */
  #checkNeed(made: Made, { event }: Delivery, row: Row): void {
    const need = this.#lanes.get(made.lane)!.enrich;
    if (!need || event.note) return;
    if (!need.isOptional) return this.#blame(made, "goes without what it needs");
    const awaited = this.#sql.awaited.get(made.ref.event) as { state: string } | undefined;
    if (!awaited) return this.#blame(made, "goes without what nobody asked for");
    if (awaited.state !== "pending" || row.awaits === null) return;
    const note = this.#sql.note.get(made.ref.event) as { outcome: string | null } | undefined;
    const since = this.#waitingSince(made);
    const isOver = made.startedAt >= since + PATIENCE_MS;
    // What is left of its patience counts from its first failure, by a clock that may have been set since.
    const first = this.made.find(({ ref }) => keyOf(ref) === keyOf(made.ref)) ?? made;
    const wasSet = this.#clockSets.some(({ at }) => at >= Math.min(since, first.startedAt));
    if (note?.outcome || isOver || wasSet) return;
    this.#blame(made, "goes without what it awaits before its patience is over");
  }

  #waitingSince({ ref }: Made): number {
    const touched = this.#touched.get(keyOf(ref)) ?? [];
    const own = this.made.filter((one) =>
      keyOf(one.ref) === keyOf(ref) && one.isOwners && one.kind !== "deferred" && one.kind !== "aborted" &&
      (one.program.lostAt ?? Infinity) > (one.endedAt ?? 0)
    );
    const ended = own.map(({ endedAt = 0 }) => endedAt);
    return Math.max(0, ...touched, ...ended);
  }

  #underwayOf(program: Program, lane: string): Made[] {
    return this.made.filter((one) => one.program === program && one.lane === lane && one.endedAt === undefined);
  }

  #blame({ lane, ref, program, serial }: Pick<Made, "lane" | "ref" | "program" | "serial">, what: string): void {
    const at = this.#clock.monotonic();
    this.problems.push(`attempt ${serial} of ${keyOf(ref)} to ${lane} by program ${program.name} at ${at} ${what}`);
  }

  /** Looks at everything once no delivery is live any more. */
  finish(accepted: ReadonlyMap<string, number>): void {
    const rows = this.#sql.all.all() as unknown as (Row & DeliveryRef & { target: string; state: string })[];
    for (const row of rows) {
      if (row.state !== "delivered" && row.state !== "dead") this.problems.push(`${keyOf(row)} is left ${row.state}`);
    }
    const perEvent = Map.groupBy(rows, ({ event }) => event);
    for (const [id, count] of accepted) {
      const found = this.#sql.seq.get(Buffer.from(id, "hex"), Buffer.from(id, "hex")) as { seq: number } | undefined;
      const own = found && perEvent.get(found.seq);
      if (!own || own.length < count) this.problems.push(`of event ${id} something is lost`);
    }
    this.#checkHistory(rows);
    this.#checkRates();
    this.#checkSuccesses();
  }

  #checkHistory(rows: readonly (Row & DeliveryRef)[]): void {
    const history = this.#sql.history
      .all() as unknown as (DeliveryRef & { attempt: number; detail: string | null; answer: string | null })[];
    const perDelivery = Map.groupBy(history, keyOf);
    for (const row of rows) {
      const own = perDelivery.get(keyOf(row)) ?? [];
      const kept = this.#records.get(keyOf(row)) ?? 0;
      if (own.length !== kept) this.problems.push(`${keyOf(row)} has ${own.length} attempts for ${kept} records`);
      if (row.attempts > own.length) {
        this.problems.push(`${keyOf(row)} counts ${row.attempts} of ${own.length} attempts`);
      }
    }
    const known = new Set<number>();
    for (const one of history) {
      const serial = Number(/^#(\d+)\.$/.exec(one.answer ?? one.detail ?? "")?.[1] ?? NaN);
      const made = this.made[serial];
      if (!made || keyOf(made.ref) !== keyOf(one)) continue; // it ended as what it awaited did
      if (known.has(serial)) this.#blame(made, "is in the history twice");
      known.add(serial);
    }
    for (const one of this.made) {
      const isScripted = one.kind === "delivered" || one.kind === "retry" || one.kind === "dead";
      const wasLost = (one.program.killedAt ?? Infinity) <= (one.endedAt ?? Infinity) + RECORD_MS;
      if (isScripted && !wasLost && !known.has(one.serial)) this.#blame(one, "is not in the history");
    }
    const { count } = this.#sql.counted.get() as { count: number | null };
    if ((count ?? 0) !== this.#recorded) this.problems.push(`${count} attempts are counted of ${this.#recorded}`);
  }

  /** No window of a rate has more starts than it allows, whoever owned the lane. */
  #checkRates(): void {
    for (const [lane, { policy: { rates } }] of this.#lanes) {
      const own = this.made.filter((one) => one.lane === lane);
      for (const one of Map.groupBy(own, ({ program }) => program).values()) this.#checkWindows(one, rates);
      this.#checkWindows(own.filter(({ isOwners, kind }) => isOwners && kind !== "deferred"), rates);
    }
  }

  #checkWindows(made: readonly Made[], rates: Target["policy"]["rates"]): void {
    for (const { perMs, limit } of rates) {
      made.slice(limit).forEach((one, index) => {
        const first = made[index]!;
        if (one.startedAt - first.startedAt >= perMs) return;
        const isSame = made.slice(index, index + limit + 1).every(({ program }) => program === one.program);
        // By a clock that was set forward, what the owner before had begun is long past.
        const wasSet = this.#clockSets.some(({ at, byMs }) => byMs > 0 && at >= first.startedAt && at <= one.startedAt);
        if (isSame || !wasSet) this.#blame(one, `is more than ${limit} in ${perMs} ms`);
      });
    }
  }

  /** A delivery succeeds twice, and one of a key before an older one, only where there was a reason. */
  #checkSuccesses(): void {
    const successes = this.made.filter(({ kind }) => kind === "delivered");
    for (const own of Map.groupBy(successes, ({ ref }) => keyOf(ref)).values()) {
      own.slice(1).forEach((again, index) => {
        const before = own[index]!;
        const wasRetried = this.#wasTouched(again.ref, before.startedAt - UNSEEN_MS, again.startedAt);
        const wasLost = (before.program.lostAt ?? Infinity) <= before.endedAt! + RECORD_MS;
        if (!wasRetried && !wasLost && again.isOwners) this.#blame(again, `repeats attempt ${before.serial}`);
      });
    }
    const owned = successes.filter(({ key, isOwners, ref }) =>
      key !== undefined && isOwners && !this.#touched.has(keyOf(ref))
    );
    for (const own of Map.groupBy(owned, ({ lane, key }) => `${lane} ${key}`).values()) {
      const seen = new Set<string>();
      const firsts = own.filter(({ ref }) => !seen.has(keyOf(ref)) && seen.add(keyOf(ref)));
      firsts.slice(1).forEach((one, index) => {
        if (isBefore(one.ref, firsts[index]!.ref)) {
          this.#blame(one, `comes after ${keyOf(firsts[index]!.ref)} of its key`);
        }
      });
    }
  }
}

function add(times: Map<string, number[]>, name: string, at: number): void {
  times.set(name, [...times.get(name) ?? [], at]);
}

function isBefore(one: DeliveryRef, other: DeliveryRef): boolean {
  return one.event < other.event || (one.event === other.event && one.number < other.number);
}
