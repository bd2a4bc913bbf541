/** The documented load balancers, run in front of two relays as they stand there, while relays stop, die and hang. */

import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import process from "node:process";
import { test } from "node:test";
import { makeFolder } from "../helpers/folder.ts";
import { freePort } from "../helpers/port.ts";
import { startPostgres } from "../helpers/postgres.ts";
import { configOf, type RunningRelay, sign, startRelay } from "../helpers/relay.ts";
import { startSink } from "../helpers/sink.ts";
import { sleep, until } from "../helpers/wait.ts";

const docs = readFileSync(new URL("../../docs/several-relays.md", import.meta.url), "utf8");
const TOKEN = "tok0123456789abcdef";

const find = (name: string) => [`/usr/sbin/${name}`, `/usr/local/bin/${name}`].find(existsSync);
const [haproxy, nginx] = [find("haproxy"), find("nginx")];

/** A documented block with these replacements, each of which stands in it. */
function blockOf(language: string, replacements: [from: string, to: string][]): string {
  const [, block] = new RegExp(`^\`\`\`${language}\\n(.*?)^\`\`\`$`, "ms").exec(docs)!;
  return replacements.reduce((text, [from, to]) => {
    assert.ok(text.includes(from), `${from} is in the documented block`);
    return text.replaceAll(from, to);
  }, block!);
}

interface Ports {
  /** The load balancer's. */
  own: number;
  /** Of each relay: its public listener's, and its admin listener's. */
  relays: { port: number; admin: number }[];
}

/** Writes a balancer's config into a folder. @returns The command that runs it in the foreground. */
type Prepare = (folder: string, ports: Ports) => [program: string, ...args: string[]];

const prepareHaproxy: Prepare = (folder, { own, relays: [first, second] }) => {
  const file = join(folder, "haproxy.cfg");
  const text = blockOf("haproxy", [
    ["bind :3000", `bind 127.0.0.1:${own}`],
    ["check port 9300", "check"],
    ["relay-1:3000", `127.0.0.1:${first!.port} port ${first!.admin}`],
    ["relay-2:3000", `127.0.0.1:${second!.port} port ${second!.admin}`],
  ]);
  writeFileSync(file, text);
  return [haproxy!, "-db", "-f", file];
};

const prepareNginx: Prepare = (folder, { own, relays: [first, second] }) => {
  const server = blockOf("nginx", [
    ["listen 3000;", `listen 127.0.0.1:${own};`],
    ["relay-1:3000", `127.0.0.1:${first!.port}`],
    ["relay-2:3000", `127.0.0.1:${second!.port}`],
  ]);
  const places = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"].map((one) =>
    `${one}_temp_path ${folder}/${one};`
  );
  const file = join(folder, "nginx.conf");
  writeFileSync(
    file,
    `daemon off;\nmaster_process off;\npid ${folder}/pid;\nerror_log stderr;\nevents {}\n` +
      `http {\naccess_log off;\n${places.join("\n")}\n${server}}\n`,
  );
  return [nginx!, "-p", folder, "-c", file, "-e", "stderr"];
};

async function startBalancer(prepare: Prepare, folder: string, ports: Ports): Promise<{ end(): Promise<void> }> {
  const [program, ...args] = prepare(folder, ports);
  const child = spawn(program, args, { env: { PATH: process.env.PATH, ADMIN_TOKEN: TOKEN } });
  let output = "";
  for (const stream of [child.stdout, child.stderr]) stream.on("data", (chunk) => output += chunk);
  const ended = new Promise<void>((resolve) => child.on("close", () => resolve()));
  await until("the load balancer", async () => {
    if (child.exitCode !== null) throw new Error(output);
    return await fetch(`http://127.0.0.1:${ports.own}/healthz`).then(({ status }) => status === 200, () => false);
  });
  return {
    end() {
      if (child.exitCode === null) process.kill(child.pid!, "SIGKILL");
      return ended;
    },
  };
}

