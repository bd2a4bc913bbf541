/** The relay as a whole: built, started and stopped in order. */

import { randomUUID } from "node:crypto";
import process from "node:process";
import { createAdmin } from "./admin/mod.ts";
import { bootId } from "./boot.ts";
import { systemClock } from "./clock.ts";
import type { LoadedConfig } from "./config/load.ts";
import type { Config } from "./config/schema.ts";
import { noteLanes } from "./connectvets/note_lane.ts";
import { Counting } from "./duties/counting.ts";
import { Duties } from "./duties/mod.ts";
import { Reporter } from "./duties/report.ts";
import type { Address } from "./handover/passed.ts";
import type { Handler } from "./http/incoming.ts";
import type { Listener } from "./http/server.ts";
import { fingerprintOf } from "./operator/run.ts";
import { knownTargets } from "./operator/status.ts";
import { showUnderway } from "./operator/underway.ts";
import { closeIdle } from "./outbound/request.ts";
import { Membership } from "./lanes/membership.ts";
import { Owner } from "./lanes/owner.ts";
import { watch } from "./lanes/watch.ts";
import type { LanesConfig } from "./lanes/worker.ts";
import { createAccept } from "./pipeline/accept.ts";
import { createReceive } from "./pipeline/receive.ts";
import { listenerUrl } from "./listener_url.ts";
import { listenOn } from "./listeners.ts";
import { isOwnLane } from "./own_lane.ts";
import type { Store } from "./store/mod.ts";
import type { Totals } from "./store/operator.ts";
import { Writer } from "./store/writer.ts";
import { openStore, warningsNow } from "./store_place.ts";
import { lanesOfAll, targetInLane } from "./targets/target.ts";
import { VERSION } from "./version.ts";
import { Windows } from "./window.ts";

/** How long requests that were accepted have for their answer when the drain is used up, in milliseconds. */
const LEAST_GRACE_MS = 1_000;

/** A relay at work. */
export interface App {
  /** Where the public listener is: at one address, unless several sockets were passed. */
  addresses: Address[];
  /** Port of the admin listener, if it is on. */
  adminPort?: number;
  /** The previous run ended uncleanly. */
  wasUnclean: boolean;
  /**
   * Deliveries that wait for targets which this config does not name.
   * @throws {StoreError} if the store cannot be read now.
   */
  orphaned(): Promise<Orphaned[]>;
  /**
   * How many deliveries wait or are on their way, and how many are dead, each counted up to `limit`.
   * @throws {StoreError} if the store cannot be read now.
   */
  totals(limit: number): Promise<Totals>;
  /** Goes on under another config. Listeners, but for certificate and token, and store stay as they are until a restart. */
  reload(loaded: LoadedConfig): void;
  /** Goes on under the config that it has: the one on disk is not sound, as this error says. */
  refuseReload(error: unknown): void;
  /** The public listener's socket for somebody to keep, so that the next process serves on it; if it can be had. */
  share(): number | undefined;
  /**
   * Accepts no more, waits for attempts in flight as long as the config's `drain` says, and closes everything. On a socket
   * that outlives this process, it accepts until then: clients wait no longer than they must for the process that follows.
   */
  stop(): Promise<void>;
}

/** How many deliveries wait for a target that the config does not name. */
export interface Orphaned {
  target: string;
  count: number;
}

/**
 * Starts a relay.
 * @param open Opens the store.
 * @param passed Descriptors of listening sockets to receive on, in place of the config's `listen`.
 * @throws {RelayError} if the store cannot be opened or a port not be listened on; then nothing is left running.
 */
