/** Root's verbs on a store in a folder of another user, who places links there to what only root may touch. */

import assert from "node:assert/strict";
import { spawn, spawnSync } from "node:child_process";
import {
  chmodSync,
  chownSync,
  existsSync,
  linkSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
} from "node:fs";
import { join } from "node:path";
import process from "node:process";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { type Foreign, makePipe, needsRoot, NOBODY, withForeign } from "../helpers/foreign.ts";
import { freePort } from "../helpers/port.ts";
import { executable, startRelay } from "../helpers/relay.ts";
import { needsTerminal, runOnTerminal } from "../helpers/terminal.ts";

/** What may lie in the place of a file, by what it is. */
const things: Record<string, (place: string, secrets: string) => void> = {
  "a link to a file of root's": (place, secrets) => symlinkSync(join(secrets, "secret"), place),
  "a link to a store of root's": (place, secrets) => symlinkSync(join(secrets, "store.db"), place),
  "a link to nothing yet": (place, secrets) => symlinkSync(join(secrets, "new"), place),
  "a link to a folder": (place, secrets) => symlinkSync(secrets, place),
  "a hard link to a file of root's": (place, secrets) => linkSync(join(secrets, "secret"), place),
  "a hard link to a store of root's": (place, secrets) => linkSync(join(secrets, "store.db"), place),
  "a pipe": (place) => makePipe(place),
  "a folder": (place) => mkdirSync(place),
};

const files = ["relay.db", "relay.db-wal", "relay.db-shm", "relay.db-journal", "relay.db.lock"];

/** Puts a thing in the place of one of the store's files. */
function plant(foreign: Foreign, file: string, what: string): void {
  foreign.reset();
  const place = join(foreign.state, file);
  rmSync(place, { force: true });
  things[what]!(place, foreign.secrets);
}

for (const verb of [["status"], ["pause", "crm"], ["backup", "copy.db"], ["restore", "whole.db", "--yes"], ["serve"]]) {
  test(`${verb[0]} by root follows nothing that lies in the place of a store's file`, needsRoot, async () => {
    await withForeign(async (foreign) => {
      for (const file of files) {
        for (const what of Object.keys(things)) {
          plant(foreign, file, what);
          await foreign.attack(`${verb[0]}, ${file} is ${what}`, ...verb);
          rmSync(join(foreign.config, "copy.db"), { force: true });
        }
      }
    });
  });
}

test("every other verb by root that opens the store changes no store of root's by a link", needsRoot, async () => {
  await withForeign(async (foreign) => {
    const verbs = [
      ["events"],
      ["resume", "crm"],
      ["retry", "--dead"],
      ["replay", "--since", "1d"],
      ["send", "--to", "crm"],
      ["test", "--record", "0".repeat(32)],
      ["diff", "relay.config.ts", "--since", "1d"],
    ];
    for (const verb of verbs) {
      for (const what of ["a link to a store of root's", "a hard link to a store of root's", "a pipe"]) {
        plant(foreign, "relay.db", what);
        const { code } = await foreign.attack(`${verb[0]}, relay.db is ${what}`, ...verb);
        assert.notEqual(code, 0, verb[0]);
      }
    }
  });
});

