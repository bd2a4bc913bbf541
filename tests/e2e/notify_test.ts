/** What the executable tells a service manager, over a real socket that a program of its own listens on. */

import assert from "node:assert/strict";
import { spawn, spawnSync } from "node:child_process";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import process from "node:process";
import { test } from "node:test";
import { makeFolder } from "../helpers/folder.ts";
import { configOf, startRelay } from "../helpers/relay.ts";
import { until } from "../helpers/wait.ts";

/** Neither runtime knows sockets of datagrams in the file system. */
const needsReceiver = {
  skip: spawnSync("perl", ["-MSocket", "-e", "1"]).status === 0 && process.platform === "linux" ? false : "needs perl",
};

/** Prints each datagram, and a line after it. */
const receiver = `
use Socket; $| = 1;
socket(SOCKET, AF_UNIX, SOCK_DGRAM, 0) or die $!;
bind(SOCKET, pack_sockaddr_un($ARGV[0] =~ s/^@/\\0/r)) or die $!;
print "bound\\n";
while (defined recv(SOCKET, my $text, 4096, 0)) { print "$text\\n--\\n" }
`;

/** Listens on a socket; gives what was said there. */
async function listenTo(socket: string) {
  const child = spawn("perl", ["-e", receiver, socket], { stdio: ["ignore", "pipe", "inherit"] });
  let output = "";
  child.stdout.on("data", (chunk) => output += chunk);
  const ended = new Promise<void>((resolve) => child.on("close", () => resolve()));
  await until("the socket", () => output.startsWith("bound\n"));
  return {
    told: () => output.slice("bound\n".length).split("\n--\n").slice(0, -1),
    async close() {
      process.kill(child.pid!, "SIGTERM");
      await ended;
    },
  };
}

test("serve tells systemd when it is ready, lives, reloads and stops", needsReceiver, async () => {
  const folder = makeFolder();
  for (const socket of [join(folder.path, "notify"), `@relay-test-${process.pid}`]) {
    const manager = await listenTo(socket);
    const told = (what: string, fits: (text: string) => boolean) =>
      until(what, () => manager.told().find((text) => fits(text)));
    const config = configOf({ targets: `t: http({ url: "http://127.0.0.1:9/" })`, routes: "" });
    const relay = await startRelay(config, { env: { NOTIFY_SOCKET: socket, WATCHDOG_USEC: "200000" } });
    try {
      await told("a sign of life", (text) => text === "WATCHDOG=1");
      await told("its state", (text) => text === "STATUS=0 waiting, 0 dead");
      assert.deepEqual(manager.told().slice(0, 2), ["FDSTORE=1\nFDNAME=listen 127.0.0.1 0", "READY=1"]);

      writeFileSync(join(relay.folder, "relay.config.ts"), "export default 3;\n");
      process.kill(relay.child.pid!, "SIGHUP");
      await told(
        "the refusal",
        (text) => text.startsWith("STATUS=config not reloaded, the previous one stays in use; "),
      );
      const reloading = await told("the reload", (text) => text.startsWith("RELOADING=1\n"));
      const uptime = Number(spawnSync("cat", ["/proc/uptime"], { encoding: "utf8" }).stdout.split(" ")[0]);
      const since = uptime - Number(reloading.match(/MONOTONIC_USEC=(\d+)$/)![1]) / 1e6;
      assert.ok(since > -1 && since < 60, `${since} s ago`);

      assert.equal(await relay.end(), 0);
      await told("the end", (text) => text.startsWith("STOPPING=1\n"));
    } finally {
      await relay.close();
      await manager.close();
    }
  }
  folder.remove();
});
