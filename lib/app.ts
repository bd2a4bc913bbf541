/** The relay as a whole: built, started and stopped in order. */

import { lstatSync } from "node:fs";
import process from "node:process";
import { createAdmin } from "./admin/mod.ts";
import { systemClock } from "./clock.ts";
import type { LoadedConfig } from "./config/load.ts";
import { messageOf, RelayError } from "./errors.ts";
import { exposed, type PrivateFile } from "./exposure.ts";
import { closeOnExec, isListening } from "./handover/descriptor.ts";
import type { Address } from "./handover/passed.ts";
import type { Handler } from "./http/incoming.ts";
import { portOwner } from "./http/port_owner.ts";
import { listen, type Listener } from "./http/server.ts";
import { commitDuration } from "./metrics.ts";
import { knownTargets } from "./operator/status.ts";
import { closeIdle } from "./outbound/request.ts";
import { startAlarms } from "./pipeline/alarm.ts";
import { createAccept } from "./pipeline/accept.ts";
import { Deliverer } from "./pipeline/deliver.ts";
import { createReceive } from "./pipeline/receive.ts";
import { Reporter } from "./pipeline/report.ts";
import { startRetaining } from "./pipeline/retain.ts";
import { startWatching } from "./pipeline/watch.ts";
import { Windows } from "./pipeline/window.ts";
import { hostAndPort, listenerUrl } from "./listener_url.ts";
import { rightsTo } from "./rights/mod.ts";
import type { Store, Totals } from "./store/mod.ts";
import { BESIDE } from "./store/ordinary_file.ts";
import { placeOf } from "./store/place.ts";
import { openSqlite } from "./store/sqlite.ts";
import type { KeyPair } from "./tls/certificate.ts";
import { VERSION } from "./version.ts";
import type { ConfigWarning } from "./warnings.ts";

/** How long requests that were accepted have for their answer when the drain is used up, in milliseconds. */
const LEAST_GRACE_MS = 1_000;

/** A relay at work. */
export interface App {
  /** Where the public listener is: at one address, unless several sockets were passed. */
  addresses: Address[];
  /** Port of the operator's listener, if it is on. */
  adminPort?: number;
  /** Deliveries taken over from a relay that ended without finishing them. */
  takenOver: number;
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
  open: (loaded: LoadedConfig) => Store = openStore,
  passed: readonly number[] = [],
): Promise<App> {
  let current = loaded;
  const { config } = loaded;
  const store = open(loaded);
  const listeners: Pick<Listener, "stop">[] = [];
  const stopping = new AbortController();
  const reporter = new Reporter(store, { pid: process.pid, version: VERSION, ...reportOf(loaded) });
  try {
    const takenOver = await store.serve(systemClock.now());
    await reporter.start();
    const deliverer = new Deliverer(store, partsOf(loaded), await store.holds());
    const accept = createAccept(store, () => deliverer.wake());
    const clients = new Windows();
    const onRefused = reporter.count.bind(reporter);
    let receive = createReceive({ ...partsOf(loaded), onRefused }, accept, clients);
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
        store,
        loaded: () => current,
        reporter,
        warnings: () => warningsNow(current),
        wake: () => deliverer.refresh(),
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
    const stopRetaining = startRetaining(store, () => current.config.keep);
    const stopWatching = startWatching(store, systemClock, {
      onChange: () => deliverer.refresh(),
      onClockSet: () => deliverer.clockWasSet(),
    });
    const stopAlarms = startAlarms(store, () => current.config.alerts, () => deliverer.wake());
    deliverer.wake();

    return {
      addresses: publics.map(({ host, port }) => ({ host: passed.length > 0 ? host : config.listen.host, port })),
      adminPort: admin ? admin.port : undefined,
      takenOver,
      async orphaned() {
        const gone = (await store.waitingTargets()).filter((name) => !current.config.targets.has(name));
        return await Promise.all(gone.map(async (target) => ({ target, count: await store.backlog([target]) })));
      },
      totals: (limit) => store.totals(limit),
      reload(next) {
        const old = current.config.targets;
        const { tls } = next.config.listen;
        if (tls) { for (const one of publics) one.useCertificate(tls); }
        current = next;
        // Where it listens stays, so a config that asks for no token must not open it to whoever reaches it there.
        if (next.config.admin) token = next.config.admin.token ?? token;
        receive = createReceive({ ...partsOf(next), onRefused }, accept, clients);
        reporter.reloaded(reportOf(next));
        deliverer.use(partsOf(next)).then(() => closeAll(old.values()));
      },
      refuseReload: (error) => reporter.reloadRefused(error, current.redact),
      share() {
        const { fd } = publics[0]!;
        isShared ||= fd !== undefined;
        return fd;
      },
      async stop() {
        stopWatching();
        stopping.abort();
        const { drainMs, targets } = current.config;
        const end = systemClock.monotonic() + drainMs;
        await Promise.all([
          ...publics.map((one) => isShared ? one.retire() : one.stop(drainMs)),
          admin && admin.stop(drainMs),
          deliverer.stop(drainMs),
          stopRetaining(),
          stopAlarms(),
        ]);
        const graceMs = Math.max(end - systemClock.monotonic(), LEAST_GRACE_MS);
        if (isShared) await Promise.all(publics.map((one) => one.stop(graceMs)));
        closeAll(targets.values());
        closeIdle();
        await reporter.stop();
        await store.close();
      },
    };
  } catch (error) {
    for (const listener of listeners) await listener.stop(0);
    await reporter.stop();
    await store.close();
    throw error;
  }
}