test("root's verbs work on another user's store, and whatever they make of it is that user's", needsRoot, async () => {
  await withForeign(async ({ config, state, run }) => {
    const good = async (...args: string[]) => {
      const { code, stdout, stderr } = await run(...args);
      assert.equal(code, 0, `${args[0]}: ${stdout}${stderr}`);
      const others = readdirSync(state).filter((name) => statSync(join(state, name)).uid !== NOBODY);
      assert.deepEqual(others, [], args[0]);
      return stdout;
    };
    await good("serve");
    assert.equal(JSON.parse(await good("status", "--json")).dead, 3);
    const [event] = JSON.parse(await good("events", "--json"));
    await good("pause", "crm");
    await good("test", "--record", event.id, "--out", "recorded.json");
    assert.deepEqual([statSync(join(config, "recorded.json")).uid, await good("test", "recorded.json") !== ""], [
      0,
      true,
    ]);
    await good("diff", "relay.config.ts", "--since", "1d");
    await good("retry", "--dead");
    await good("replay", event.id);
    await good("resume", "crm");
    await good("backup", "copy.db");
    assert.deepEqual([statSync(join(config, "copy.db")).uid, statSync(join(config, "copy.db")).mode & 0o777], [
      0,
      0o600,
    ]);
    await good("backup", join(state, "inside.db"));
    const restored = JSON.parse(await good("restore", "copy.db", "--yes", "--json"));
    assert.equal(restored.events, 3);
    await good("restore", restored.replaced, "--yes");
    await good("restore", join(state, "inside.db"), "--yes");
    await good("serve");
    assert.deepEqual(readdirSync(config).filter((name) => name.endsWith(".part")), []);
  });
});

test(
  "backup and restore by root go from one user's folder to another's with the rights of each",
  needsRoot,
  async () => {
    await withForeign(async ({ path, config, state, run }) => {
      const mine = join(path, "mine");
      mkdirSync(mine, 0o700);
      chownSync(mine, 4242, 4242);
      const copy = join(mine, "copy.db");
      assert.deepEqual((await run("backup", copy)).stderr, "");
      assert.deepEqual([statSync(copy).uid, statSync(copy).gid], [4242, 4242]);
      assert.deepEqual((await run("restore", copy, "--yes")).stderr, "");
      assert.equal(statSync(join(state, "relay.db")).uid, NOBODY);
      assert.deepEqual(readdirSync(mine), ["copy.db"]);

      rmSync(copy);
      linkSync(join(config, "whole.db"), copy); // which that user may not read
      const refused = await run("restore", copy, "--yes");
      assert.equal(refused.code, 1);
      assert.match(refused.stderr, /hint: root works there with the rights of the user 4242, who can change .*mine;/);
    });
  },
);

test("backup by root takes nothing that lies in the place of the copy for it", needsRoot, async () => {
  await withForeign(async (foreign) => {
    for (const what of Object.keys(things)) {
      foreign.reset();
      const place = join(foreign.state, "copy.db");
      things[what]!(place, foreign.secrets);
      const { code, stderr } = await foreign.attack(`copy.db is ${what}`, "backup", place);
      assert.equal(code, 1, what);
      assert.match(stderr, /the file already exists/, what);
    }
  });
});

test("restore by root keeps the store that was there under no name that is taken", needsRoot, async () => {
  await withForeign(async (foreign) => {
    for (const what of Object.keys(things)) {
      foreign.reset();
      const now = Date.now();
      for (let second = 0; second < 30; second++) {
        const time = new Date(now + second * 1000).toISOString().replaceAll(/[-:]|\.\d+/g, "");
        things[what]!(join(foreign.state, `relay.db.${time}`), foreign.secrets);
      }
      const { code, stdout, stderr } = await foreign.attack(what, "restore", "whole.db", "--yes", "--json");
      assert.equal(code, 0, stderr);
      assert.match(JSON.parse(stdout).replaced, /-2$/, what);
    }
  });
});

