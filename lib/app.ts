/** The relay as a whole: built, started and stopped in order. */

import { lstatSync } from "node:fs";
import process from "node:process";
import { createAdmin } from "./admin/mod.ts";
import type { LoadedConfig } from "./config/load.ts";
import { messageOf, RelayError } from "./errors.ts";
import { exposed, type PrivateFile } from "./exposure.ts";
import { commitDuration } from "./metrics.ts";
import { startAlarms } from "./pipeline/alarm.ts";
import { createAccept } from "./pipeline/accept.ts";
import { Bodies } from "./pipeline/body.ts";
import { Deliverer } from "./pipeline/deliver.ts";
import { createReceive } from "./pipeline/receive.ts";
import { startRetaining } from "./pipeline/retain.ts";
import { startWatching } from "./pipeline/watch.ts";
import { Windows } from "./pipeline/window.ts";
import { hostAndPort } from "./listener_url.ts";
import { openListener, type PublicListener } from "./listener.ts";
import type { Address } from "./listening_socket.ts";
import { type Handler, listen, type Listener } from "./runtime.ts";
import type { Store, Totals } from "./store/mod.ts";
import { placeOf } from "./store/place.ts";
import { openSqlite } from "./store/sqlite.ts";
import type { KeyPair } from "./tls/certificate.ts";
import type { TlsListener } from "./tls/listener.ts";
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
  try {
    const takenOver = await store.serve(Date.now());
    const deliverer = new Deliverer(store, partsOf(loaded), await store.holds());
    const accept = createAccept(store, () => deliverer.wake());
    const clients = new Windows();
    const bodies = new Bodies();
    let receive = createReceive(partsOf(loaded), accept, clients, bodies);
    const answer: Handler = (request, client) => receive(request, client);
    const publics: (PublicListener & Partial<TlsListener>)[] = [];
    for (const socket of passed.length > 0 ? passed : [undefined]) {
      const open = (at: Address) => listenOn("listen", { ...config.listen, ...at }, answer);
      const listener = await openListener(config.listen, open, socket);
      publics.push(listener);
      listeners.push(listener);
    }
    let token = config.admin ? config.admin.token : undefined;
    const admin = config.admin && await listenOn(
      "admin",
      config.admin,
      createAdmin({
        ...config.admin,
        token: () => token,
        store,
        loaded: () => current,
        warnings: () => warningsNow(current),
        wake: () => deliverer.refresh(),
        stopping: stopping.signal,
      }),
    );
    if (admin) listeners.push(admin);
    const stopRetaining = startRetaining(store, () => current.config.keep);
    const stopWatching = startWatching(store, () => deliverer.refresh());
    const stopAlarms = startAlarms(store, () => current.config.alerts, () => deliverer.wake());
    deliverer.wake();

    return {
      addresses: publics.map(({ host, port }) => ({ host, port })),
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
        if (tls) { for (const one of publics) one.useCertificate?.(tls); }
        current = next;
        // Where it listens stays, so a config that asks for no token must not open it to whoever reaches it there.
        if (next.config.admin) token = next.config.admin.token ?? token;
        receive = createReceive(partsOf(next), accept, clients, bodies);
        deliverer.use(partsOf(next)).then(() => closeAll(old.values()));
      },
      share: () => publics[0]!.share(),
      async stop() {
        stopWatching();
        stopping.abort();
        const { drainMs, targets } = current.config;
        const end = Date.now() + drainMs;
        const shared = publics.filter((one) => one.isShared());
        await Promise.all([
          ...publics.map((one) => shared.includes(one) ? one.retire() : one.stop(drainMs)),
          admin && admin.stop(drainMs),
          deliverer.stop(drainMs),
          stopRetaining(),
          stopAlarms(),
        ]);
        const graceMs = Math.max(end - Date.now(), LEAST_GRACE_MS);
        await Promise.all(shared.map((one) => one.stop(graceMs)));
        closeAll(targets.values());
        await store.close();
      },
    };
  } catch (error) {
    for (const listener of listeners) await listener.stop(0);
    await store.close();
    throw error;
  }
}

/** The config as the pipeline takes it. */
function partsOf({ config, redact }: LoadedConfig) {
  return { ...config, redact };
}

/** Path of the store's file. */
export function storePath({ config, folder }: LoadedConfig): string {
  return placeOf(config.store, {
    folder,
    stateDirectory: process.env.STATE_DIRECTORY,
    // Under `DynamicUser` the folder is a link to where only root can look.
    exists: (path) => lstatSync(path, { throwIfNoEntry: false }) !== undefined,
  });
}

/** What an operator should know of a config, and of the modes that its files and its store have now. */
export function warningsNow(loaded: LoadedConfig): ConfigWarning[] {
  const path = storePath(loaded);
  const store = ["", "-wal", "-shm"].map((suffix): PrivateFile => ({
    path: "store",
    file: path + suffix,
    kind: "own",
  }));
  return [...loaded.warnings, ...exposed([...loaded.files, ...store])];
}

/** Opens the store that this config names. */
export function openStore(loaded: LoadedConfig): Store {
  return openSqlite(storePath(loaded), (ms) => commitDuration.observe(ms / 1000));
}

async function listenOn(
  name: "listen" | "admin",
  { host, port, tls }: { host: string; port: number; tls?: KeyPair },
  handler: Handler,
): Promise<Listener & Partial<TlsListener>> {
  try {
    if (!tls) return listen(host, port, handler);
    const { listenTls } = await import("./tls/listener.ts"); // what it needs takes memory
    return await listenTls(host, port, tls, handler);
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code ?? messageOf(error);
    const [reason, hint] = /EADDRINUSE|in use/i.test(code)
      ? ["another program listens there", `stop that program, or set another \`${name}.port\` in the config`]
      : [
        `the system says ${code}`,
        `see \`${name}.host\` and \`${name}.port\` in the config; port 80 and others under 1024 need root`,
      ];
    throw new RelayError(`Cannot listen on ${hostAndPort(host, port)}: ${reason}`, hint);
  }
}

function closeAll(targets: Iterable<{ close?(): void }>): void {
  for (const target of targets) target.close?.();
}
