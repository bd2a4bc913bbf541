/** What the PostgreSQL store knows about the relays that share it. */

import type { Doing } from "../fault.ts";
import { randomUUID } from "node:crypto";
import { VERSION } from "../../version.ts";
import type { HeldLane, Meeting, Member, MemberStore, MemberView, Takeover, Word } from "../members.ts";
import { runOf, type RunRow } from "../run_rows.ts";
import type { Database } from "./database.ts";
import { storeError } from "./error.ts";
import { SCHEMA_VERSION } from "./schema.ts";
import { Session } from "./session.ts";

/** How long a relay that is gone is still shown, in milliseconds. */
const SHOWN_MS = 86_400_000;

/**
 * A relay whose calls do not come through for this long, in milliseconds, ends its session, even if the session works:
 * behind a pooler that is down it can record nothing, and whatever it owns would stand still.
 */
const UNHEARD_MS = 15_000;

const statements = {
  tellCrash: `WITH old AS (DELETE FROM relay.crashes WHERE at < coalesce($2::BIGINT, relay.now_ms()) - ${SHOWN_MS})
    INSERT INTO relay.crashes (token, at) VALUES ($1, coalesce($2::BIGINT, relay.now_ms())) ON CONFLICT DO NOTHING`,
  isAnyThere: "SELECT EXISTS (SELECT 1 FROM relay.members JOIN relay.locks() USING (number)) AS is_any",
  all: `WITH locks AS MATERIALIZED (SELECT * FROM relay.locks())
    SELECT m.name, m.is_leaving, m.pid, m.version, m.since, m.heard_at, m.stopped_at, m.details,
      k.pid IS NOT NULL AS is_there, relay.now_ms() AS now,
      ARRAY(SELECT l.name::TEXT FROM relay.lanes l JOIN locks o USING (number)
        WHERE o.pid = k.pid AND l.token = m.token ORDER BY l.name) AS lanes,
      ARRAY(SELECT l.name::TEXT FROM relay.lanes l JOIN locks o USING (number)
        WHERE o.pid = k.pid AND l.token IS DISTINCT FROM m.token ORDER BY l.name) AS taking
    FROM relay.members m LEFT JOIN locks k USING (number)
    WHERE k.pid IS NOT NULL OR m.heard_at > coalesce($1, relay.now_ms()) - ${SHOWN_MS} ORDER BY m.name`,
  takeovers: `SELECT lane, at, member, was_given_up FROM relay.takeovers WHERE at >= $1
    ORDER BY at DESC, lane LIMIT 1000`,
} as const;

export class PostgresMembers implements MemberStore {
  readonly token = randomUUID();
  onLost: () => void = () => {};
  readonly #database: Database;
  readonly #session: Session;
  readonly #wanted: string;
  #name?: string;
  #number = 0;
  #before?: string;
  #isTold = false;
  #isAsking = false;

  /** @param name Name to use; if another connected relay has it, the first free one of `NAME-2`, `NAME-3`. */
  constructor(database: Database, name: string) {
    this.#database = database;
    this.#wanted = name;
    this.#session = new Session(database.url, () => this.onLost(), () => this.#isTold = true);
  }

  /** This relay's name; `undefined` if it is not a member. */
  get name(): string | undefined {
    return this.#name;
  }

  /** The name for this relay, even while it is not a member. */
  get calledName(): string {
    return this.#name ?? this.#wanted;
  }

  /** Whether an operator may have changed something since the last call: only an open session hears about it. */
  mayHaveChanged(): boolean {
    const may = this.#isTold || !this.#session.isOpen;
    this.#isTold = false;
    return may;
  }

  /** Becomes a member. @throws {StoreError} if that fails. */
  async join(): Promise<void> {
    await this.#do("joinRelays", () => this.#join());
  }