/** The config as the pipeline takes it. */
function partsOf({ config, redact }: LoadedConfig) {
  return { ...config, redact };
}

/** What a relay says of itself under this config. */
function reportOf({ file, config: { targets } }: LoadedConfig) {
  return { config: file, targets: knownTargets(targets) };
}

/** Path of the store's file. */
export function storePath({ config, folder }: LoadedConfig): string {
  return storePathIn(folder, config.store);
}

/** Path of the file of a store that a config in this folder names so. */
export function storePathIn(folder: string, store: string): string {
  return placeOf(store, {
    folder,
    stateDirectory: process.env.STATE_DIRECTORY,
    // Under `DynamicUser` the folder is a link to where only root can look.
    exists: (path) => lstatSync(path, { throwIfNoEntry: false }) !== undefined,
  });
}

/** What an operator should know of a config, and of the modes that its files and its store have now. */
export function warningsNow(loaded: LoadedConfig): ConfigWarning[] {
  const path = storePath(loaded);
  const store = ["", ...BESIDE].map((suffix): PrivateFile => ({
    path: "store",
    file: path + suffix,
    kind: "own",
  }));
  return [...loaded.warnings, ...exposed([...loaded.files, ...store])];
}

/** Opens the store that this config names. Root goes on with the rights of whoever else can change what lies there. */
export function openStore(loaded: LoadedConfig): Store {
  return openStoreAt(storePath(loaded));
}

/** Opens the store whose file lies there, as {@link openStore} does. */
export function openStoreAt(path: string): Store {
  rightsTo(path).take();
  return openSqlite(path, (ms) => commitDuration.observe(ms / 1000));
}

async function listenOn(
  name: "listen" | "admin",
  { host, port, tls }: { host: string; port: number; tls?: KeyPair },
  handler: Handler,
  fd?: number,
): Promise<Listener> {
  if (fd !== undefined) checkPassed(fd);
  try {
    return await listen({ host, port, fd, tls, handler });
  } catch (error) {
    throw listenError(name, host, port, (error as NodeJS.ErrnoException).code ?? messageOf(error));
  }
}

function listenError(name: "listen" | "admin", host: string, port: number, code: string): RelayError {
  const where = `Cannot listen on ${hostAndPort(host, port)}`;
  if (code !== "EADDRINUSE") {
    return new RelayError(
      `${where}: the system says ${code}`,
      `see \`${name}.host\` and \`${name}.port\` in the config; port 80 and others under 1024 need root`,
    );
  }
  const owner = portOwner(port);
  const who = owner ? `${owner.program} (process ${owner.pid}) listens` : "another program listens";
  return new RelayError(`${where}: ${who} there already`, `stop it, or set another \`${name}.port\` in the config`);
}

/** @throws {RelayError} if nobody can be heard on this descriptor. */
function checkPassed(fd: number): void {
  const isFit = isListening(fd);
  if (isFit) return closeOnExec(fd);
  throw new RelayError(
    `Cannot serve on the socket that was passed as descriptor ${fd}: ` +
      (isFit === false ? "it is no TCP socket that listens" : "only the executable on Linux can"),
    "see `ListenStream=` in the socket unit; without such a unit, the relay listens by itself",
  );
}

function closeAll(targets: Iterable<{ close?(): void }>): void {
  for (const target of targets) target.close?.();
}
