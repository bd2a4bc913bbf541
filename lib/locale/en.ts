/**
 * English: every word that a person reads, under names that other languages have as well. Mistakes in a config, the log
 * and most verbs speak English alone.
 */

import type { Reason } from "../outcome.ts";
import type { Refusal } from "../refusal.ts";
import { formsOf } from "./forms.ts";
import type { Advice, MessageWords } from "./message_words.ts";

const forms = formsOf("en");

/** What to look at if no events come in; the operator's pages say the same. */
const silentCheck = "Check the webhook's address in ConnectVets, and network and proxy of this server.";

/** How to find out why signatures are refused; the operator's pages say the same. */
const refusedCheck =
  "`relay verify --signature S FILE` says what is wrong with a signature: of the header `S` and the body `FILE` that the sender shows.";

/** Why requests are refused, in one sentence with what to do about it. */
const refusals: Record<Refusal, Advice> = {
  signature_missing: {
    name: "no signature",
    advice: "The request came without a signature: the sender has no secret set, or somebody else posts to this path.",
  },
  signature_malformed: {
    name: "malformed signature",
    advice: "The signature header is not in the form of this source: see that the source fits the sender.",
  },
  signature_wrong: {
    name: "wrong signature",
    advice: "The sender signs with another secret, or a proxy changes the body on its way: compare the secrets first.",
  },
  body_too_large: {
    name: "body too large",
    advice: "The body is larger than `maxBody`: raise it in the config if these requests are genuine.",
  },
  body_cut: {
    name: "body cut short",
    advice: "The connection ended before the whole body came: check network and proxy.",
  },
  body_late: { name: "body too slow", advice: "The body did not come in time: check network and proxy." },
  body_encoded: {
    name: "compressed body",
    advice: "The body has a `Content-Encoding`: let the sender, or the proxy in front, send it as it was signed.",
  },
  body_no_room: {
    name: "no room for bodies",
    advice: "Too many bodies came in at the same time: the log says from whom; a genuine sender tries again.",
  },
  body_invalid: {
    name: "not an event",
    advice: "The signature is good, but the body is not what this source takes: the log says what is wrong with it.",
  },
  rate_limited: {
    name: "rate limited",
    advice: "One client sent more than `rateLimit` allows: raise it in the config if these requests are genuine.",
  },
  store_failed: {
    name: "not stored",
    advice: "The event could not be stored: the log says why, such as a full disk; the sender tries again.",
  },
};

/** Why an attempt failed, in one sentence with what to do about it. */
const reasons: Record<Reason, Advice> = {
  connection_refused: {
    name: "connection refused",
    advice: "Nothing listens at the target's address: start the program there, or correct the address in the config.",
  },
  connection_reset: {
    name: "connection cut",
    advice: "The target cut the connection before it answered: look at its own log, and at any proxy in between.",
  },
  dns_failed: {
    name: "name not found",
    advice: "The target's host name could not be resolved: check its spelling, and this machine's DNS.",
  },
  tls_failed: {
    name: "TLS failed",
    advice: "No secure connection could be made: check that the target's certificate is valid and for this host name.",
  },
  network_failed: {
    name: "network failed",
    advice: "The target could not be reached: check this machine's network, its routes and firewalls.",
  },
  proxy_failed: {
    name: "proxy failed",
    advice: "The proxy of `http_proxy` or `https_proxy` let nothing through: fix it, or put the host into `no_proxy`.",
  },
  timed_out: {
    name: "timed out",
    advice: "No answer came in time: find out what slows the target down, or give it a longer `timeout` in the config.",
  },
  rate_limited: {
    name: "rate limited",
    advice: "The target asked for fewer requests: relay waits as it was told; set a lower `rate` if it happens often.",
  },
  redirected: {
    name: "redirected",
    advice: "The target answered with another address, and redirects are not followed: put the new one in the config.",
  },
  refused: {
    name: "refused",
    advice: "The target refused the message: its answer says why; fix the message, the address or the credentials.",
  },
  server_failed: {
    name: "target failed",
    advice: "The target had an error of its own: look at its log, and retry once it works.",
  },
  unexpected_answer: {
    name: "unexpected answer",
    advice: "The answer is not what this kind of target gives: check that the address is the right one.",
  },
  script_failed: {
    name: "script failed",
    advice: "The script ended with an error: its output stands with the attempt; run it by hand with the same event.",
  },
  script_not_run: {
    name: "script not run",
    advice: "The script could not be started: the attempt says why; fix its file, and retry.",
  },
  message_invalid: {
    name: "message invalid",
    advice: "The config could not make the message from this event: fix its function, reload, and retry.",
  },
  note_missing: {
    name: "no such note",
    advice: "ConnectVets' API does not know the note: it may be deleted, or `sandbox` in `enrich` is wrong.",
  },
  note_refused: {
    name: "note refused",
    advice: "ConnectVets' API refused the key: fix the `key` in `enrich`, or its `sandbox`, reload, and retry.",
  },
  note_unavailable: {
    name: "note unavailable",
    advice: "ConnectVets' API gave no note: relay asks again by itself; retry once the API is back.",
  },
  crashed: {
    name: "the relay crashed over it",
    advice: "The relay itself ended several times over this delivery: see what the target answers, then retry.",
  },
  internal: {
    name: "error in relay",
    advice: "Something went wrong inside relay: its log says what; retry, and report it if it happens again.",
  },
};

