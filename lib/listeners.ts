/** The listeners of a relay: opened at their addresses, or on sockets that were passed. */

import { messageOf, RelayError } from "./errors.ts";
import { closeOnExec, isListening } from "./handover/descriptor.ts";
import type { Handler } from "./http/incoming.ts";
import { portOwner } from "./http/port_owner.ts";
import { listen, type Listener } from "./http/server.ts";
import { hostAndPort } from "./listener_url.ts";
import type { KeyPair } from "./tls/certificate.ts";

/**
 * Begins to listen.
 * @param name What the config calls it.
 * @param fd Descriptor of a socket that listens, in place of `host` and `port`.
 * @throws {RelayError} if that cannot be done.
 */
export async function listenOn(
  name: "listen" | "admin",
  { host, port, tls }: { host: string; port: number; tls?: KeyPair },
  handler: Handler,
  fd?: number,
): Promise<Listener> {
  if (fd !== undefined) checkPassed(fd);
  try {
    return await listen({ host, port, fd, tls, handler });
  } catch (error) {
    throw listenError(name, host, port, error);
  }
}

function listenError(name: "listen" | "admin", host: string, port: number, error: unknown): RelayError {
  const address = hostAndPort(host, port);
  const { code = messageOf(error) } = error as NodeJS.ErrnoException;
  if (code !== "EADDRINUSE") {
    return new RelayError(
      ({ errors: { listen, system } }) => {
        const text = (system as Partial<Record<string, string>>)[code];
        return listen.cannot(address, text ? `${text} (${code})` : code);
      },
      ({ errors }) => errors.listen.seeConfig(name),
    );
  }
  const owner = portOwner(port);
  return new RelayError(
    ({ errors: { listen } }) => listen.cannot(address, owner ? listen.ownedBy(owner.program, owner.pid) : listen.owned),
    ({ errors }) => errors.listen.stopIt(name),
  );
}

/** @throws {RelayError} if nobody can be heard on this descriptor. */
function checkPassed(fd: number): void {
  const isFit = isListening(fd);
  if (isFit) return closeOnExec(fd);
  throw new RelayError(
    ({ errors: { listen } }) => listen.cannotTake(fd, isFit === false ? listen.notListening : listen.notHere),
    ({ errors }) => errors.listen.seeUnit,
  );
}