export async function startApp(
  loaded: LoadedConfig,
  open: (loaded: LoadedConfig) => Promise<Store> = openStore,
  passed: readonly number[] = [],
): Promise<App> {
  let current = loaded;
  const { config } = loaded;
  const store = await open(loaded);
  const clock = store.time;
  const ownerToken = store.members?.token ?? randomUUID();
  const listeners: Pick<Listener, "stop">[] = [];
  const stopping = new AbortController();
  const boot = bootId();
  let wasUnclean = false;
  let owning: Owner | undefined;
  let joined: Membership | undefined;
  const reporter = new Reporter(
    store,
    { pid: process.pid, version: VERSION, bootId: boot, ...reportOf(loaded) },
    clock,
  );
  try {
    await store.serve();
    const before = await store.runs.last();
    wasUnclean = before !== undefined && before.stoppedAt === undefined && before.bootId === boot;
    if (wasUnclean) await store.members?.tellCrash();
    await reporter.start();
    const writer = new Writer(store, clock);
    const counting = new Counting(store.upkeep, () => countedIn(current.config), clock);
    const owner = owning = new Owner(store, writer, lanesOf(loaded), clock, () => counting.add(-1), ownerToken);
    const duties = new Duties(store, () => current.config, (lanes) => owner.wake(lanes), ownerToken, clock);
    const membership = joined = store.members &&
      new Membership(store.members, [owner, duties], ownerToken, systemClock);
    await counting.look();
    const accept = createAccept(writer, counting, (event, seq) => owner.offer(event, seq), clock);
    const clients = new Windows();
    const onRefused = reporter.count.bind(reporter);
    let receive = createReceive({ ...partsOf(loaded), onRefused }, accept, store.receipts, clients, clock);
    const answer: Handler = (incoming) => receive(incoming);
    const publics: Listener[] = [];
    for (const fd of passed.length > 0 ? passed : [undefined]) {
      const listener = await listenOn("listen", config.listen, answer, fd);
      publics.push(listener);
      listeners.push(listener);
    }
    /** Whether somebody else has the public listener's socket, too, so that it outlives this process. */
    let isShared = passed.length > 0;
    let token = config.admin ? config.admin.token : undefined;
    const admin = config.admin && await listenOn(
      "admin",
      config.admin,
      createAdmin({
        ...config.admin,
        token: () => token,
        store: showUnderway(store, () => owner.underway),
        shared: () => membership?.view,
        loaded: () => current,
        reporter,
        warnings: () => warningsNow(current),
        probe: () => store.probe(writer.refusedBytes),
        wake: () => owner.refresh(),
        stopping: stopping.signal,
      }),
    );
    if (admin) listeners.push(admin);
    reporter.tell({
      listeners: [
        ...publics.map((one) => ({
          name: "listen" as const,
          url: listenerUrl(one.host, one.port, config.listen.tls && "https"),
        })),
        ...(admin && config.admin ? [{ name: "admin" as const, url: listenerUrl(config.admin.host, admin.port) }] : []),
      ],
    });
    if (membership) owner.share(membership);
    await owner.start(wasUnclean);
    if (membership) await membership.start();
    else await duties.take();
    const stopCounting = counting.start();
    const watching = watch(store.lanes, owner, clock, stopping.signal);

    return {
      addresses: publics.map(({ host, port }) => ({ host: passed.length > 0 ? host : config.listen.host, port })),
      adminPort: admin ? admin.port : undefined,
      wasUnclean,
      async orphaned() {
        const { targets } = current.config;
        const gone = (await store.lanes.waiting()).filter((name) => !isOwnLane(name) && !targetInLane(targets, name));
        return await Promise.all(gone.map(async (target) => ({ target, count: await store.upkeep.backlog([target]) })));
      },
      totals: (limit) => store.totals(limit),
      reload(next) {
        const old = current.config.targets;
        const { tls } = next.config.listen;
        if (tls) { for (const one of publics) one.useCertificate(tls); }
        current = next;
        // Where it listens stays, so a config that asks for no token must not open it to whoever reaches it there.
        if (next.config.admin) token = next.config.admin.token ?? token;
        receive = createReceive({ ...partsOf(next), onRefused }, accept, store.receipts, clients, clock);
        reporter.reloaded(reportOf(next));
        owner.use(lanesOf(next)).then(() => closeAll(old.values()));
      },
      refuseReload: (error) => reporter.reloadRefused(error, current.redact),
      share() {
        const { fd } = publics[0]!;
        isShared ||= fd !== undefined;
        return fd;
      },
      async stop() {
        stopping.abort();
        const { drainMs, targets } = current.config;
        const end = clock.monotonic() + drainMs;
        const drained = owner.stop(drainMs);
        await Promise.all([
          ...publics.map((one) => isShared ? one.retire() : one.stop(drainMs)),
          admin && admin.stop(drainMs),
          drained,
          // Of a store that is out of reach duties are not given up, and must end all the same.
          membership ? membership.stop(drainMs, drained).then(() => duties.lose()) : duties.giveUp(),
          stopCounting(),
          watching,
        ]);
        const graceMs = Math.max(end - clock.monotonic(), LEAST_GRACE_MS);
        if (isShared) await Promise.all(publics.map((one) => one.stop(graceMs)));
        closeAll(targets.values());
        closeIdle();
        await reporter.stop();
        await store.close();
      },
    };
  } catch (error) {
    for (const listener of listeners) await listener.stop(0);
    await Promise.all([owning?.stop(0), joined?.stop(0)]);
    await reporter.stop(!wasUnclean); // else the next start would not know of the crash
    await store.close();
    throw error;
  }
}

/** The config as the pipeline takes it. */
function partsOf({ config, redact }: LoadedConfig) {
  return { ...config, redact };
}

/** The config as lanes take it. */
function lanesOf(loaded: LoadedConfig): LanesConfig {
  const { targets, accesses } = loaded.config;
  return { ...partsOf(loaded), lanes: new Map([...lanesOfAll(targets.values()), ...noteLanes(accesses)]) };
}

/** Whose deliveries are counted, if that matters. */
function countedIn({ maxBacklog, targets }: Config): Iterable<string> | undefined {
  return maxBacklog === undefined ? undefined : lanesOfAll(targets.values()).keys();
}

/** What a relay says of itself under this config. */
function reportOf({ file, config: { targets } }: LoadedConfig) {
  return { config: file, fingerprint: fingerprintOf(file), targets: knownTargets(targets) };
}

function closeAll(targets: Iterable<{ close?(): void }>): void {
  for (const target of targets) target.close?.();
}
