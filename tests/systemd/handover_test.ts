/** The service under a real systemd and under load: restarted, killed, upgraded and moved, it refuses no connection. */

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { type Machine, needsMachine, startMachine } from "../helpers/machine.ts";
import { SECRET } from "../helpers/relay.ts";
import type { Report } from "../helpers/senders.ts";

const readFile = (path: string) => readFileSync(new URL(path, import.meta.url), "utf8");
const docs = readFile("../../docs/service.md");

/** Keeps every event, and sends none anywhere. */
const configText = (listen: string) =>
  `import { connectvets, defineConfig, http } from "relay";
export default defineConfig({
  ${listen}
  sources: { connectvets: connectvets({ path: "/webhook", secret: "${SECRET}" }) },
  targets: { sistema: http({ url: "http://127.0.0.1:9/" }) },
  routes: [{ on: "note.failed", to: "sistema" }],
});
`;

async function installed(work: (machine: Machine) => Promise<void>): Promise<void> {
  const machine = await startMachine();
  try {
    await machine.do("mkdir -p /etc/relay");
    await machine.write("/etc/relay/relay.config.ts", configText(""));
    await machine.write("/root/senders.ts", readFile("../helpers/senders.ts"));
    await machine.do("/root/relay service install");
    await work(machine);
  } finally {
    await machine.close();
  }
}

/** Runs commands on the machine while events are posted to it, by the executable in its part as a runtime. */
async function underLoad(machine: Machine, commands: string): Promise<Report> {
  const report = await machine.do(`cd /root && rm -f input && mkfifo input && exec 3<>input
    BUN_BE_BUN=1 ./relay senders.ts 3000 ${SECRET} <input 3>&- >report & senders=$!
    exec 4>input 3>&-
    sleep 0.5; { ${commands}; } >/dev/null || exit 1; sleep 0.5
    exec 4>&-; wait $senders; cat report`);
  return JSON.parse(report);
}

/** Where something listens on this port, as the system writes addresses. */
const listening = (machine: Machine, hexPort: string) =>
  machine.do(`awk '$4 == "0A" && $2 ~ /:${hexPort}$/ { print $2 }' /proc/net/tcp /proc/net/tcp6`);

test("ten restarts and an upgrade drop no request, and kill -9 refuses no connection", needsMachine, async () => {
  await installed(async (machine) => {
    const restarts = await underLoad(machine, "for i in 1 2 3 4 5 6 7 8 9 10; do systemctl restart relay; done");
    assert.deepEqual(restarts.failed, {});
    const stored = await machine.do("relay events --config /etc/relay/relay.config.ts --limit 1000000 --json");
    assert.equal(JSON.parse(stored).length, restarts.acknowledged.length);

    const upgrade = await underLoad(machine, "./relay service install");
    assert.deepEqual(upgrade.failed, {});
    const kill = await underLoad(machine, "systemctl kill --signal=KILL relay; sleep 3");
    assert.deepEqual(Object.keys(kill.failed).filter((how) => /REFUSED|TIMEDOUT/.test(how)), []);
    for (const { acknowledged } of [restarts, upgrade, kill]) assert.ok(acknowledged.length > 100);
  });
});

test("a restart goes over to another `listen`, and a stop listens no more", needsMachine, async () => {
  await installed(async (machine) => {
    assert.equal(await listening(machine, "0BB8"), "00000000:0BB8\n");
    await machine.write("/etc/relay/relay.config.ts", configText('listen: { host: "127.0.0.1" },'));
    await machine.do("systemctl restart relay");
    assert.equal(await listening(machine, "0BB8"), "0100007F:0BB8\n");
    await machine.write("/etc/relay/relay.config.ts", configText("listen: { port: 3100 },"));
    await machine.do("systemctl restart relay && systemctl restart relay");
    assert.equal(await listening(machine, "0BB8") + await listening(machine, "0C1C"), "00000000:0C1C\n");
    await machine.do("systemctl stop relay");
    assert.equal(await listening(machine, "0C1C"), "");
  });
});

test("the documented socket unit gives the service a port under 1024", needsMachine, async () => {
  await installed(async (machine) => {
    const [, unit] = docs.match(/```ini\n(\[Socket\].*?)```/s)!;
    await machine.write("/etc/systemd/system/relay.socket", unit!);
    const verified = await machine.sh("systemd-analyze verify /etc/systemd/system/relay.socket");
    assert.deepEqual([verified.code, verified.stderr], [0, ""]);
    await machine.write("/etc/relay/relay.config.ts", configText("listen: { port: 443 },"));
    await machine.do("systemctl stop relay && systemctl enable --quiet --now relay.socket && systemctl start relay");
    const body = JSON.stringify({ event: "note.completed", data: { note_id: "A" } });
    const answer = await machine.do("relay send --config /etc/relay/relay.config.ts --data -", body);
    assert.match(answer, /^200 OK\n/);
    assert.doesNotMatch(await machine.do("journalctl --unit relay --no-pager"), /the socket that it was passed/);
    const kept = await machine.do("relay service uninstall");
    assert.match(kept, /^kept +\/etc\/systemd\/system\/relay\.socket$/m);
  });
});
