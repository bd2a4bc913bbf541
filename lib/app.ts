/** The relay as a whole: built, started and stopped in order. */

import { isAbsolute, join } from "node:path";
import process from "node:process";
import type { LoadedConfig } from "./config/load.ts";
import { messageOf, RelayError } from "./errors.ts";
import { createAccept } from "./pipeline/accept.ts";
import { Bodies } from "./pipeline/body.ts";
import { Deliverer } from "./pipeline/deliver.ts";
import { createReceive } from "./pipeline/receive.ts";
import { Windows } from "./pipeline/window.ts";
import { listen, type Listener } from "./runtime.ts";
import type { Store } from "./store/mod.ts";
import { openSqlite } from "./store/sqlite.ts";

/** A relay at work. */
export interface App {
  /** Port of the public listener. */
  port: number;
  /** Deliveries taken over from a relay that ended without finishing them. */
  takenOver: number;
  /** Goes on under another config. Listeners and store stay as they are until a restart. */
  reload(loaded: LoadedConfig): void;
  /** Accepts no more, waits for attempts in flight as long as the config's `drain` says, and closes everything. */
  stop(): Promise<void>;
}

/**
 * Starts a relay.
 * @param open Opens the store.
 * @throws {RelayError} if the store cannot be opened or the port not be listened on; then nothing is left running.
 */
export async function startApp(loaded: LoadedConfig, open: (loaded: LoadedConfig) => Store = openStore): Promise<App> {
  let { config, redact } = loaded;
  const store = open(loaded);
  try {
    const takenOver = await store.serve(Date.now());
    const deliverer = new Deliverer(store, { ...config, redact });
    const accept = createAccept(store, () => deliverer.wake());
    const clients = new Windows();
    const bodies = new Bodies();
    let receive = createReceive({ ...config, redact }, accept, clients, bodies);
    const listener = listenOn(config.listen, (request, client) => receive(request, client));
    deliverer.wake();

    return {
      port: listener.port,
      takenOver,
      reload(next) {
        const old = config.targets;
        ({ config, redact } = next);
        receive = createReceive({ ...config, redact }, accept, clients, bodies);
        deliverer.use({ ...config, redact }).then(() => closeAll(old.values()));
      },
      async stop() {
        await Promise.all([listener.stop(config.drainMs), deliverer.stop(config.drainMs)]);
        closeAll(config.targets.values());
        await store.close();
      },
    };
  } catch (error) {
    await store.close();
    throw error;
  }
}

/** Opens the store that this config names. */
export function openStore({ config, folder }: LoadedConfig): Store {
  const path = config.store.slice("sqlite:".length);
  return openSqlite(isAbsolute(path) ? path : join(process.env.STATE_DIRECTORY || folder, path));
}

function listenOn(
  { host, port }: { host: string; port: number },
  handler: Parameters<typeof listen>[2],
): Listener {
  try {
    return listen(host, port, handler);
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code ?? messageOf(error);
    const [reason, hint] = /EADDRINUSE|in use/i.test(code)
      ? ["another program listens there", "stop that program, or set another `listen.port` in the config"]
      : [
        `the system says ${code}`,
        "see `listen.host` and `listen.port` in the config; port 80 and others under 1024 need root",
      ];
    throw new RelayError(`Cannot listen on ${host}:${port}: ${reason}`, hint);
  }
}

function closeAll(targets: Iterable<{ close?(): void }>): void {
  for (const target of targets) target.close?.();
}