/** Default messages. */
const messages: MessageWords = {
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
      todo: "See the target and the reason by `relay status`. Once that is fixed, `relay retry --dead` delivers again.",
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
  refusals,
  refusedBegin: (limit, time) =>
    limit === 1 ? `A request was refused within ${time}.` : `${limit} or more requests were refused within ${time}.`,
  refusedEnd: (time) => `No request was refused for ${time}.`,
  refusedCheck,
  silentBegin: (pattern, time) => `No event ${pattern} has come in for ${time}.`,
  silentEnd: (pattern) => `An event ${pattern} came in.`,
  silentCheck,
};

/** The pages. A `count` that a text takes is a number as the language writes it. */
const pages = {
  nav: { overview: "Overview", events: "Events", dead: "Dead letters", targets: "Targets", config: "Config" },
  skip: "Skip to content",
  times: (timeZone: string) => `Times are those of ${timeZone}, the \`timeZone\` of the config.`,
  mainNavigation: "Main",
  lost: {
    gone: (time: string, shown: string) =>
      `The relay has not answered since ${time}. What you see here is from ${shown}.`,
    back: (time: string) => `The relay answers again since ${time}.`,
    fresh: "What you see here is up to date.",
    old: "Reload the page to see what is new.",
  },
  live: { on: "Live", off: "Not live", pause: "Pause live updates", resume: "Resume live updates" },
  signIn: {
    title: "Sign in",
    lead: "These are relay's pages for operators. They ask for the token that the config has under `admin`.",
    token: "Token",
    button: "Sign in",
    wrong: "That is not the token. Check that it was copied whole.",
    out: "Sign out",
  },
  states: {
    ok: "ok",
    failing: "failing",
    dead_letters: "has dead letters",
    open: "held after failures",
    throttled: "asked to wait",
    paused: "paused",
    orphaned: "not in the config",
    pending: "waiting",
    in_flight: "sending",
    delivered: "delivered",
    dead: "dead",
    accepted: "accepted",
    unrouted: "unrouted",
    running: "running",
    stopping: "stopping",
    stopped: "stopped",
    lost: "gone without a word",
  },
  outcomes: { delivered: "delivered", retry: "failed", dead: "failed for good" },
  reasons,
  refusals,
  verdicts: {
    matched: "matches",
    other_event: "is for other events",
    when_false: "its `when` says no",
    when_threw: "its `when` failed, which is no match",
  },
  done: {
    retried: (count: string) => `Deliveries that go out again now: ${count}.`,
    replayed: (count: string) => `The event was routed again. New deliveries: ${count}.`,
    paused: (_count: string) => "The target is paused. What comes in for it waits.",
    resumed: (_count: string) => "The target takes deliveries again.",
    tested: (_count: string) => "The test message is on its way.",
    nothing: (_count: string) => "There was nothing to do: none of these deliveries is dead or waiting.",
  },
  doneEvent: "See its story",
  yes: "yes",
  no: "no",
  never: "never",
  none: "none",
  all: "All",
  overview: {
    attention: "Needs attention",
    calm: "Nothing needs attention",
    calmLead: "Every target takes its deliveries, and there are no dead letters.",
    last24: "Last 24 hours",
    now: "now",
    received: "Received",
    delivered: "Delivered",
    waiting: "Waiting",
    dead: "Dead",
    perHour: "Attempts by outcome and hour",
    perTarget: "By target",
    asTable: "The chart as a table",
    hour: "Hour",
    attempts: "Attempts",
    chartOf: (target: string) => `Attempts to ${target} by outcome and hour`,
    noActivity: "Nothing was sent in the last 24 hours.",
    summary: (waiting: string, dead: string) => `Updated. Waiting: ${waiting}. Dead: ${dead}.`,
  },
  relays: {
    title: "Relays",
    name: "Relay",
    owns: "Owns",
    version: "Version",
    since: "Running since",
    heardAt: "Last heard of",
    self: "this page is from here",
    duties: "duties: retention, alarms",
    nothing: "no target",
    taking: (targets: string) => `takes over ${targets} within 15 s`,
    takeovers: "Targets that came to another relay in the last 24 hours",
    when: "When",
    newOwner: "New owner",
    targets: "Targets",
    why: "Why",
    givenUp: "The relay before gave them up: it was stopped, or made room for another.",
    wasLost: "The relay before was lost.",
    older: (count: string) => `Older ones: ${count}`,
  },
  attention: {
    lost: (name: string) => `Relay ${name} is gone`,
    lostTodo: "It ended without a word, or lost its network. Others take over its targets; its log says what happened.",
    mute: (name: string) => `Relay ${name} has given no sign of life for a minute`,
    muteTodo: "It hangs, was stopped, or cannot write to the store. Its log says more.",
    unowned: (targets: string) => `No relay owns ${targets}`,
    unownedTodo:
      "Deliveries wait until one does. A relay takes over what another lost within 37 seconds; after that, the log of each relay says why not.",
    reloadOf: (name: string) => `Relay ${name} refused the config on its disk`,
    silent: (pattern: string) => `No event ${pattern} comes in`,
    silentTodo: silentCheck,
    refused: (count: string) => `${count} or more requests were refused`,
    refusedTodo: "This was longer than an hour ago. The log says more of each.",
    refusedBy: (source: string, count: string) => `Requests to ${source} refused in the last hour: ${count}`,
    refusedCheck: refusedCheck,
    refusedCount: (count: string) => `${count}, the last one`,
    reload: "The config on disk was refused",
    reloadTodo: "The relay goes on under the config before it. Correct what is wrong, then reload.",
    dead: (count: string, target: string) => `${count} dead for ${target}`,
    failing: (target: string) => `${target} fails: nothing reaches it`,
    failingTodo: "Look at what its last attempts answered.",
    open: (target: string) => `${target} is held: it failed several times in a row`,
    openTodo: "One delivery probes it when the pause is over, and the rest follows by itself once it works.",
    paused: (target: string) => `${target} is paused by an operator`,
    pausedTodo: "Its deliveries wait until it is resumed.",
    throttled: (target: string) => `${target} asked for a pause`,
    throttledTodo: "Nothing to do: its deliveries go on when the pause is over.",
    orphaned: (target: string, count: string) =>
      `${count} wait or are dead for ${target}, which the config does not name`,
    orphanedTodo: "Put the target back into the config and reload, or replay the events to others.",
    late: (target: string, count: string) => `${target} is late: ${count} wait`,
    lateTodo: "Look at what its last attempts answered.",
    since: "since",
    until: "until",
    see: "See",
  },
  events: {
    title: "Events",
    filter: "Filter",
    search: "Search",
    searchHint: "Event id, note id or client reference",
    type: "Type",
    typeHint: "Such as note.failed or note.*",
    state: "State",
    target: "Target",
    since: "Received",
    apply: "Show",
    clear: "Clear",
    sinces: {
      "1h": "in the last hour",
      "24h": "in the last 24 hours",
      "7d": "in the last 7 days",
      "30d": "in the last 30 days",
    },
    received: "Received",
    event: "Event",
    source: "Source",
    note: "Note, client reference",
    deliveries: "Deliveries",
    older: "Older",
    newer: "Newer",
    newest: "Newest",
    empty: "No event matches",
    emptyLead: "Widen the filter, or send one: relay send",
    more: "The search stopped here; older events were not searched yet.",
    pages: "Pages",
  },
  event: {
    title: "Event",
    id: "Id",
    received: "Received",
    source: "Source",
    secret: "Signed with",
    secretOf: (place: string, count: string) => `secret ${place} of ${count}`,
    own: "Made by relay itself",
    size: "Size",
    deliveries: "Deliveries",
    noDeliveries: "It went nowhere: no route matched when it came in.",
    delivery: "Delivery",
    attempts: (target: string) => `Attempts to deliver to ${target}`,
    attempt: "Attempt",
    time: "Time",
    duration: "Took",
    outcome: "Outcome",
    status: "Status",
    answer: "Answer",
    next: "Next attempt",
    nextTurn: "Waits behind others with the same order key.",
    nextSending: "Being sent now.",
    nextHeld: "Goes once the target takes deliveries again:",
    nextDead: "Nothing more happens by itself.",
    retry: "Retry now",
    retryOf: (target: string) => `Retry now: ${target}`,
    routes: "Routes",
    routesLead: "What the current config says about this event.",
    on: "Events",
    to: "Targets",
    verdict: "Verdict",
    fallback: "No route matches; it goes to the fallback.",
    unrouted: "No route matches, and there is no fallback.",
    problems: "Problems",
    arrived: "What arrived",
    header: "Header",
    value: "Value",
    payload: "Payload",
    note: "Note in full",
    noteFetched: "Fetched from ConnectVets' API",
    noteFailed: "Not available from ConnectVets' API",
    bytes: (count: string) =>
      `${count} bytes came in; signature and delivery use these exact bytes. They are shown indented.`,
    notJson: "The body is not JSON; this is its text.",
    cut: "Only the first part is shown.",
    replay: "Replay",
    replayLead: (targets: string) => `Routes the event again with the current config: new deliveries to ${targets}.`,
    replayNowhere: "With the current config it would go nowhere.",
  },
  dead: {
    title: "Dead letters",
    lead: "Deliveries that failed for good. Fix the cause first, then retry them.",
    groups: "By target and reason",
    letters: "Dead letters, newest first",
    none: "No dead letters",
    noneLead: "Everything was delivered or still has attempts left.",
    reason: "Reason",
    count: "Count",
    oldest: "Oldest",
    newest: "Newest",
    retryAll: (count: string) => `Retry all ${count}`,
    retryGroup: "Retry group",
    retryGroupOf: (target: string, reason: string) => `Retry group: ${target}, ${reason}`,
    show: "Show",
    ask: "Retry dead letters",
    askAll: (count: string) => `This retries every dead letter: ${count}.`,
    askTarget: (count: string, target: string) => `This retries the dead letters of ${target}: ${count}.`,
    askReason: (reason: string) => `Only those that failed for this reason: ${reason}.`,
    consequence:
      "Each gets a new set of attempts, beginning now, under the same delivery id. If the cause is not fixed, they fail again.",
    confirm: (count: string) => `Retry ${count} now`,
    cancel: "Cancel",
  },
  targets: {
    title: "Targets",
    name: "Target",
    kind: "Kind",
    goesTo: "Address",
    backlog: "Waiting",
    sending: "Sending",
    oldest: "Oldest waiting",
    lastSuccess: "Last success",
    lastFailure: "Last failure",
    rate: "Success, 24 h",
    latency: "Latency p50 / p99, 24 h",
    pause: "Pause",
    resume: "Resume",
    test: "Send test message",
    of: (button: string, target: string) => `${button}: ${target}`,
    until: "until",
    probe: "probes with the next delivery",
    testResult: (target: string) => `Test message to ${target}`,
    story: "See its story",
    stateTodo: {
      ok: "",
      failing: "Its last attempt failed, and nothing was delivered since. What waits is tried again by itself.",
      dead_letters: "It takes deliveries, but some failed for good. Fix the cause first, then retry them.",
      open:
        "It failed several times in a row. A single delivery probes it; the rest follows once that one gets through.",
      throttled: "It asked relay to wait. Deliveries go on by themselves when the pause is over.",
      paused: "An operator paused it. Deliveries wait until it is resumed.",
      orphaned: "The config does not name it. Put it back and reload, or replay the events to others.",
    },
  },
  config: {
    title: "Config",
    file: "File",
    sources: "Sources",
    path: "Path",
    secrets: "Secrets",
    routes: "Routes",
    when: "Condition",
    always: "always",
    condition: "if `when` says yes",
    fallback: "Events that no route matches go to",
    noFallback: "Events that no route matches are kept as unrouted.",
    targets: "Targets",
    warnings: "Warnings",
    preview: "Where would an event go?",
    previewLead: "Nothing is stored or sent.",
    sample: "Sample",
    useSample: "Use this sample",
    json: "Event (JSON)",
    show: "Show where it goes",
    goesTo: "Goes to",
    message: (target: string) => `What ${target} would get`,
    wrong: "Cannot read the event",
  },
  notFound: { title: "There is no such page", lead: "The event may have been deleted, as the config's `keep` says." },
  failed: { title: "This page cannot be shown now", lead: "Try again in a moment. What relay knows:" },
  refused: "That cannot be done",
};

