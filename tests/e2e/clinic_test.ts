/** A clinic's day: a note that is done and one that failed reach chat, mail, a script and the clinic's own receivers. */

import assert from "node:assert/strict";
import { existsSync, readFileSync } from "node:fs";
import { createHash } from "node:crypto";
import { join } from "node:path";
import { test } from "node:test";
import { API_KEY, startConnectvetsApi } from "../helpers/connectvets_api.ts";
import { startMail } from "../helpers/mail.ts";
import { receivers, startReceiver } from "../helpers/receivers.ts";
import { configOf, runRelay, SECRET, startRelay } from "../helpers/relay.ts";
import { type SinkRequest, startSink } from "../helpers/sink.ts";
import { until } from "../helpers/wait.ts";

const MINUTE_MS = 60_000;

const kinds = (Object.keys(receivers) as (keyof typeof receivers)[]).filter((name) => !receivers[name].skip);

const completed = (id: string) =>
  `{"event":"note.completed", "timestamp":"2026-01-31T02:10:00Z","data":{"note_id":"${id}","status":"completed"}}`;

const failed = JSON.stringify({
  event: "note.transcription.failed",
  timestamp: "2026-01-31T02:10:00Z",
  data: { id: "n-2", name: "Mel", error: { code: "AUDIO_QUALITY_LOW", message: "Áudio com qualidade insuficiente" } },
});

const textOf = ({ body }: SinkRequest) => JSON.parse(body.toString()).text as string;

/** Appends what it is given to a file, with a line's end. */
const script = "#!/bin/sh\ncat >> bytes.txt\necho >> bytes.txt\n";

test("a day at the clinic reaches everybody, once, also past a minute in which the API takes no request", {
  timeout: 2 * MINUTE_MS,
}, async () => {
  const api = await startConnectvetsApi();
  const slack = await startSink();
  const mail = await startMail({ authOptional: true, disabledCommands: ["STARTTLS"] });
  const own = await Promise.all(kinds.map((name) => startReceiver(name, SECRET)));
  const names = kinds.map((name) => name.toLowerCase());
  const config = configOf({
    targets: `
      chat: slack({ url: "${slack.url}" }),
      equipe: email({ via: "smtp://127.0.0.1:${mail.port}", from: "relay@clinica.example", to: "equipe@clinica.example" }),
      arquivo: script({ command: ["./arquivar.sh"] }),
      ${names.map((name, index) => `${name}: http({ url: "${own[index]!.url}" }),`).join("\n")}`,
    routes: `
      { on: "note.completed", to: ["chat", "equipe"], enrich: connectvetsApi({ key: env("KEY"), url: "${api.url}" }) },
      { on: "note.completed", to: ${JSON.stringify(["arquivo", ...names])} },
      { on: "note.transcription.failed", to: "chat" },`,
  });
  const relay = await startRelay(config, { env: { KEY: API_KEY }, files: { "arquivar.sh": script } });
  try {
    const body = completed("n-1");
    assert.equal((await relay.post(body)).status, 200);
    const [message] = await slack.received(1);
    assert.match(textOf(message!), /^\*Nota pronta: Rex n-1\*\n/);
    assert.doesNotMatch(message!.body.toString(), /Texto clínico/);
    const { raw } = (await mail.received(1))[0]!;
    assert.match(raw, /^Subject: .*Rex.n-1/m);
    assert.match(raw.replaceAll("=\r\n", ""), /Anamnese e Conduta/);
    const seen = join(relay.folder, "bytes.txt");
    const bytes = () => existsSync(seen) ? readFileSync(seen, "utf8") : "";
    await until("the script", () => bytes() === `${body}\n`);
    const line = `note.completed n-1 ${createHash("sha256").update(body).digest("hex")}`;
    for (const receiver of own) await until("the receiver's line", () => receiver.log().includes(line));

    assert.equal((await relay.post(failed)).status, 200);
    assert.match(
      textOf((await slack.received(2))[1]!),
      /^\*Falha na transcrição: Mel\*\n.*\nA qualidade do áudio é baixa/,
    );

    const refusedAt = Date.now();
    api.before({ status: 429 });
    for (const id of ["n-3", "n-4", "n-5"]) assert.equal((await relay.post(completed(id))).status, 200);
    await until("the scripts", () => bytes().split("\n").length === 5);
    await until("the end of the minute", () => Date.now() - refusedAt > MINUTE_MS, 2 * MINUTE_MS);
    assert.equal(slack.requests.length, 2, "no message without its note");
    api.before(undefined);
    await slack.received(5, MINUTE_MS);
    await mail.received(4, MINUTE_MS);
    const told = slack.requests.slice(2).map(textOf).map((text) => text.split("\n")[0]).sort();
    assert.deepEqual(told, ["n-3", "n-4", "n-5"].map((id) => `*Nota pronta: Rex ${id}*`));
    assert.deepEqual([slack.requests.length, mail.mails.length, bytes().split("\n").length], [5, 4, 5]);
    const { stdout } = await runRelay(["events", "--json"], { cwd: relay.folder, env: { KEY: API_KEY } });
    const states = JSON.parse(stdout).flatMap(({ deliveries }: { deliveries: { state: string }[] }) =>
      deliveries.map(({ state }) => state)
    );
    assert.equal(states.length, 4 * (3 + own.length) + 1);
    assert.deepEqual([...new Set(states)], ["delivered"]);
  } finally {
    await relay.close();
    for (const receiver of own) await receiver.close();
    await Promise.all([slack.close(), mail.close(), api.close()]);
  }
});
