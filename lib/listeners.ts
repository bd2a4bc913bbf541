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
