/** The service under a real systemd: installed, used, reloaded, killed, stopped dead, and uninstalled. */

import assert from "node:assert/strict";
import { test } from "node:test";
import { needsMachine, startMachine } from "../helpers/machine.ts";
import { SECRET } from "../helpers/relay.ts";
import { until } from "../helpers/wait.ts";
import { arrived, CONFIG, configText, installed, post, property, STORE } from "./installed.ts";

test(
  "service install sets up a confined service that delivers, and root's verbs reach its store",
  needsMachine,
  async () => {
    await installed(async (machine) => {
      assert.equal(await post(machine, "A"), true);
      await until("the script to be run", async () => (await arrived(machine)).includes("A first"));
      assert.match(await property(machine, "StatusText"), /^\d+ waiting, 0 dead$/);
      assert.equal(await machine.do("stat -c '%a %U' /etc/relay/.env"), "600 root\n");

      const { code, stdout, stderr } = await machine.sh("systemd-analyze verify /etc/systemd/system/relay.service");
      assert.deepEqual([code, stdout, stderr], [0, "", ""]);
      const security = await machine.do("systemd-analyze security --no-pager relay");
      assert.ok(Number(security.match(/level for relay\.service: ([\d.]+)/)?.[1]) <= 2, security);

      assert.equal(await post(machine, "B", "note.failed"), true);
      const dead = await until("a dead letter", async () => {
        const [event] = JSON.parse(await machine.do(`relay events --config ${CONFIG} --state dead --json`));
        return event;
      });
      const status = JSON.parse(await machine.do(`relay status --config ${CONFIG} --json`));
      assert.equal(status.dead, 1);

      // With nobody serving it, what root's verbs make of the store's files must be the service's too.
      await machine.do("systemctl stop relay");
      await machine.do(`relay status --config ${CONFIG} && relay retry --config ${CONFIG} ${dead.id}`);
      const owners = await machine.do(`stat -c %u ${STORE} ${STORE}/*`);
      assert.equal(new Set(owners.trim().split("\n")).size, 1, owners);
      await machine.do("systemctl start relay");
      assert.equal(await post(machine, "C"), true);
      await until("the retry to fail once more", async () => {
        const [event] = JSON.parse(await machine.do(`relay events --config ${CONFIG} --state dead --json`));
        return event?.deliveries[0].attempts === 2;
      });

      const again = await machine.do("/root/relay service install --json");
      assert.equal(JSON.parse(again).ok, true);
      assert.equal(await property(machine, "ActiveState"), "active");
      assert.equal((await arrived(machine)).filter((line) => line.startsWith("A ")).length, 1);
    });
  },
);

