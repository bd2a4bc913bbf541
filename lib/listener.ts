/** The public listener, whose clients should not notice when one process of the relay follows another. */

import { setTimeout as delay } from "node:timers/promises";
import { RelayError } from "./errors.ts";
import { type Address, addressOf, ListeningSocket } from "./listening_socket.ts";
import type { Listener } from "./runtime.ts";

/** How long the clients in the middle of a conversation have for a last request on their connection, in milliseconds. */
const FAREWELL_MS = 1_000;

/** How long a connection that was accepted last has for its request to arrive, in milliseconds. */
const LAST_REQUEST_MS = 250;

/** A listener on a socket that may outlive this process: what it accepts no more, the next one does. */
export interface PublicListener extends Address {
  /** The socket's descriptor, for somebody who keeps it beyond this process; nothing where the runtime hides it. */
  share(): number | undefined;
  /** Whether somebody has the socket too, so that it outlives this process. */
  isShared(): boolean;
  /**
   * From now on ends each connection with its next answer, and resolves when the busy ones have had the time for it. Goes
   * on accepting.
   */
  retire(): Promise<void>;
  /** Accepts no more and resolves when the requests that were accepted are answered, or after about `graceMs`. */
  stop(graceMs: number): Promise<void>;
}

/**
 * Opens a listener, at `address` or on a socket that was passed to this process.
 * @param open Opens one at an address that it is given.
 * @param passed Descriptor of a socket that listens, and that somebody else keeps open beyond this process.
 * @throws {RelayError} if the socket cannot be used; and what `open` throws.
 */
export async function openListener<One extends Listener>(
  address: Address,
  open: (address: Address) => One | Promise<One>,
  passed?: number,
): Promise<One & PublicListener> {
  const isOwn = passed === undefined;
  const listener = await open(isOwn ? address : { host: "127.0.0.1", port: 0 });
  let socket = isOwn ? undefined : ListeningSocket.ofServer(listener.port);
  let place = { host: address.host, port: listener.port };
  if (!isOwn) {
    try {
      place = replace(socket, passed);
    } catch (error) {
      await listener.stop(0);
      throw error;
    }
  }
  return {
    ...listener,
    ...place,
    share() {
      socket ??= ListeningSocket.ofServer(place.port);
      return socket?.fd;
    },
    isShared: () => socket !== undefined,
    async retire() {
      listener.closeAfterAnswers();
      await delay(FAREWELL_MS);
    },
    async stop(graceMs) {
      if (socket) {
        socket.pause();
        await delay(LAST_REQUEST_MS);
      }
      await listener.stop(graceMs);
    },
  };
}

/** Puts a passed socket into the place of a server's own; gives the address that the server listens at then. */
function replace(socket: ListeningSocket | undefined, passed: number): Address {
  const address = addressOf(passed);
  if (socket && address) {
    socket.replaceBy(passed);
    return address;
  }
  throw new RelayError(
    `Cannot serve on the socket that was passed as descriptor ${passed}: ` +
      (socket ? "it is no TCP socket that listens" : "only the executable on Linux can"),
    "see `ListenStream=` in the socket unit; without such a unit, the relay listens by itself",
  );
}