  async #join(): Promise<void> {
    if (this.#database.unheardMs !== undefined) await this.#database.askTime(); // locks are useless without calls
    const old = this.#session.pid;
    await this.#session.open(this.calledName);
    const args = [this.#wanted, this.#name, this.token, SCHEMA_VERSION, old];
    const [row] = await this.#session.call<JoinedRow>("join_members", args);
    this.#isTold = true; // of changes until now
    const { number, name, before } = row!;
    this.#number = number;
    if (name !== this.#name) await this.#session.rename(name);
    this.#name = name;
    if (before !== this.token) this.#before = before ?? undefined;
  }

  async meet({ lanes, isLeaving, take, release }: Word): Promise<Meeting> {
    return await this.#do("meetRelays", async () => {
      if (this.#session.isOpen) this.#checkCalls();
      if (!this.#session.isOpen) await this.#join();
      const args = [this.#name, VERSION, lanes, isLeaving, take, release];
      const rows = await this.#session.call<MeetingRow>("meet", args);
      return {
        me: this.#number,
        members: rows.filter(({ kind }) => kind === "member").map(memberOf),
        held: new Map(rows.filter(({ kind }) => kind === "lane").map((row) => [row.name, heldOf(row)])),
      };
    });
  }

  /** Ends the session if no call came through for too long. Makes a call to find out, as an idle relay makes few. */
  #checkCalls(): void {
    const { unheardMs } = this.#database;
    if (unheardMs === undefined) return;
    if (unheardMs > UNHEARD_MS) return this.#session.leave();
    if (this.#isAsking) return;
    this.#isAsking = true;
    this.#database.askTime().catch(() => {}).finally(() => this.#isAsking = false);
  }

  async #do<Result>(doing: Doing, work: () => Promise<Result>): Promise<Result> {
    try {
      return await work();
    } catch (error) {
      throw storeError(doing, error, this.#database.url);
    }
  }

  async tellCrash(): Promise<void> {
    if (this.#before === undefined) return;
    await this.#database.query("meetRelays", statements.tellCrash, [this.#before, this.#database.at()]);
  }

  /** Whether any relay is connected. */
  async isAnyThere(): Promise<boolean> {
    const [row] = await this.#database.query<{ is_any: boolean }>("readStore", statements.isAnyThere);
    return row!.is_any;
  }

  async removeOld(): Promise<boolean> {
    return await this.#database.removeOld();
  }

  async all(): Promise<MemberView[]> {
    const rows = await this.#database.query<ViewRow>("readStore", statements.all, [this.#database.at()]);
    return rows.map(({ name, is_leaving, is_there, lanes, taking, ...run }) => ({
      name,
      version: run.version,
      isLeaving: is_leaving,
      isThere: is_there,
      lanes,
      taking,
      run: run.details === null ? undefined : runOf(run as RunRow),
    }));
  }

  async takeovers(since: number): Promise<Takeover[]> {
    const rows = await this.#database.query<TakeoverRow>("readStore", statements.takeovers, [since]);
    return rows.map(({ was_given_up, ...takeover }) => ({ ...takeover, wasGivenUp: was_given_up }));
  }

  async close(): Promise<void> {
    await this.#session.close();
  }
}

interface JoinedRow {
  number: number;
  name: string;
  before: string | null;
  pid: number;
}

/** A member, or a lane that this relay holds. */
interface MeetingRow {
  kind: "member" | "lane";
  name: string;
  number: number;
  version: string;
  lanes: string[];
  is_leaving: boolean;
  epoch: number;
  token: string | null;
  given_up: boolean;
  pid: number;
}

interface ViewRow extends Omit<RunRow, "details"> {
  name: string;
  is_leaving: boolean;
  is_there: boolean;
  lanes: string[];
  taking: string[];
  /** `NULL` if it has not reported anything yet. */
  details: string | null;
}

interface TakeoverRow extends Omit<Takeover, "wasGivenUp"> {
  was_given_up: boolean;
}

function memberOf({ number, name, token, version, lanes, is_leaving }: MeetingRow): Member {
  return { number, name, token: token ?? "", version, lanes, isLeaving: is_leaving };
}

function heldOf({ name, epoch, token, given_up }: MeetingRow): HeldLane {
  return { epoch: { lane: name, number: epoch, token: token ?? "" }, isGivenUp: given_up };
}
