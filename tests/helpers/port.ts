/** Ports that a test gives to a program, so that it has the same one after a restart. */

import { createServer } from "node:net";

/**
 * A port that nothing listens on. It lies below the range from which systems choose: while the program is down, none of
 * its clients' own sockets can come to sit on it.
 */
export async function freePort(from = 20_000, to = 32_000): Promise<number> {
  for (;;) {
    const port = from + Math.floor(Math.random() * (to - from));
    if (await isFree(port)) return port;
  }
}

function isFree(port: number): Promise<boolean> {
  const server = createServer();
  return new Promise((resolve) => {
    server.on("error", () => resolve(false));
    server.listen(port, "127.0.0.1", () => server.close(() => resolve(true)));
  });
}
