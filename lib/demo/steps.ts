/** The story of the demo: what is sent, and where each of it must arrive. */

import { Buffer } from "node:buffer";
import type { Phrase } from "../locale/phrase.ts";
import { request } from "../outbound/request.ts";
import { connectvetsSource } from "../sources/connectvets.ts";
import { requestTo, type Source } from "../sources/source.ts";
import type { Arrival, DemoTargets } from "./receivers.ts";

/** One request of the story. */
interface Step {
  title: Phrase;
  body: string;
  /** Signed with the wrong secret. */
  isForged?: boolean;
  /** Must be answered so. */
  status: number;
  answer: string;
  /** Must arrive there, and nowhere else. */
  arrives: string[];
}

/** What came of a step. */
export interface StepResult extends Step {
  actualStatus: number;
  actualAnswer: string;
  arrivals: Arrival[];
  isAsExpected: boolean;
}

const note = (event: string, status: string) =>
  `{"event":"${event}","timestamp":"2024-02-14T18:25:43Z","data":` +
  `{"note_id":"550e8400-e29b-41d4-a716-446655440000","status":"${status}","external_id":"CLIENTE_123"}}`;

const completed = note("note.completed", "completed");

/** The events of ConnectVets' webhook guide, one of them twice, and one that somebody else signed. */
const steps: Step[] = [
  {
    title: () => "note.processing",
    body: note("note.processing", "processing"),
    status: 200,
    answer: "OK",
    arrives: ["sistema"],
  },
  { title: () => "note.completed", body: completed, status: 200, answer: "OK", arrives: ["sistema"] },
  {
    title: () => "note.failed",
    body: note("note.failed", "failed"),
    status: 200,
    answer: "OK",
    arrives: ["plantao", "equipe", "sistema"],
  },
  { title: () => "test", body: '{"event":"test","data":{}}', status: 200, answer: "OK", arrives: ["arquivo"] },
  {
    title: ({ demo }) => demo.again("note.completed"),
    body: completed,
    status: 200,
    answer: "Already processed",
    arrives: [],
  },
  {
    title: ({ demo }) => demo.forged("note.failed"),
    body: note("note.failed", "forged"),
    isForged: true,
    status: 401,
    answer: "Signature verification failed",
    arrives: [],
  },
];

/** Longest wait for the relay's answer to a step, in milliseconds. */
const ANSWER_WAIT_MS = 15_000;

/** Longest wait for one step's arrivals, in milliseconds. */
const ARRIVAL_WAIT_MS = 15_000;

/** How long to watch that nothing more arrives, in milliseconds. */
const QUIET_MS = 300;

/** Sends one step after the other, waits for what must arrive, and tells of each as it is done. */
export async function tellStory(
  url: string,
  secret: string,
  targets: DemoTargets,
  tell: (result: StepResult) => void,
): Promise<StepResult[]> {
  const results: StepResult[] = [];
  const sender = senderWith(secret);
  for (const step of steps) {
    const before = targets.arrivals().length;
    const signer = step.isForged ? senderWith("somebody else's secret") : sender;
    const draft = signer.draft("", Buffer.from(step.body));
    const { status: actualStatus, body: answer } = await request(new URL(url), {
      method: "POST",
      headers: { ...draft.headers, ...signer.sign(requestTo(signer, draft, Date.now(), url)) },
      body: draft.body,
      signal: AbortSignal.timeout(ANSWER_WAIT_MS),
      isHere: true,
    });
    const actualAnswer = answer.toString();
    const arrivals = (await settled(targets, before + step.arrives.length)).slice(before);
    const isAsExpected = actualStatus === step.status && actualAnswer === step.answer &&
      namesOf(arrivals) === namesOf(step.arrives.map((target) => ({ target })));
    const result = { ...step, actualStatus, actualAnswer, arrivals, isAsExpected };
    results.push(result);
    tell(result);
  }
  return results;
}

/** What signs as ConnectVets does under this secret. */
function senderWith(secret: string): Source {
  return connectvetsSource.build("connectvets", { path: "/webhook", secret: [secret] });
}

function namesOf(arrivals: { target: string }[]): string {
  return arrivals.map(({ target }) => target).sort().join(", ");
}

async function settled(targets: DemoTargets, count: number): Promise<Arrival[]> {
  const end = performance.now() + ARRIVAL_WAIT_MS;
  while (targets.arrivals().length < count && performance.now() < end) await sleep(20);
  await sleep(QUIET_MS);
  return targets.arrivals();
}

function sleep(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
