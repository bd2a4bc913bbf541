/** The script target: what the program is given, what its end means, and that nothing it does can hang the relay. */

import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import process from "node:process";
import { test } from "node:test";
import type { Outcome } from "../../lib/outcome.ts";
import { attempt } from "../helpers/attempt.ts";
import { scriptTarget } from "../../lib/targets/script.ts";
import type { Delivery } from "../../lib/targets/target.ts";
import { makeFolder } from "../helpers/folder.ts";
import { makeDelivery, makeEvent, makeTarget, never, samplePayload } from "../helpers/target.ts";
import { reasonOf, testContract } from "./contract.ts";

const SECRET = "t0ken-of-the-script";

const running = (source: string) => async (options: object) => {
  const folder = makeFolder();
  writeFileSync(join(folder.path, "run.sh"), `#!/bin/sh\n${source}\n`, { mode: 0o755 });
  const all = { ...options, command: ["./run.sh"], env: { TOKEN: SECRET } };
  return { target: makeTarget(scriptTarget, all, { folder: folder.path }), close: folder.remove };
};

testContract("script", {
  good: running("exit 0"),
  failing: running("exit 1"),
  refusing: running("exit 65"),
  hanging: running("sleep 30"),
  hostile: {
    "a program that tells its secret": { make: running('echo "$TOKEN" >&2; exit 65'), kind: "dead" },
    "a program that ends itself": { make: running("kill -9 $$"), kind: "retry", reason: "script_failed" },
    "output that does not end": { make: running("yes"), kind: "retry", reason: "timed_out" },
    "a program that closes its input and outputs": { make: running("exec <&- >&- 2>&-; exit 0"), kind: "delivered" },
    "a program that shrugs off signals": { make: running('trap "" TERM INT HUP; sleep 30'), kind: "retry" },
  },
  secrets: [SECRET],
});

interface Ran {
  outcome: Outcome | undefined;
  /** The content of a file that the script left in its folder. */
  left(name: string): Buffer;
  folder: string;
}

/** Makes one attempt with a shell script in a folder of its own, and looks at what it left there. */
async function run(
  source: string,
  look: (ran: Ran) => void | Promise<void>,
  options: Record<string, unknown> = {},
  delivery: Delivery = makeDelivery(),
): Promise<void> {
  const folder = makeFolder();
  try {
    writeFileSync(join(folder.path, "run.sh"), `#!/bin/sh\n${source}\n`, { mode: 0o755 });
    const target = makeTarget(scriptTarget, { command: ["./run.sh"], ...options }, { folder: folder.path });
    const outcome = await attempt(target, () => delivery, never);
    await look({ outcome, left: (name) => readFileSync(join(folder.path, name)), folder: folder.path });
  } finally {
    folder.remove();
  }
}

test("deliver() gives the exact bytes on standard input", async () => {
  const body = Buffer.from('\uFEFF{ "event":"note.failed",\r\n "nome":"Pé \\u0000 💛"}\n\n');
  await run(
    "cat > body",
    ({ outcome, left }) => {
      assert.deepEqual(outcome, { kind: "delivered", status: 0 });
      assert.deepEqual(left("body"), body);
    },
    {},
    makeDelivery(makeEvent(samplePayload, { body })),
  );
});

test("deliver() makes the environment from scratch", async () => {
  process.env.MARKER_OF_THE_PARENT = "inherited";
  try {
    await run(
      "env -0 > environment",
      ({ left }) => {
        const lines = left("environment").toString().split("\0").filter((line) =>
          !/^(PWD|OLDPWD|SHLVL|_)=|^$/.test(line)
        );
        assert.deepEqual(lines.sort(), [
          `PATH=${process.env.PATH}`,
          "RELAY_ATTEMPT=4",
          "RELAY_DELIVERY_ID=0190b0f0-0000-7000-8000-00000000000d",
          "RELAY_EVENT_ID=0190b0f0-0000-7000-8000-000000000001",
          "RELAY_EVENT_TYPE=note.failed",
          "RELAY_SOURCE=connectvets",
          "RELAY_TARGET=alvo",
          "TOKEN=a=b c",
        ]);
      },
      { env: { TOKEN: "a=b c" } },
      makeDelivery(makeEvent(), { attempt: 4 }),
    );
  } finally {
    delete process.env.MARKER_OF_THE_PARENT;
  }
});