test("a link that comes while root's verbs are at work leads them nowhere", needsRoot, async () => {
  await withForeign(async (foreign) => {
    const names = ["relay.db.lock", "relay.db-wal", "relay.db-shm", "relay.db-journal", "relay.db", "copy.db"].join(
      " ",
    );
    const swap = `cd ${foreign.state} && while :; do
      for name in ${names} *.part *.part/copy *.part/copy-journal; do
        case $name in relay.db) mv relay.db kept 2>&-;; esac
        for target in secret store.db new; do ln -sfn ${foreign.secrets}/$target $name 2>&-; done
        rm -f $name; case $name in relay.db) mv kept relay.db;; esac
      done
    done 2>&-`;
    const attacker = spawn("sh", ["-c", swap], { uid: NOBODY, gid: NOBODY, detached: true, stdio: "ignore" });
    const ended = new Promise((resolve) => attacker.on("close", resolve));
    try {
      for (let round = 0; round < 12; round++) {
        await foreign.attack("status", "status");
        await foreign.attack("pause", "pause", "crm");
        await foreign.attack("serve", "serve");
        await foreign.attack("restore", "restore", "whole.db", "--yes");
        await foreign.attack("backup", "backup", join(foreign.state, "copy.db"));
      }
      assert.equal(attacker.exitCode ?? attacker.signalCode, null, "the attacker was at it all the time");
    } finally {
      process.kill(-attacker.pid!, "SIGKILL"); // and what it has just started
      await ended;
    }
  });
});

test(
  "a folder on the way to the store that another user can change is not root's, wherever it leads",
  needsRoot,
  async () => {
    await withForeign(async (foreign) => {
      symlinkSync(foreign.secrets, join(foreign.state, "data"));
      for (const verb of [["serve"], ["status"], ["restore", "whole.db", "--yes"]]) {
        const { code, stdout, stderr } = await foreign.attack(verb[0]!, ...verb);
        assert.equal(code, 1);
        assert.match(
          stdout + stderr,
          /root works there with the rights of the user nobody, who can change .*state/,
          verb[0],
        );
      }
    }, "state/data/relay.db");
  },
);

test("root uses no store where anybody can put files, but writes a backup there", needsRoot, async () => {
  await withForeign(async ({ path, state, run }) => {
    const shared = join(path, "shared");
    mkdirSync(shared);
    chmodSync(shared, 0o1777);
    const copy = await run("backup", join(shared, "copy.db"));
    assert.equal(copy.code, 0, copy.stderr);
    assert.deepEqual(readdirSync(shared), ["copy.db"]);

    for (const mode of [0o777, 0o1777, 0o775]) {
      chownSync(state, 0, NOBODY);
      chmodSync(state, mode);
      chownSync(join(state, "relay.db"), 0, 0);
      const before = readdirSync(state);
      for (const verb of [["status"], ["serve"], ["backup", "copy.db"], ["restore", "whole.db", "--yes"]]) {
        const { code, stdout, stderr } = await run(...verb);
        assert.equal(code, 1, stdout);
        assert.match(
          stdout + stderr,
          /Cannot .* as root: other users can write to .*state, .*\n? *.*hint/,
          verb[0],
        );
      }
      assert.deepEqual(readdirSync(state), before);
    }
  });
});

const needsSetpriv = { skip: spawnSync("setpriv", ["--version"]).error ? "needs setpriv" : needsRoot.skip };

const hasViews = process.getuid?.() === 0 &&
  spawnSync("unshare", ["--mount", "true"]).status === 0;

test("root reaches another user's store in a folder that is closed to that user, and leaves no mount", {
  skip: hasViews ? false : "needs root that can mount",
}, async () => {
  await withForeign(async ({ path, state, run }) => {
    chmodSync(path, 0o700);
    const outside = join(path, "config", "copy.db");
    for (
      const verb of [["status"], ["serve"], ["backup", outside], ["restore", outside, "--yes"], ["retry", "--dead"]]
    ) {
      const { code, stdout, stderr } = await run(...verb);
      assert.equal(code, 0, `${verb[0]}: ${stdout}${stderr}`);
    }
    assert.deepEqual(readdirSync(state).filter((name) => statSync(join(state, name)).uid !== NOBODY), []);
    assert.doesNotMatch(readFileSync("/proc/self/mountinfo", "utf8"), new RegExp(path));
  });
});