/** `relay init`, and the files that it writes. */
const init = {
  wrote: "wrote",
  kept: "kept ",
  next: "Next:",
  /** What to do next; the commands follow by themselves. */
  edit: "Put your secrets into .env, and your targets and routes into relay.config.ts.",
  otherTerminal: "from another terminal",
  /** What is missing in a `.env` that was left as it was. */
  missing: (names: string) => `.env was there already; add to it: ${names}`,
  config: {
    about:
      "What the relay receives, what it delivers to, and what goes where. `relay check` reads it and says what it found.",
    fallback: "Events that no route matched. Without it they are kept, but go nowhere.",
  },
  dotenv: {
    about: "Secrets of relay.config.ts. Only you can read this file; keep it out of version control.",
    secret: "The secret that ConnectVets gave you. Until then, this one serves for `relay send`.",
    slack: "Your Slack incoming webhook.",
    smtp: "Your mail server.",
    http: "Your other system.",
  },
  ask: {
    intro: "A config for relay",
    failures: "Where should failed notes go?",
    completed: "Where should completed notes go?",
    kinds: { slack: "Slack", email: "Email", http: "Another system, by HTTP", script: "A script", none: "Nowhere yet" },
    slackUrl: "URL of the Slack incoming webhook",
    smtpUrl: "Mail server, smtp://user:password@host:587",
    from: "The sender's address",
    to: "The recipient's address",
    httpUrl: "URL of the other system",
    script: "Command to run, with its arguments",
    secret: "Secret of the webhook, from ConnectVets",
    later: "empty: put it into .env later",
    invalid: {
      url: 'Expected a URL such as "https://sistema.example/webhook"',
      smtp: 'Expected a URL such as "smtp://user:password@host:587"',
      address: 'Expected an address such as "equipe@clinica.example"',
      empty: "Expected something",
    },
    cancelled: "Nothing is written",
    done: "Thank you",
  },
};