test(
  "root's verbs work on the service's store with the service's own rights, whether it runs or not",
  needsMachine,
  async () => {
    await installed(async (machine) => {
      const relay = (verb: string) => machine.do(`relay ${verb.replace(" ", ` --config ${CONFIG} `)} --json`);
      const checkOwners = async (doing: string) => {
        const owners = await machine.do(`stat -c '%u %g %A %n' ${STORE} ${STORE}/*`);
        assert.equal(new Set(owners.trim().split("\n").map((line) => line.split(" ")[0])).size, 1, doing + owners);
        assert.doesNotMatch(
          await machine.do("cat /proc/self/mountinfo"),
          / \/var\/lib\/private[ /]/,
        );
      };
      assert.equal(await post(machine, "A"), true);
      await until("the script to be run", async () => (await arrived(machine)).includes("A first"));
      assert.equal(await post(machine, "B", "note.failed"), true);
      const dead = await until("a dead letter", async () => JSON.parse(await relay("events --state dead"))[0]);

      for (const state of ["active", "inactive"]) {
        if (state === "inactive") await machine.do("systemctl stop relay");
        assert.equal(await property(machine, "ActiveState"), state);
        assert.ok(JSON.parse(await relay("status ")).targets.length === 2);
        assert.equal(JSON.parse(await relay("pause arquivo")).target, "arquivo");
        assert.equal(JSON.parse(await relay("resume arquivo")).target, "arquivo");
        assert.equal(JSON.parse(await relay(`backup /root/${state}.db`)).events, 2);
        assert.equal(JSON.parse(await relay(`backup ${STORE}/${state}.db`)).events, 2);
        assert.equal(JSON.parse(await relay(`test --record ${dead.id} --out /root/${state}.json`)).problems.length, 0);
        assert.equal(await machine.do(`stat -c '%U %a' /root/${state}.db`), "root 600\n");
        await checkOwners(state);
      }
      assert.equal(JSON.parse(await relay(`retry ${dead.id}`)).retried, 1);
      assert.equal(JSON.parse(await relay("restore /root/active.db")).events, 2);
      const { replaced } = JSON.parse(await relay(`restore ${STORE}/inactive.db`));
      assert.equal(JSON.parse(await relay(`restore ${replaced}`)).events, 2);
      await checkOwners("restored");

      // By hand, as nobody should: it serves with the service's rights, and leaves nothing that the service cannot open.
      const byHand =
        "set -a; . /etc/relay/.env; CREDENTIALS_DIRECTORY=/etc/relay exec timeout --preserve-status 3 relay";
      assert.match(await machine.do(`${byHand} serve --config ${CONFIG}`), /"listening on .*"stopped"/s);
      await checkOwners("served by root");

      // A link in the place of the lock, which root opens before anything else that is done with the store.
      await machine.do(`ln -sf /etc/shadow ${STORE}/relay.db.lock && stat -c '%u %s' /etc/shadow > /root/before`);
      const { code, stderr } = await machine.sh(`relay restore --config ${CONFIG} /root/active.db --yes`);
      assert.equal(code, 1);
      assert.match(stderr, /^Cannot lock the store .*EACCES/);
      await machine.do("stat -c '%u %s' /etc/shadow | cmp - /root/before");

      await machine.do(`rm ${STORE}/relay.db.lock && systemctl start relay`);
      assert.equal(await post(machine, "C"), true);
      await until("the script to be run", async () => (await arrived(machine)).includes("C first"));
    });
  },
);

test(
  "systemctl reload takes a new config over, and refuses a wrong one while the old goes on",
  needsMachine,
  async () => {
    await installed(async (machine) => {
      const pid = await property(machine, "MainPID");
      await machine.write(CONFIG, configText("second"));
      await machine.do("systemctl reload relay");
      assert.equal(await post(machine, "A"), true);
      await until("the new config to be used", async () => (await arrived(machine)).includes("A second"));

      await machine.write(CONFIG, "export default 3;\n");
      await machine.do("systemctl reload relay");
      await until("the status to tell", async () => /not reloaded/.test(await property(machine, "StatusText")));
      assert.match(
        await machine.do("journalctl --unit relay --no-pager"),
        /config not reloaded, the previous one stays in use/,
      );
      assert.equal(await property(machine, "ActiveState"), "active");

      await machine.write("/root/relay.config.ts", configText("never"));
      const body = JSON.stringify({ event: "note.completed", data: { note_id: "B" } });
      const environment = `WEBHOOK_SECRET=${SECRET} CREDENTIALS_DIRECTORY=/etc/relay`;
      assert.match(
        await machine.do(`${environment} relay send --config /root/relay.config.ts --data -`, body),
        /^200 OK\n/,
      );
      await until("the old config to be used", async () => (await arrived(machine)).includes("B second"));
      assert.equal(await property(machine, "ActiveState"), "active");
      assert.equal(await property(machine, "MainPID"), pid);

      await machine.write(CONFIG, configText("third"));
      await machine.do("systemctl reload relay");
      await until("the status to be mended", async () => /^\d+ waiting/.test(await property(machine, "StatusText")));
    });
  },
);

test(
  "the service comes back from kill -9 and from a stop of its event loop, with nothing lost",
  needsMachine,
  async () => {
    await installed(async (machine) => {
      const acknowledged: string[] = [];
      for (const [signal, result] of [["KILL", "1"], ["STOP", "2"]] as const) {
        const pid = await property(machine, "MainPID");
        const before = Array.from({ length: 6 }, (_, number) => `${signal}${number}`);
        const posts = before.map(async (note) => await post(machine, note) && acknowledged.push(note));
        await Promise.race(posts);
        await machine.do(`kill -${signal} ${pid}`);
        await until(
          "systemd to start it again",
          async () =>
            await property(machine, "NRestarts") === result && await property(machine, "ActiveState") === "active",
          30_000,
        );
        assert.notEqual(await property(machine, "MainPID"), pid);
        await Promise.all(posts);
        await until("an event to be taken", () => post(machine, `${signal}-after`));
        acknowledged.push(`${signal}-after`);
      }
      await until("every acknowledged event at the script", async () => {
        const notes = new Set((await arrived(machine)).map((line) => line.split(" ")[0]));
        return acknowledged.every((note) => notes.has(note));
      }, 30_000);
      assert.match(await machine.do("journalctl --unit relay --no-pager"), /Watchdog timeout/);
    });
  },
);

test(
  "service install starts with a config of init, and service uninstall leaves config and data",
  needsMachine,
  async () => {
    const machine = await startMachine();
    try {
      const refused = await machine.sh("cp /root/relay /tmp/relay && setpriv --reuid 65534 /tmp/relay service install");
      assert.equal(refused.code, 1);
      assert.match(refused.stderr, /^Cannot install the service: this needs root\n {2}hint: .*sudo/);

      await machine.do("mount -t tmpfs -o size=1m tmpfs /usr/local/bin");
      const full = await machine.sh("/root/relay service install");
      assert.deepEqual([full.code, full.stderr], [
        1,
        "Cannot write /usr/local/bin/relay: the disk is full: /usr/local/bin/relay.new (ENOSPC)\n",
      ]);
      assert.equal(await machine.do("ls /usr/local/bin && umount /usr/local/bin"), "");

      await machine.do("umask 077; /root/relay service install --no-start");
      assert.equal(await property(machine, "ActiveState"), "inactive");
      await machine.do("relay service install"); // by the installed one itself
      assert.equal(await property(machine, "ActiveState"), "active");
      assert.equal(await machine.do("systemctl is-enabled relay"), "enabled\n");
      assert.equal(await post(machine, "A"), true);

      await machine.write(CONFIG, "export default 3;\n");
      const bad = await machine.sh("relay service install");
      assert.equal(bad.code, 1);
      assert.match(bad.stderr, /relay check/);
      assert.equal(await property(machine, "NRestarts"), "0");

      const kept = await machine.do("relay service uninstall");
      assert.match(kept, /kept +\/etc\/relay\nkept +\/var\/lib\/relay\n$/);
      await machine.do(`test -e ${CONFIG} && test -e ${STORE}/relay.db`);
      await machine.do("! test -e /usr/local/bin/relay && ! test -e /etc/systemd/system/relay.service");
      assert.equal(await property(machine, "LoadState"), "not-found");
      await machine.do("/root/relay service uninstall");
    } finally {
      await machine.close();
    }
  },
);
