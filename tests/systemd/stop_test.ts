/** The service when it is stopped, and when its machine boots again: what was under way, and what waited. */

import assert from "node:assert/strict";
import { test } from "node:test";
import { needsMachine } from "../helpers/machine.ts";
import { until } from "../helpers/wait.ts";
import { arrived, installed, post, property } from "./installed.ts";

/** A script that fails as long as the file `closed` is there, and says so. */
const failing = `#!/bin/sh
[ -e /etc/relay/closed ] && echo "$RELAY_DELIVERY_ID" >> /var/lib/relay/refused && exit 1
echo "$RELAY_DELIVERY_ID" >> /var/lib/relay/arrived
`;

/** A script that takes three seconds. */
const slow = `#!/bin/sh
echo began >> /var/lib/relay/arrived
sleep 3
echo ended >> /var/lib/relay/arrived
`;

const SCRIPT = "/etc/relay/arquivar.sh";

test("a machine that boots again delivers what waited, under the same id", needsMachine, async () => {
  await installed(async (machine) => {
    await machine.write(SCRIPT, failing, "755");
    await machine.do("touch /etc/relay/closed");
    const notes = ["A", "B", "C"];
    for (const note of notes) assert.equal(await post(machine, note), true);
    const refused = async () =>
      new Set((await machine.sh("cat /var/lib/relay/refused")).stdout.split("\n").slice(0, -1));
    await until("a first attempt of each", async () => (await refused()).size === notes.length);

    await machine.reboot();
    await machine.do("rm /etc/relay/closed");
    await until("the service", async () => await property(machine, "ActiveState") === "active");
    await until("what waited", async () => (await arrived(machine)).length === notes.length);
    assert.deepEqual(new Set(await arrived(machine)), await refused());
  });
});

test("a stop lets a script that runs come to its end, and its event is not delivered again", needsMachine, async () => {
  await installed(async (machine) => {
    await machine.write(SCRIPT, slow, "755");
    assert.equal(await post(machine, "A"), true);
    await until("the script", async () => (await arrived(machine)).includes("began"));
    await machine.do("systemctl stop relay");
    assert.deepEqual(await arrived(machine), ["began", "ended"]);
    assert.equal(await property(machine, "Result"), "success");
    await machine.do("systemctl start relay");
    assert.equal(await post(machine, "B"), true);
    await until("the next", async () => (await arrived(machine)).length === 4);
    assert.deepEqual(await arrived(machine), ["began", "ended", "began", "ended"]);
  });
});