/** `relay check` but its warnings. */
const check = {
  sound: "The config is sound:",
  sources: "Sources",
  everywhere: "at every address of this machine",
  secrets: (count: number) => count === 1 ? "1 secret" : `${count} secrets`,
  certificate: "Certificate",
  until: (day: string) => `until ${day}`,
  targets: "Targets",
  routes: "Routes",
  when: "when …",
  anythingElse: "anything else",
  goesNowhere: "is kept, goes nowhere",
  store: "Store",
  /** Of a database: the version of the store's schema in it. */
  schema: (version: number) => version === 0 ? "its schema is made by the first relay" : `schema version ${version}`,
  alerts: "Alerts",
  dead: (count: number) => `${count} or more dead letters`,
  silent: (pattern: string) => `no event ${pattern}`,
  for: (time: string) => `for ${time}`,
  refused: (count: number) => `${count} or more refused requests`,
  within: (time: string) => `within ${time}`,
  warnings: "Warnings",
};

/**
 * Warnings; each follows the place in the config that it is about. Dates are in the form of ISO 8601; `place` is the position
 * of a certificate in its file, from 1; `quoted` is a path as a shell reads it.
 */
const warnings = {
  shortSecret: "is shorter than 16 bytes, so it can be guessed",
  /** @param near The event, or the pattern, that was probably meant. */
  unknownEvent: (pattern: string, near: string) =>
    `"${pattern}" matches no event of ConnectVets; did you mean "${near}"?`,
  oneStar: '"*" matches only names without a dot, so no event about a note; "**" matches every event',
  noProgram: (program: string, fault: string) => `cannot run ${program}: ${fault}`,
  /** Why a program cannot be run; paths are as a shell reads them. */
  program: {
    missing: (path: string) => `the file ${path} does not exist`,
    noFolder: (folder: string) => `its working directory does not exist: ${folder}`,
    closed: (folder: string, quoted: string) =>
      `the relay's user cannot enter the directory ${folder}; move the program, or run: chmod o+x ${quoted}`,
    isFolder: "it is a directory",
    noFile: "it is not a file",
    notExecutable: (quoted: string) => `it is not executable; run: chmod +x ${quoted}`,
    notAllowed: "the relay's user may not execute it, or its file system is mounted with noexec",
    noFirstLine: 'its first line does not say what runs it; add "#!/bin/sh", or the interpreter it is written for',
    windowsLines: (quoted: string) => `its lines end with CRLF, as on Windows; run: sed -i 's/\\r$//' ${quoted}`,
    marked: (quoted: string) => `a byte order mark precedes its "#!"; run: sed -i '1s/^\\xEF\\xBB\\xBF//' ${quoted}`,
    noInterpreter: (program: string) =>
      `its first line names ${program}, which does not exist; install it, or correct the line`,
    notInPath: (program: string, path: string) =>
      `${program} is not in PATH (${path}); install it, or write its full path`,
    otherMachine: (machine: string, own: string) =>
      `it is built for ${machine}, but this machine is ${own}; use the build for ${own}`,
    otherSystem: (system: string) => `it is built for ${system}; use the build for Linux`,
  },
  sandboxKey: "has a sandbox key (cvn_test_…) without `sandbox: true`",
  productionKey: "has a production key (cvn_live_…) with `sandbox: true`",
  idleEnrich: "has no effect: the route's targets send the bytes received, not a message made from the event",
  certificate: (place: number) => place === 1 ? "" : ` (certificate ${place} in the file)`,
  expired: (date: string, place: number) => `expired on ${date}${warnings.certificate(place)}; senders refuse it`,
  notYetValid: (date: string, place: number) =>
    `is not valid before ${date}${warnings.certificate(place)}; senders refuse it`,
  expires: (days: number, date: string, place: number) => {
    const when = days === 0 ? "within a day" : `in ${forms.count(days, { one: "day", other: "days" })}`;
    return `expires ${when}, on ${date}${warnings.certificate(place)}; renew it, then reload relay`;
  },
  selfSigned: "is self-signed; senders that do not know it refuse it",
  noIssuer: (issuer: string) =>
    `lacks the certificate of its issuer "${issuer}"; senders may refuse it unless they know that authority; ` +
    "use the file with the whole chain, often named fullchain.pem",
  noChain: (place: number) =>
    `is not a chain: certificate ${place} did not issue certificate ${place - 1}; senders may refuse it`,
  noHost: "names no host (subjectAltName); senders may refuse it",
  /** Of a store's database; `problem` says in English what could not be done. */
  database: {
    problem: (problem: string) => problem,
    noAnswer: (store: string, seconds: number) => `${store} did not answer within ${seconds} s`,
    readOnly: "the server accepts no writes; name the primary, or all servers of the cluster",
    noSchema: (schema: string, user: string) =>
      `the schema ${schema} does not exist, and the user ${user} may not create it; ask the database's administrator to ` +
      "run what `relay migrate --sql` prints",
    noRights: (user: string, table: string) =>
      `the user ${user} may not read and write ${table}; ask the database's administrator for the rights that ` +
      "`relay migrate --sql` prints",
    asynchronous: (value: string) =>
      `the server confirms writes before they are safe (synchronous_commit = ${value}); if it crashes, acknowledged ` +
      'events may be lost; set it to "on" for the relay\'s user',
    clock: (seconds: number) =>
      `the server's clock is ${forms.number(Math.abs(seconds))} s ${
        seconds > 0 ? "ahead of" : "behind"
      } this machine's; relay uses the server's; synchronize both by NTP`,
    connections: (free: number, most: number, needed: number) =>
      `the server has room for only ${
        forms.count(Math.max(0, free), { one: "more connection", other: "more connections" })
      } of ${most} (max_connections); a relay and its commands may need ${needed}`,
  },
  /** Of a line in `.env`. */
  dotenv: {
    noAssignment: "is ignored: it is neither NAME=value nor a comment",
    openQuote: "starts with a quote that is never closed, so the quote is part of the value",
    afterQuote: "has text after the closing quote, which is ignored",
    otherValue: "gives systemd another value than relay; write NAME='value', which both read alike",
    notSet: "sets no variable for systemd; write NAME='value', with only letters, digits and _ in the name",
    setOnly: "sets a variable for systemd, but not for relay; write NAME='value', or start the line with #",
  },
  readable: (file: string, mode: string, quoted: string) =>
    `every user of this machine can read ${file} (mode ${mode}); run \`chmod 600 ${quoted}\``,
  asService: '; if the service cannot read it after that, use credential("NAME")',
  readableConfig: (file: string, mode: string) =>
    `every user of this machine can read ${file} (mode ${mode}), which contains a secret; move the secret to .env, and ` +
    'write env("NAME") in its place',
  changeable: (file: string, mode: string, quoted: string) =>
    `every user of this machine can change ${file} (mode ${mode}); run \`chmod 600 ${quoted}\``,
};

