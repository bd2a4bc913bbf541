/** A machine on which the relay is installed as a service that delivers to a script. */

import { type Machine, startMachine } from "../helpers/machine.ts";
import { SECRET } from "../helpers/relay.ts";

export const CONFIG = "/etc/relay/relay.config.ts";
export const STORE = "/var/lib/private/relay";

/** A config of a script target, with a secret in a root-only file; `text` is added to what the script writes. */
export const configText = (text: string) =>
  `import { connectvets, credential, defineConfig, env, http, script } from "relay";
export default defineConfig({
  sources: { connectvets: connectvets({ path: "/webhook", secret: [env("WEBHOOK_SECRET"), credential("second")] }) },
  targets: {
    arquivo: script({
      command: ["./arquivar.sh"],
      env: { TEXT: "${text}" },
      retry: Array(300).fill("1s"), // outlasts a slow machine's boot
      circuit: false,
    }),
    sistema: http({ url: "http://127.0.0.1:9/", retry: [] }),
  },
  routes: [{ on: "note.completed", to: "arquivo" }, { on: "note.failed", to: "sistema" }],
});
`;

/** Writes the event's note and the config's text to a file beside the store, in one write. */
const archive = `#!/bin/sh
body=$(cat)
note=\${body#*note_id\\":\\"}
printf '%s\\n' "\${note%%\\"*} $TEXT" >> /var/lib/relay/arrived
`;

/** A machine on which the relay is installed and serves. */
export async function installed(work: (machine: Machine) => Promise<void>): Promise<void> {
  const machine = await startMachine();
  try {
    await machine.do("mkdir -p /etc/relay /etc/systemd/system/relay.service.d");
    await machine.write(CONFIG, configText("first"));
    await machine.write("/etc/relay/arquivar.sh", archive, "755");
    await machine.write("/etc/relay/.env", `WEBHOOK_SECRET=${SECRET}\n`, "600");
    await machine.write("/etc/relay/second", "secret-of-the-rotation\n", "600");
    await machine.write(
      "/etc/systemd/system/relay.service.d/test.conf",
      "[Service]\nLoadCredential=second:/etc/relay/second\nWatchdogSec=2\n",
    );
    await machine.do("/root/relay service install");
    await work(machine);
  } finally {
    await machine.close();
  }
}

/** Posts a signed event from the machine itself; says whether it was acknowledged. */
export async function post(machine: Machine, note: string, type = "note.completed"): Promise<boolean> {
  const body = JSON.stringify({ event: type, data: { note_id: note } });
  const { stdout } = await machine.sh(`relay send --config ${CONFIG} --data -`, body);
  return stdout.startsWith("200 OK\n");
}

/** What the script has written, a line for each run. */
export const arrived = async (machine: Machine) => (await machine.sh(`cat ${STORE}/arrived`)).stdout.trim().split("\n");
/** A property of the unit. */
export const property = async (machine: Machine, name: string) =>
  (await machine.do(`systemctl show --property=${name} --value relay`)).trim();
