/** The package for Debian under a real systemd: installed, used, upgraded, taken back, removed and purged. */

import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { appendFileSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import manifest from "../../deno.json" with { type: "json" };
import { makeFolder } from "../helpers/folder.ts";
import { type Machine, needsMachine, startMachine } from "../helpers/machine.ts";
import { makeRelease, needsDpkg } from "../helpers/release.ts";
import { until } from "../helpers/wait.ts";
import { arrived, CONFIG, post, property, STORE } from "./installed.ts";

const { version } = manifest;

/** A script target that writes to the store's folder, in a config that somebody has edited. */
const configText = `import { connectvets, defineConfig, env, script } from "relay";
export default defineConfig({
  sources: { connectvets: connectvets({ path: "/webhook", secret: env("WEBHOOK_SECRET") }) },
  targets: { arquivo: script({ command: ["./arquivar.sh"] }) },
  routes: [{ on: "note.*", to: "arquivo" }],
});
`;

const archive = `#!/bin/sh
body=$(cat)
note=\${body#*note_id\\":\\"}
echo "\${note%%\\"*}" >> /var/lib/relay/arrived
`;

/** The package as it is, and one of a newer version with another example of a config. */
function buildPackages(path: string): { current: Uint8Array; newer: Uint8Array } {
  makeRelease(path, ["linux-x64"]);
  const current = join(path, `relay_${version}_amd64.deb`);
  const [tree, newer] = [join(path, "tree"), join(path, "newer.deb")];
  run("dpkg-deb", "--raw-extract", current, tree);
  const control = join(tree, "DEBIAN/control");
  writeFileSync(control, readFileSync(control, "utf8").replace(/^Version: .*$/m, "Version: 99.0.0"));
  appendFileSync(join(tree, "etc/relay/relay.config.ts"), "// a newer example\n");
  run("dpkg-deb", "-Znone", "--build", tree, newer);
  return { current: readFileSync(current), newer: readFileSync(newer) };
}

function run(program: string, ...args: string[]): void {
  const { status, stderr } = spawnSync(program, args, { encoding: "utf8" });
  assert.equal(status, 0, stderr);
}

const installedVersion = (machine: Machine) =>
  machine.do("dpkg-query --show --showformat '${Version} ${Status}' relay");

test("the package installs, upgrades, goes back and leaves nothing when it is purged", {
  skip: needsMachine.skip || needsDpkg.skip,
}, async () => {
  const folder = makeFolder();
  const { current, newer } = buildPackages(folder.path);
  const machine = await startMachine();
  const dpkg = async (deb: Uint8Array) => {
    await machine.do("cat > /root/relay.deb", deb);
    return await machine.do("DEBIAN_FRONTEND=noninteractive dpkg --install --force-confold /root/relay.deb 2>&1");
  };
  try {
    await dpkg(current);
    assert.equal(await property(machine, "ActiveState"), "active");
    assert.equal(await machine.do("systemctl is-enabled relay"), "enabled\n");
    assert.equal(await machine.do("relay version"), `relay ${version} (bun 1.4.5, linux-x64)\n`);
    assert.equal(await machine.do("stat -c '%a %U' /etc/relay/.env"), "600 root\n");
    assert.equal(await post(machine, "example"), true);
    const verified = await machine.sh("systemd-analyze verify /usr/lib/systemd/system/relay.service");
    assert.deepEqual([verified.code, verified.stderr], [0, ""]);
    const security = await machine.do("systemd-analyze security --no-pager relay");
    assert.ok(Number(security.match(/level for relay\.service: ([\d.]+)/)?.[1]) <= 2, security);

    const refused = await machine.sh("relay service install");
    assert.equal(refused.code, 1);
    assert.match(refused.stderr, /^Cannot install the service: the package has installed it already\n {2}hint: /);
    const kept = await machine.sh("relay service uninstall");
    assert.equal(kept.code, 1);
    assert.match(kept.stderr, /^Cannot uninstall the service: it belongs to the package\n {2}hint: `apt remove relay`/);

    await machine.write(CONFIG, configText);
    await machine.write("/etc/relay/arquivar.sh", archive, "755");
    await machine.do("systemctl reload relay");
    assert.equal(await post(machine, "A"), true);
    await until("the script", async () => (await arrived(machine)).includes("A"));

    const steps = [[newer, "99.0.0", "B"], [current, version, "C"]] as const;
    for (const [deb, wanted, note] of steps) {
      const pid = await property(machine, "MainPID");
      const told = await dpkg(deb);
      assert.equal(await installedVersion(machine), `${wanted} install ok installed`, told);
      assert.notEqual(await property(machine, "MainPID"), pid);
      assert.equal(await machine.do(`cat ${CONFIG}`), configText);
      assert.equal(await post(machine, note), true);
      await until("the script", async () => (await arrived(machine)).includes(note));
    }
    assert.deepEqual(await arrived(machine), ["A", "B", "C"]);

    await machine.write(CONFIG, "export default 3;\n");
    await machine.do("systemctl stop relay");
    const told = await dpkg(current);
    assert.equal(await installedVersion(machine), `${version} install ok installed`, told);
    assert.match(told, /^relay: the service did not start; `relay check .*` and `journalctl -u relay` tell why$/m);
    assert.equal(await property(machine, "ActiveState"), "failed");

    await machine.do("dpkg --remove relay 2>&1");
    assert.equal(await property(machine, "ActiveState"), "inactive");
    await machine.do(`test -e ${CONFIG} && test -e ${STORE}/relay.db`);
    await machine.do("dpkg --purge relay 2>&1");
    const left = await machine.do("find / -xdev -path /proc -prune -o -name '*relay*' -print");
    assert.deepEqual(left.split("\n").filter((path) => !/^(?:\/root\/.*)?$/.test(path)), []);
    assert.equal(await property(machine, "LoadState"), "not-found");

    await machine.do("/root/relay service install");
    const [, advice] = (await dpkg(current)).match(
      /^relay: .* hides the unit of this package; `(.*)` goes over to it$/m,
    )!;
    await machine.do(advice!);
    assert.equal(await property(machine, "ActiveState"), "active");
    assert.match(await property(machine, "FragmentPath"), /^(?:\/usr)?\/lib\/systemd\/system\/relay\.service$/);
    assert.equal(await post(machine, "example"), true);
  } finally {
    await machine.close();
    folder.remove();
  }
});
