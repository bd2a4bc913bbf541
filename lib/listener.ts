/** The public listener, whose clients should not notice when one process of the relay follows another. */

import { setTimeout as delay } from "node:timers/promises";
import { type Address, addressOf, ListeningSocket } from "./listening_socket.ts";
import { type Handler, listen, type Listener } from "./runtime.ts";

/** How long the clients in the middle of a conversation have for a last request on their connection, in milliseconds. */
const FAREWELL_MS = 1_000;

/** How long a connection that was accepted last has for its request to arrive, in milliseconds. */
const LAST_REQUEST_MS = 100;

/** A listener on a socket that may outlive this process: what it accepts no more, the next one does. */
export interface PublicListener extends Address {
  /** The socket's descriptor, for somebody who keeps it beyond this process; nothing where the runtime hides it. */
  share(): number | undefined;
  /**
   * If the socket outlives this process: from now on ends each connection with its next answer, and resolves when the
   * busy ones have had the time for it. Goes on accepting.
   */
  retire(): Promise<void>;
  /** Accepts no more and resolves when the requests that were accepted are answered, or after about `graceMs`. */
  stop(graceMs: number): Promise<void>;
}

/**
 * Listens for HTTP.
 * @param passed Descriptor of a listening socket to serve on, which somebody else keeps open; `address` is not used then.
 * @throws {Error} with the system's `code`, such as `EADDRINUSE`; or that tells why the socket cannot be served on.
 */
export function openListener(address: Address, handler: Handler, passed?: number): PublicListener {
  let socket: ListeningSocket | undefined;
  let listener: Listener;
  if (passed === undefined) {
    listener = listen(address.host, address.port, handler);
    address = { host: address.host, port: listener.port };
  } else {
    const given = addressOf(passed);
    if (!given) throw new Error("it is no TCP socket that listens, or this is not the executable on Linux");
    listener = listen("127.0.0.1", 0, handler);
    try {
      socket = ListeningSocket.ofServer(listener.port);
      if (!socket) throw new Error("the event loop cannot be found");
      socket.replaceBy(passed);
    } catch (error) {
      listener.stop(0);
      throw error;
    }
    address = given;
  }
  return {
    ...address,
    share() {
      socket ??= ListeningSocket.ofServer(address.port);
      return socket?.fd;
    },
    async retire() {
      if (!socket) return;
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
