/** The default messages' words in English. */

import type { Words } from "./words.ts";
import { refusalsEn } from "./words_refusals.ts";

/** What to look at if no events come in; the operator's pages say the same. */
const silentCheck = "Check the webhook's address in ConnectVets, and network and proxy of this server.";

/** How to find out why signatures are refused; the operator's pages say the same. */
const refusedCheck =
  "`relay verify --signature S FILE` says what is wrong with a signature: of the header `S` and the body `FILE` that the sender shows.";

export const en: Words = {
  events: {
    "note.processing": {
      title: "Note being processed",
      what: (of) => `ConnectVets has begun to process the note${of}.`,
      todo: "Nothing for now.",
    },
    "note.completed": {
      title: "Note completed",
      what: (of) => `The note${of} is ready in ConnectVets.`,
      todo: "Open the note in ConnectVets and review its text.",
    },
    "note.failed": {
      title: "Note failed",
      what: (of) => `ConnectVets could not process the note${of}.`,
      todo:
        "Open the note in ConnectVets and try to process it again. If that fails too, send another recording or ask ConnectVets' support.",
    },
    "note.transcription.completed": {
      title: "Transcription completed",
      what: (of) => `The transcription of the note${of} is ready in ConnectVets.`,
      todo: "Open the note in ConnectVets and review its text.",
    },
    "note.transcription.failed": {
      title: "Transcription failed",
      what: (of) => `ConnectVets could not transcribe the audio of the note${of}.`,
      todo:
        "Open the note in ConnectVets and try to process it again. If that fails too, send another recording or ask ConnectVets' support.",
    },
    test: {
      title: "Webhook test",
      what: () => "The webhook's test event came in, and its signature is good.",
      todo: "Nothing: the webhook is set up and works.",
    },
  },
  otherTitle: (type) => `Event ${type}`,
  otherWhat: (type) => `An event came in that relay does not know yet: ${type}.`,
  otherTodo: "See in its sender's documentation what it means.",
  of: (name) => ` for ${name}`,
  ofClient: (client) => ` with the reference ${client}`,
  errors: {
    AUDIO_QUALITY_LOW: {
      why: "The audio is not good enough to be transcribed.",
      todo:
        "If there is another recording of the consultation, send it; if not, write the note by hand. Next time, record closer to who speaks and with less noise.",
    },
    INVALID_AUDIO_FORMAT: {
      why: "The audio file's format is not accepted.",
      todo: "Convert the audio to WAV or FLAC and send it again.",
    },
  },
  errorSays: (message) => `Reason given: ${message}`,
  errorCode: (code) => `Error code: ${code}`,
  labels: {
    todo: "What to do",
    patient: "Patient",
    client: "Client reference",
    note: "Note",
    sections: "Sections",
    time: "Time",
    error: "Error as given",
    target: "Target",
    since: "Since",
    event: "See the event in relay",
    dead: "See what was not delivered",
    events: "See the events in relay",
    overview: "See relay's overview",
  },
  origin: (id, type) => `Automatic message from relay. Event ${id}, ${type}`,
  more: (count) => `and ${count} more`,
  moreBlocks: (count) => `… and ${count} more blocks that did not fit`,
  test: {
    title: "Test message from relay",
    what: (target) => `This is a test: no real event happened. If you can read this, the target ${target} works.`,
  },
  nothingTodo: "Nothing.",
  alarms: {
    dead: {
      titles: { begin: "Alarm from relay: dead letters", end: "Alarm from relay is over: dead letters" },
      todo:
        "See the target and the reason by `relay status`. Once that is mended, `relay retry --dead` delivers again.",
    },
    silent: {
      titles: { begin: "Alarm from relay: no events come in", end: "Alarm from relay is over: events come in again" },
      todo: `See what came in last by \`relay events\`. ${silentCheck}`,
    },
    refused: {
      titles: { begin: "Alarm from relay: requests refused", end: "Alarm from relay is over: requests refused" },
      todo: `See source and reason by \`relay status\`. ${refusedCheck}`,
    },
  },
  deadBegin: (limit) =>
    limit === 1
      ? "There are deliveries that failed for good."
      : `There are ${limit} or more deliveries that failed for good.`,
  deadEnd: (limit) =>
    limit === 1
      ? "There are no more deliveries that failed for good."
      : `There are fewer than ${limit} deliveries that failed for good.`,
  refusals: refusalsEn,
  refusedBegin: (limit, time) =>
    limit === 1 ? `A request was refused within ${time}.` : `${limit} or more requests were refused within ${time}.`,
  refusedEnd: (time) => `No request was refused for ${time}.`,
  refusedCheck,
  silentBegin: (pattern, time) => `No event ${pattern} has come in for ${time}.`,
  silentEnd: (pattern) => `An event ${pattern} came in.`,
  silentCheck,
};
