/** The commands of docs/service.md, copied one after another into a machine. */

import assert from "node:assert/strict";
import { test } from "node:test";
import { commandsOf, readPage } from "../helpers/docs.ts";
import { needsMachine, startMachine } from "../helpers/machine.ts";

const commands = commandsOf(readPage("docs/service.md"), "bash");

/** What a command must print, where that says whether it worked. */
const expected: Record<string, RegExp> = {
  "./relay service install": /^started +relay\.service$/m,
  "relay send note.failed": /^200 OK$/m,
  "systemctl status relay": /Status: "\d+ waiting, 0 dead"/,
  "journalctl -u relay -n 20": /listening on http:\/\/127\.0\.0\.1:3000 and every other address/,
};

test("the steps of docs/service.md run relay as a service", needsMachine, async () => {
  const machine = await startMachine();
  try {
    let state = "cd /root";
    for (const command of commands) {
      const { code, stdout, stderr } = await machine.sh(`${state} && ${command}`);
      assert.equal(code, 0, `${command}: ${stdout}${stderr}`);
      assert.match(stdout, expected[command] ?? /(?:)/, command);
      if (command.startsWith("export ")) state += ` && ${command}`;
    }
    for (const command of Object.keys(expected)) assert.ok(commands.includes(command), command);
  } finally {
    await machine.close();
  }
});