/** Sends events until it is ended, and tells what each was answered, or why it was not. */
function sendSteadily(port: number) {
  const answers: { number: number; status?: number; error?: string }[] = [];
  let isOver = false;
  const send = async () => {
    for (let number = 1; !isOver; number++) {
      // Of any size up to what fits, as events are: all of them can be sent to another relay.
      const note = "n".repeat(number % 10 === 0 ? 900_000 : 1_000);
      const body = JSON.stringify({ event: "note.completed", data: { note_id: `${number}`, note } });
      const sent = fetch(`http://127.0.0.1:${port}/webhook`, {
        method: "POST",
        headers: { "X-ConnectVets-Signature": sign(body) },
        body,
      });
      answers.push(
        await sent.then(({ status }) => ({ number, status }), (error: unknown) => ({ number, error: String(error) })),
      );
      await sleep(20);
    }
  };
  const sending = send();
  return {
    answers,
    async end() {
      isOver = true;
      await sending;
    },
  };
}

async function withBalancer(prepare: Prepare): Promise<void> {
  const [folder, sink, database] = [makeFolder(), await startSink(), await startPostgres()];
  const relays: RunningRelay[] = [];
  const config = (port = 0, admin = 0) =>
    configOf({
      port,
      admin: `{ port: ${admin}, token: "${TOKEN}" }`,
      targets: `crm: http({ url: "${sink.url}" })`,
      routes: '{ on: "**", to: "crm" }',
      more: `store: "${database.url()}", trustProxy: true`,
    });
  let balancer: { end(): Promise<void> } | undefined;
  let steady: ReturnType<typeof sendSteadily> | undefined;
  try {
    for (let count = 0; count < 2; count++) relays.push(await startRelay(config()));
    const [first, second] = relays as [RunningRelay, RunningRelay];
    const ports: Ports = {
      own: await freePort(),
      relays: await Promise.all(
        relays.map(async (relay) => ({ port: relay.port, admin: Number(new URL(await relay.adminUrl()).port) })),
      ),
    };
    balancer = await startBalancer(prepare, folder.path, ports);
    steady = sendSteadily(ports.own);
    const { answers, end } = steady;
    const more = (count: number) => {
      const from = answers.length;
      return until("more answers", () => answers.length >= from + count, 60_000);
    };
    await more(30);
    assert.ok(relays.every((relay) => relay.log().some(({ result }) => result === "stored")), "both are asked");

    await first.end();
    await more(30);
    relays[0] = await startRelay(config(ports.relays[0]!.port, ports.relays[0]!.admin));
    await more(200); // it is looked for again
    await until(
      "the first one to be asked again",
      () => relays[0]!.log().some(({ result }) => result === "stored"),
      30_000,
    );
    process.kill(second.child.pid!, "SIGSTOP");
    await more(30);
    process.kill(second.child.pid!, "SIGCONT");
    await more(30);
    await second.end("SIGKILL");
    await more(30);
    await end();

    const refused = answers.filter(({ status }) => status !== 200);
    assert.deepEqual(refused, [], `of ${answers.length}`);
    const wanted = answers.length;
    await sink.received(wanted, 60_000);
    const ids = new Set(sink.requests.map(({ headers }) => headers["relay-event-id"]));
    assert.equal(ids.size, wanted, "an event that was sent to two relays is one");
  } finally {
    for (const relay of relays) {
      await relay.close();
    }
    await balancer?.end();
    await steady?.end();
    await sink.close();
    await database.close();
    folder.remove();
  }
}

test("the documented HAProxy loses no event while a relay stops, hangs or is killed", {
  skip: haproxy ? false : "needs haproxy, of the package of that name",
}, async () => await withBalancer(prepareHaproxy));

test("the documented nginx loses no event while a relay stops, hangs or is killed", {
  skip: nginx ? false : "needs nginx, of the package nginx-light",
}, async () => await withBalancer(prepareNginx));