test(
  "serve by root on another user's store keeps no right of root's but to listen on any port",
  needsRoot,
  async () => {
    await withForeign(async ({ config }) => {
      const text = readFileSync(join(config, "relay.config.ts"), "utf8");
      const port = await freePort(600, 1000);
      const relay = await startRelay(text.replace("port: 0", `port: ${port}`), { folder: config });
      try {
        for (const thread of readdirSync(`/proc/${relay.child.pid}/task`)) {
          const status = readFileSync(`/proc/${relay.child.pid}/task/${thread}/status`, "utf8");
          for (const name of ["Uid", "Gid"]) {
            assert.match(status, new RegExp(`^${name}:\\t${NOBODY}\\t${NOBODY}\\t${NOBODY}\\t${NOBODY}$`, "m"));
          }
          assert.match(status, new RegExp(`^Groups:\\t${NOBODY} ?$`, "m"));
          assert.match(status, /^CapPrm:\t0000000000000[04]00$/m);
        }
      } finally {
        await relay.close();
      }
    });
  },
);

test("serve by root works where root may not open a port under 1024", needsSetpriv, async () => {
  await withForeign(async ({ config }) => {
    const text = readFileSync(join(config, "relay.config.ts"), "utf8");
    const without = ["setpriv", "--bounding-set=-net_bind_service", executable];
    const relay = await startRelay(text, { folder: config, command: without });
    try {
      assert.match(readFileSync(`/proc/${relay.child.pid}/status`, "utf8"), /^CapPrm:\t0{16}$/m);
    } finally {
      await relay.close();
    }
  });
});

test("root that may not become another user does nothing to that user's store, and says so", needsSetpriv, async () => {
  await withForeign(async ({ path, config, state }) => {
    const without = (right: string, ...args: string[]) =>
      spawnSync("setpriv", [`--bounding-set=-${right}`, executable, ...args], { cwd: config, encoding: "utf8" });
    const verbs = [["status"], ["serve"], ["backup", "copy.db"], ["restore", "whole.db", "--yes"]];
    for (const verb of verbs) {
      const { status, stderr } = without("setuid", ...verb);
      assert.equal(status, 1, verb[0]);
      assert.match(
        stderr,
        /^Cannot .*user nobody can change .*state, and .*\n {2}hint: run it as that user: sudo -u nobody/,
      );
    }
    chmodSync(path, 0o700);
    for (const verb of verbs) {
      const { status, stderr } = without("sys_admin", ...verb);
      assert.equal(status, 1, verb[0]);
      assert.match(
        stderr,
        /^Cannot reach .*state .* is closed to that user, .*\n {2}hint: this needs the right to mount/,
      );
    }
    assert.deepEqual(readdirSync(state), ["relay.db"]);
    assert.ok(!readdirSync(config).some((name) => name.startsWith("copy.db")));
  });
});

test("root is asked on its terminal after it has become another user", {
  skip: needsRoot.skip || needsTerminal.skip,
}, async () => {
  await withForeign(async ({ config }) => {
    const terminal = runOnTerminal(["retry", "--dead"], { cwd: config });
    try {
      await terminal.shows(/Retry 3 dead letters .*\[y\/N\]/);
      terminal.type("y\r");
      assert.equal(await terminal.exited, 0);
      assert.match(terminal.output(), /Retrying 3 deliveries/);
    } finally {
      await terminal.close();
    }
  });
});

test(
  "from source on Deno, root does not work on another user's store, and says as whom to run it",
  needsRoot,
  async () => {
    await withForeign(async (foreign) => {
      const main = fileURLToPath(new URL("../../main.ts", import.meta.url));
      for (const verb of [["status"], ["serve"], ["backup", "copy.db"]]) {
        const { status, stdout, stderr } = spawnSync(process.execPath, ["run", "-A", main, ...verb], {
          cwd: foreign.config,
          encoding: "utf8",
        });
        assert.equal(status, 1, stdout);
        assert.match(stdout + stderr, /as root: the user nobody can change .*state.*\n? *.*sudo -u nobody/, verb[0]);
      }
      assert.deepEqual(readdirSync(foreign.state), ["relay.db"]);
      assert.ok(!existsSync(join(foreign.config, "copy.db")));
    });
  },
);