test("deliver() lets env set PATH, and none of the relay's own variables", async () => {
  const env = { PATH: "/usr/bin:/bin:/opt", RELAY_DELIVERY_ID: "forged" };
  await run('echo "$PATH $RELAY_DELIVERY_ID" > seen', ({ left }) => {
    assert.equal(left("seen").toString(), `/usr/bin:/bin:/opt ${makeDelivery().id}\n`);
  }, { env });
});

test("deliver() writes odd event types so that a variable holds them", async () => {
  await run(
    'printf %s "$RELAY_EVENT_TYPE" > type',
    ({ outcome, left }) => {
      assert.equal(outcome?.kind, "delivered");
      assert.equal(left("type").toString(), "a%00b%0A$(id)%20%C3%A9");
    },
    {},
    makeDelivery(makeEvent({ event: "a\0b\n$(id) é" })),
  );
});

test("deliver() passes arguments as they are: no shell reads them", async () => {
  const args = ["$HOME; rm -rf x", "`id`", "*", "", "a b\n'\"", "é", "-n"];
  await run('printf "%s\\0" "$@" > args', ({ left }) => {
    assert.deepEqual(left("args").toString().split("\0").slice(0, -1), args);
  }, { command: ["./run.sh", ...args] });
});

test("deliver() runs the program in the config's folder, wherever the relay was started", async () => {
  await run("mkdir made-here", ({ folder }) => assert.ok(existsSync(join(folder, "made-here"))));
});

test("deliver() finds a relative program from the config's folder, and a bare name in PATH", async () => {
  const folder = makeFolder();
  try {
    mkdirSync(join(folder.path, "scripts"));
    writeFileSync(join(folder.path, "scripts/a.sh"), "#!/bin/sh\nexit 0\n", { mode: 0o755 });
    for (
      const command of [["scripts/a.sh"], ["./scripts/../scripts/a.sh"], [join(folder.path, "scripts/a.sh")], ["true"]]
    ) {
      const target = makeTarget(scriptTarget, { command }, { folder: folder.path });
      assert.deepEqual(target.warnings, []);
      assert.equal((await attempt(target, makeDelivery, never))?.kind, "delivered", command[0]);
    }
  } finally {
    folder.remove();
  }
});

const ends = [
  { source: "exit 0", kind: "delivered", status: 0 },
  { source: "exit 65", kind: "dead", reason: "refused", status: 65, detail: /^The script exited with code 65$/ },
  { source: "exit 1", kind: "retry", reason: "script_failed", status: 1, detail: /^The script exited with code 1$/ },
  { source: "exit 64", kind: "retry", reason: "script_failed", status: 64, detail: /code 64$/ },
  { source: "exit 66", kind: "retry", reason: "script_failed", status: 66, detail: /code 66$/ },
  { source: "exit 255", kind: "retry", reason: "script_failed", status: 255, detail: /code 255$/ },
  { source: "kill -TERM $$", kind: "retry", reason: "script_failed", status: undefined, detail: /ended by SIGTERM$/ },
];
for (const { source, kind, reason, status, detail } of ends) {
  test(`deliver() makes of "${source}": ${kind}`, async () => {
    await run(source, ({ outcome }) => {
      assert.ok(outcome);
      assert.deepEqual([outcome.kind, reasonOf(outcome), outcome.status], [kind, reason, status]);
      if (outcome.kind !== "delivered") assert.match(String(outcome.detail), detail!);
    });
  });
}