/** The command line as a whole: its help, and wrong usage. */
const cli = {
  description: "Receives ConnectVets webhooks, stores them, and delivers them to Slack, email, HTTP or a script.",
  startHere:
    "Start here:\n  relay demo             see it at work, with no account anywhere\n  relay init my-relay    write a config to edit",
  /** Headings of a help text, by what they are in English. */
  titles: { "Usage:": "Usage:", "Arguments:": "Arguments:", "Options:": "Options:", "Commands:": "Commands:" },
  options: "options",
  command: "command",
  help: "show this help",
  version: "print the version",
  config: "config file",
  source: "the source whose secret and path to use; default: the first",
  json: "print JSON, for scripts",
  locale: "language; default: the config's, else the terminal's",
  byDefault: (value: string) => `default: ${value}`,
  choices: (names: string) => `one of ${names}`,
  environment: (name: string) => `or set ${name}`,
  hint: "hint",
  /** @param path The verb, with what stands before it. */
  wrongUsage: (path: string, problem: string) => `Cannot run \`${path}\`: ${problem}`,
  seeHelp: (path: string) => `see \`${path} --help\``,
  unknownOption: (flag: string, near?: string) => `unknown option ${flag}${near ? `; did you mean ${near}?` : ""}`,
  unknownCommand: (name: string, near?: string) => `unknown command ${name}${near ? `; did you mean ${near}?` : ""}`,
  missingArgument: (name: string) => `the argument <${name}> is missing`,
  missingValue: (flags: string) => `${flags} needs a value`,
  missingOption: (flags: string) => `${flags} is missing`,
  excessArguments: (expected: number, rest: string) =>
    `${forms.count(expected, { one: "argument is", other: "arguments are" })} expected, and there is more: ${rest}`,
  notAChoice: (name: string, value: string, choices: string) =>
    `${name} cannot be "${value}"; expected one of ${choices}`,
  invalid: (name: string, value: string, why: string) => `${name} cannot be "${value}"; ${why}`,
  lostOutput: (problem: string) => `Cannot write the output: ${problem}`,
};

/** `relay status`. */
const status = {};

/** `relay events`: the list, and the story of one event. */
const events = {};

/** `relay retry`, `replay`, `pause` and `resume`. */
const operate = {};

/** `relay send`, `sign`, `verify`. */
const send = {};

/** `relay routes`. */
const routes = {};

/** `relay serve`, where it cannot start. */
const serve = {};

/** `relay test` and `relay diff`. */
const fixtures = {
  cannotRead: (mistakes: number) =>
    `Cannot read the fixtures: ${forms.count(mistakes, { one: "mistake", other: "mistakes" })}`,
  seeHelp: "`relay test --help` describes them",
};

/** `relay backup`, `restore` and `migrate`. */
const copies = {};

/** `relay service`. */
const service = {};

/** `relay demo`. */
const demo = {};

/** `relay metrics`, `completions`, `version`. */
const tools = {};

/** Errors of the store: the file, the database, the lock. */
const store = {};

/** What a value in a config is expected to be; stands after "expected". Between quotes stands what is to be typed as it is. */
const expectations = {
  atLeast: (limit: number) => `at least ${limit}`,
  atLeastOne: "at least one",
  moreThan: (limit: number) => `more than ${limit}`,
  atMost: (limit: number) => `at most ${limit}`,
  callback: "a function, such as (event) => …",
  duration: 'a duration such as "15s", "2m" or "10h", or a number of milliseconds',
  timerDuration: 'a duration such as "15s", "2m" or "10h", or a number of milliseconds, of at most 24 days',
  size: 'a size such as "1mb" or "512kb", or a number of bytes',
  /** @param example In the config's syntax, close to what was written. */
  rate: (example: string) => example,
  secret: 'a secret that is not empty, such as env("CONNECTVETS_SECRET")',
  secrets: 'a secret such as env("CONNECTVETS_SECRET"), or a list of secrets',
  oneSecret: "at least one secret",
  path: 'a path that starts with "/" and has only letters, digits and - . _ ~ / in it, such as "/webhook"',
  header: 'the name of a header, such as "X-Signature"',
  headerValue: "a text that fits into a header: on one line, without characters such as — or emoji",
  prefix: 'a text such as "sha256="',
  httpUrl: 'a URL that starts with "http://" or "https://"',
  httpsUrl: 'a URL that starts with "https://"',
  slackUrl: 'a URL that starts with "https://", such as env("SLACK_URL")',
  signingSecret: '"whsec_" and a secret in base64',
  command: 'a list with a program and its arguments, such as ["./notify.sh", "--urgent"]',
  program: 'a program, such as "./notify.sh"',
  noNul: "a text without NUL characters",
  variable: "the name of a variable, without =",
  address: 'an address such as "equipe@clinica.example"',
  oneRecipient: "at least one recipient",
  smtpUrl: 'a URL such as "smtp://user:password@host:587"',
  /** @param providers Functions of email providers, joined. */
  via: (providers: string) => `a URL such as "smtp://user:password@host:587", or one of ${providers}`,
  certificate: 'a certificate in PEM, such as file("ca.pem")',
  hostName: 'a host name such as "relay.clinica.example"',
  apiKey: 'a key without spaces, such as env("API_KEY")',
  plainUrl: "a URL without a login, a query or a fragment",
  domain: 'a domain such as "mg.clinica.example"',
  messageText: "a text that is not empty, or a function such as (event) => `Note ${event.data.note_id}`",
  blocks: "a list of Slack blocks, or a function that returns one",
  retry: 'a list of pauses such as ["5s", "1m"], "none", or { schedule, jitter }',
  circuit: 'false, or { failures, pause }, such as { failures: 5, pause: "60s" }',
  timeZone: 'an IANA time zone such as "America/Sao_Paulo"',
  api: 'connectvetsApi({ key: env("CONNECTVETS_KEY") })',
  token: 'a token that is not empty, such as env("ADMIN_TOKEN")',
  publicUrl: 'the address of a host, without a path, such as "https://relay.example"',
  pem: 'the path of a PEM file, such as "./fullchain.pem", or credential("NAME")',
  host: 'a host such as "127.0.0.1" or "0.0.0.0"',
  events: 'the name of an event such as "note.failed", a pattern such as "note.*", or a list of them',
  /** @param example In the config's syntax. */
  such: (example: string) => `an object such as ${example}`,
  list: (example: string) => `a list such as ${example}`,
  admin: (example: string) => `false, or an object such as ${example}`,
  targetNames: "the name of a target, or a list of names",
  targetName: "the name of a target",
  pattern: 'the name of an event or a pattern, such as "note.*"',
  silentFor: "more than 0 and at most 30 days",
  refusedWithin: "from 1 minute to 1 day",
  when: '{ dead: 1 }, { silent: "note.*", for: "6h" } or { refused: 5, within: "10m" }',
  span: (example: string) => `a duration such as "${example}"`,
  proxies: "true, false, or the number of proxies in front",
  store: 'a text such as "sqlite:relay.db" or "postgres://USER:PASSWORD@HOST/DATABASE"',
  /** @param what `source` or `target`. @param makers Functions that make one, joined. */
  part: {
    source: (makers: string) => `a source made by ${makers}`,
    target: (makers: string) => `a target made by ${makers}`,
  },
  oneOf: { source: "at least one source", target: "at least one target" },
  defaultExport: "`export default defineConfig({ … })`",
};

/** Mistakes in a config: each follows the place that it is about. */
const config = {
  cannotLoad: (file: string, mistakes: number) =>
    `Cannot load ${file}: ${forms.count(mistakes, { one: "mistake", other: "mistakes" })}`,
  expectations,
  kinds: {
    text: "a text",
    number: "a number",
    wholeNumber: "a whole number",
    boolean: "true or false",
    list: "a list",
    object: "an object",
  },
  expected: (what: string) => `expected ${what}`,
  missing: (what: string) => `is missing; expected ${what}`,
  got: (problem: string, found: string) => `${problem}, got ${found}`,
  didYouMean: (problem: string, meant: string) => `${problem}; did you mean ${meant}?`,
  found: {
    secret: "another value",
    emptyText: "an empty text",
    emptyList: "an empty list",
    list: "a list",
    object: "an object",
    callback: "a function",
    promise: "a promise",
  },
  /** A name that is not known. */
  unknown: {
    option: (name: string) => `unknown option "${name}"`,
    target: (name: string) => `unknown target "${name}"`,
    source: (name: string) => `unknown source "${name}"`,
    export: (name: string) => `"relay" has no export "${name}"`,
  },
  /** The names that are known; `names` is empty if there are none. */
  known: {
    option: (names: string) => names ? `known options are ${names}` : "it takes no options",
    target: (names: string) => names ? `known targets are ${names}` : "there are no targets",
    source: (names: string) => names ? `known sources are ${names}` : "there are no sources",
    export: (names: string) => `it exports ${names}`,
  },
  systemSource: 'is reserved for system events, such as alarms; choose another name, such as "connectvets"',
  noSuchField: (field: string) => `has no effect: none of the route's targets sends a ${field}`,
  pathTaken: (path: string, source: string) => `"${path}" is already the path of source "${source}"`,
  onlyWithServer: "applies only where `via` is the URL of a mail server",
  pathOfHealth: '"/healthz" is reserved for the health check',
  tokenMissing: (host: string) => `is missing; "${host}" can be reached from other machines`,
  refersToItself: "refers to itself",
  tooDeep: "is nested too deeply",
  secrets: {
    notSet: (name: string) => `${name} is not set`,
    setIt: "set it in the environment, or in the file .env next to the config",
    empty: (name: string) => `${name} is empty`,
    noFile: (path: string) => `the file ${path} does not exist`,
    /** @param code Of the system, such as EACCES. */
    unreadable: (path: string, code: string) => `cannot read ${path} (${code})`,
    notUtf8: (path: string) => `cannot read ${path}: it is not UTF-8 text`,
    inText: (name: string) => `Cannot put ${name} into a text`,
    inTextHint: (name: string) => `store the whole text in one variable, and use ${name} alone`,
  },
  file: {
    missing: "the file does not exist; `relay init` creates one",
    folder: "is a directory, not a file",
    /** @param file A config that is in it. */
    useInstead: (file: string) => `use --config ${file}`,
    initThere: "name the config file, or create one with `relay init`",
    notAFile: "is not a regular file",
    noAccess: "permission denied: this user cannot read it",
    unreadable: (problem: string) => `cannot be read: ${problem}`,
    empty: "the file is empty; `relay init` creates a config",
    binary: "the file is not text",
    notUtf8: "the file is not UTF-8 text; save it as UTF-8",
    notUtf8Line: "is not UTF-8 text; save the file as UTF-8",
    noExport: "has no default export; expected `export default defineConfig({ … })`",
    threw: (problem: string) => `the config fails while it loads: ${problem}`,
    endless: (seconds: number) => `the config did not finish loading within ${seconds} s; what does it \`await\`?`,
    awaitIt: "put `await` before it",
    callIt: "call it",
    notDefined: (name: string) => `\`${name}\` is not defined`,
    importIt: (name: string) => `add it to the import: import { ${name} } from "relay"`,
    tooEarly: (name: string) => `\`${name}\` is used before it is defined`,
    noModule: (name: string) => `cannot find "${name}"`,
    noModuleFile: (path: string) => `the file ${path} does not exist`,
    noPackage: (name: string) => `install the package where the config is, or correct the name "${name}"`,
    noImport: (name: string, from: string) => `"${from}" has no export "${name}"`,
  },
  syntax: {
    expected: (token: string, found: string) => `syntax error: expected ${token} before ${found}`,
    unexpected: (found: string) => `syntax error: unexpected ${found}`,
    /** @param found The closing bracket that was found in place of the right one. */
    notClosed: (found: string) => `syntax error: unexpected ${found}; a bracket, or a comma, is missing before it`,
    endsEarly: "syntax error: the file ends while a bracket is still open",
    quote: "syntax error: the quote that opens here is never closed on this line",
    template: "syntax error: the backtick that opens here is never closed",
    comment: "syntax error: the comment that opens here is never closed",
    character: (character: string) => `syntax error: unexpected character ${character}`,
    straightQuotes: 'use straight quotes: "…"',
    useColon: "use : between an option and its value",
    number: (text: string) =>
      `syntax error: unexpected letters after a number in ${text}; a duration or size is a text, such as "${text}"`,
    twice: (name: string) => `syntax error: \`${name}\` is declared twice`,
    /** @param problem What the parser says, in English. */
    other: (problem: string) => `syntax error: ${problem}`,
    /** Where to show more might show a secret. */
    hidden: "syntax error in a value that may be a secret; check its quotes",
    text: "a text",
  },
  certificate: {
    none: "contains no certificate in PEM (-----BEGIN CERTIFICATE-----)",
    isKey:
      "contains no certificate in PEM (-----BEGIN CERTIFICATE-----); it contains a private key, which belongs in `key`",
    isRequest: "contains no certificate in PEM (-----BEGIN CERTIFICATE-----); it contains a request for one",
    damaged: (place: number) => `is damaged: cannot read certificate ${place} in it`,
    noKey: "contains no private key in PEM (-----BEGIN PRIVATE KEY-----)",
    keyIsCertificate:
      "contains no private key in PEM (-----BEGIN PRIVATE KEY-----); it contains a certificate, which belongs in `cert`",
    passphrase: "needs a passphrase; `openssl pkey -in FILE -out OTHER` writes the key without one",
    damagedKey: "is damaged: cannot read the private key in it",
    shortKey: (bits: number, least: number) => `is an RSA key of ${bits} bits; expected ${least} or more`,
    order: (place: number) =>
      `starts with another certificate; certificate ${place} is the one of the key, and must come first`,
    mismatch: "is not the key of the certificate in `cert`",
  },
};

/** What an attempt ended with, in one sentence. */
const outcomes = {};

/** Other errors that a person may meet. */
const errors = {};

export const en = {
  forms,
  messages,
  pages,
  cli,
  init,
  check,
  warnings,
  status,
  events,
  operate,
  send,
  routes,
  serve,
  fixtures,
  copies,
  service,
  demo,
  tools,
  store,
  config,
  outcomes,
  errors,
};

/** What every language has. */
export type Language = typeof en;
