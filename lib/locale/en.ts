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
 * Warnings; each goes on after the place in the config that it is about. Dates are in the form of ISO 8601; `place` is
 * that of a certificate in its file, from 1; `quoted` is a path as a shell reads it.
 */
const warnings = {
  shortSecret: "is shorter than 16 bytes, which can be guessed",
  noProgram: (program: string, fault: string) => `${program} cannot be run: ${fault}`,
  /** Why a program cannot be run; paths are as a shell reads them. */
  program: {
    missing: (path: string) => `there is no file ${path}`,
    noFolder: (folder: string) => `the folder that it runs in is not there: ${folder}`,
    closed: (folder: string, quoted: string) =>
      `the relay's user may not enter the folder ${folder}; move the program, or run: chmod o+x ${quoted}`,
    isFolder: "it is a folder",
    noFile: "it is not a file",
    notExecutable: (quoted: string) => `it is not executable; run: chmod +x ${quoted}`,
    notAllowed: "the relay's user may not execute it, or its file system is mounted with noexec",
    noFirstLine: 'it does not say what runs it; add "#!/bin/sh", or whatever it is written for, as its first line',
    windowsLines: (quoted: string) => `its lines end as on Windows (CRLF); run: sed -i 's/\\r$//' ${quoted}`,
    marked: (quoted: string) =>
      `a byte order mark stands before its "#!"; run: sed -i '1s/^\\xEF\\xBB\\xBF//' ${quoted}`,
    noInterpreter: (program: string) =>
      `its first line wants ${program}, which is not there; install it, or correct the line`,
    notInPath: (program: string, path: string) =>
      `${program} is not in the PATH ${path}; install it, or name it with its folder`,
    otherMachine: (machine: string, own: string) =>
      `it is built for ${machine}, and this machine is ${own}; get the build for ${own}`,
    otherSystem: (system: string) => `it is built for ${system}; get the build for Linux`,
  },
  sandboxKey: "has a key of the sandbox, cvn_test_…, but no `sandbox: true`",
  productionKey: "has a key of production, cvn_live_…, but `sandbox: true`",
  idleEnrich: "fetches nothing: the route's targets send the bytes received, and make no message of the event",
  certificate: (place: number) => place === 1 ? "" : `: certificate ${place} in it`,
  expired: (date: string, place: number) => `expired on ${date}${warnings.certificate(place)}; senders refuse it`,
  notYetValid: (date: string, place: number) =>
    `is not valid before ${date}${warnings.certificate(place)}; senders refuse it`,
  expires: (days: number, date: string, place: number) => {
    const when = days === 0 ? "today or tomorrow" : days === 1 ? "in 1 day" : `in ${days} days`;
    return `expires ${when}, on ${date}${warnings.certificate(place)}; renew it, and then reload the relay`;
  },
  selfSigned: "is signed by itself; senders that do not know it refuse it",
  noIssuer: (issuer: string) =>
    `comes without the certificate of its issuer "${issuer}"; senders may refuse it, unless that is an authority ` +
    "which they know; give the whole chain, which is often in a file named fullchain.pem",
  noChain: (place: number) =>
    `is no chain: certificate ${place} did not issue certificate ${place - 1}; senders may refuse it`,
  noHost: "names no host (subjectAltName); senders may refuse it",
  /** Of a store's database; `problem` says in English what could not be done. */
  database: {
    problem: (problem: string) => problem,
    noAnswer: (store: string, seconds: number) => `${store} gave no answer within ${seconds} s`,
    readOnly: "the server takes no writes; name the primary, or all servers of the cluster",
    noSchema: (schema: string, user: string) =>
      `the schema ${schema} is not there, and the user ${user} may not make it; have the database's administrator run ` +
      "what `relay migrate --sql` prints",
    noRights: (user: string, table: string) =>
      `the user ${user} may not read and write ${table}; have the database's administrator grant that, as ` +
      "`relay migrate --sql` says",
    asynchronous: (value: string) =>
      `the server answers before what was written is safe (synchronous_commit = ${value}); a crash of the server may ` +
      `lose events that were acknowledged; set it to "on" for the relay's user`,
    clock: (seconds: number) =>
      `the server's clock is ${Math.abs(seconds)} s ${
        seconds > 0 ? "ahead of" : "behind"
      } this machine's; the relay goes ` +
      "by the server's; set both by NTP",
    connections: (free: number, most: number, needed: number) =>
      `the server has room for ${
        Math.max(0, free)
      } more connections of ${most} (max_connections); a relay and its verbs ` +
      `may need ${needed}`,
  },
  /** Of a line in `.env`. */
  dotenv: {
    noAssignment: "is neither NAME=value nor a comment, and counts for nothing",
    openQuote: "begins with a quote that does not end, which counts as a part of the value",
    afterQuote: "has more after the closing quote, which counts for nothing",
    otherValue: "is another value for systemd than for the relay; NAME='value' is the same for both",
    notSet:
      "sets nothing for systemd; NAME='value' alone, with letters, digits and _ in the name, is the same for both",
    setOnly: "sets a variable for systemd, and nothing for the relay; write NAME='value', or begin it with #",
  },
  readable: (file: string, mode: string, quoted: string) =>
    `${file} can be read by every user of this machine (mode ${mode}); run \`chmod 600 ${quoted}\``,
  asService: '; if a service cannot read it then, use credential("NAME")',
  readableConfig: (file: string, mode: string) =>
    `${file} holds a secret and can be read by every user of this machine (mode ${mode}); put the secret into .env, ` +
    'and env("NAME") in its place',
  changeable: (file: string, mode: string, quoted: string) =>
    `${file} can be changed by every user of this machine (mode ${mode}); run \`chmod 600 ${quoted}\``,
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
    expected === 0
      ? `it takes no arguments; unexpected: ${rest}`
      : `it takes only ${forms.count(expected, { one: "argument", other: "arguments" })}; unexpected: ${rest}`,
  notAChoice: (name: string, value: string, choices: string) =>
    `${name} cannot be "${value}"; expected one of ${choices}`,
  /** @param why What is expected, without a full stop. */
  invalid: (name: string, value: string, why: string) => `${name} cannot be "${value}"; ${why}`,
  conflict: (one: string, other: string) => `${one} cannot be used with ${other}`,
  /** The groups of verbs in the help. */
  groups: {
    start: "Get started:",
    operate: "Operate:",
    try: "Test your config:",
    store: "Manage the store:",
    machine: "Service and tools:",
  },
  standardInput: "standard input",
  cannotRead: (what: string, problem: string) => `Cannot read ${what}: ${problem}`,
  unknownSource: (name: string, known: readonly string[], near?: string) =>
    `Cannot choose a source: there is no source "${name}"${
      near ? `; did you mean "${near}"?` : `; the config has ${forms.and(known.map((one) => `"${one}"`))}`
    }`,
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
const copies = {
  /** @param newest Absent where there is no event. */
  contents: (events: number, waiting: number, dead: number, newest?: string) => {
    const what = forms.count(events, { one: "event", other: "events" });
    const deliveries = forms.count(waiting, { one: "delivery", other: "deliveries" });
    return `${what}${newest === undefined ? "" : `, newest ${newest}`}; ${deliveries} waiting, ${
      forms.number(dead)
    } dead`;
  },
  copying: (part: number) => `copying and checking: ${forms.percent(part)}`,
  stopped: "Stopped: nothing was changed",
  endedOutside: "the copying process was ended from outside",
  backup: {
    about: "copy the store to one file, even while `relay serve` runs",
    file: "file to write; it must not exist",
    help:
      "\nThe copy gets its name only when it is complete and checked. `relay restore` puts it back. It holds what the relay received: protect it as you protect the store.",
    wrote: (file: string, contents: string) => `Wrote ${file}: ${contents}`,
    elsewhere: (store: string) => `Cannot back up ${store}: use PostgreSQL's own pg_dump`,
    command: (command: string) => `this makes a copy while relays run:\n    ${command}`,
  },
  restore: {
    about: "replace the store with a copy made by `relay backup`",
    file: "the copy",
    yes: "do not ask for confirmation; without a terminal it never asks",
    help:
      "\nStop `relay serve` first. The current store is kept beside the new one, with the time in its name.\nAfter the next start, the deliveries waiting in the copy go out, even those delivered since; their delivery ids are the same.",
    question: (file: string, contents: string, store: string) => `Replace ${store} with ${file} (${contents})?`,
    restored: (store: string, contents: string) => `Restored ${store}: ${contents}`,
    kept: (file: string) => `The previous store is now ${file}`,
    waiting:
      "The waiting deliveries go out after the next start; to hold a target back, run `relay pause TARGET` first",
    elsewhere: (store: string) => `Cannot restore ${store}: use PostgreSQL's own pg_restore`,
    commands: (commands: string) =>
      `stop every relay that uses it first; this renames the current schema and restores the copy:\n${commands}`,
  },
  migrate: {
    about: "move the store between a file and PostgreSQL, or between databases",
    from: "store to move, such as sqlite:relay.db; default: the config's store, if --to is given",
    to: "store to move it to; default: the config's store",
    dryRun: "show what would be moved, and what prevents it",
    cancel: "cancel an unfinished move, and keep using the store where it is",
    sql: "print the SQL that creates the schema in PostgreSQL, for a database administrator",
    help:
      "\nStop every relay that uses the store first. If a move is interrupted, run it again to continue. When both sides hold the same, the old store is kept, but no relay serves it any more.",
    cannot: (problem: string) => `Cannot move the store: ${problem}`,
    noSides: "neither --from nor --to is given",
    sidesHint: "`relay migrate --from sqlite:relay.db` moves that file to the config's store",
    same: "--from and --to are the same store",
    sameHint: "name a store that is not the config's as one of them",
    bothFiles: "both are files",
    bothFilesHint: "use `relay backup` and `relay restore`, or move the file while no relay runs",
    cannotRead: (option: string, problem: string) => `Cannot read ${option}: ${problem}`,
    expectedStore: 'expected "sqlite:" and a path, or "postgres://USER:PASSWORD@HOST/DATABASE"',
    noSchema: (store: string) =>
      `Cannot print the schema of ${store}: only a store in PostgreSQL has a schema to create beforehand`,
    schemaHint: "name the database as --to, or as `store` in the config",
    copying: (table: string, part: number) => `copying ${table}: ${forms.percent(part)}`,
    comparing: (table: string, part: number) => `comparing ${table}: ${forms.percent(part)}`,
    counts: (events: number, deliveries: number, attempts: number) =>
      forms.and([
        forms.count(events, { one: "event", other: "events" }),
        forms.count(deliveries, { one: "delivery", other: "deliveries" }),
        forms.count(attempts, { one: "attempt", other: "attempts" }),
      ]),
    moved: (from: string, to: string, counts: string) => `Moved ${from} to ${to}: ${counts}`,
    movedBefore: (from: string, to: string, counts: string) => `${from} was already moved to ${to}: ${counts}`,
    resumed: (rows: number) => `An earlier run had already copied ${forms.count(rows, { one: "row", other: "rows" })}`,
    same256: (digest: string) => `Both stores hold the same events, SHA-256 ${digest}`,
    kept: (from: string) => `${from} is kept and marked as moved: no relay serves it any more`,
    configure: (to: string) => `Set \`store\` in the config to ${to}, then start the relay`,
    wouldMove: (from: string, to: string, counts: string) => `Would move ${from} to ${to}: ${counts}`,
    destinationReady: "The destination exists and is empty",
    destinationNew: "The destination does not exist yet; the move creates it",
    notMoving: (from: string) => `No move of ${from} is in progress`,
    cancelled: (from: string) => `${from} stays in use`,
    deleteCopy: (other: string) => `Delete what was copied to ${other} before you move another store there`,
  },
};

/** `relay service`. */
const service = {
  about: "run relay as a systemd service",
  print: "print the systemd unit; changes nothing",
  install: {
    about: "install this executable as a service that starts now and at every boot",
    noStart: "do not start or enable the service",
    /** @param paths Of the executable, the config, the store and the unit, as wide as the widest. */
    help: (executable: string, config: string, store: string, unit: string, edit: string) => `
Needs root. It asks nothing, and you can run it again: a newer executable then replaces the old one.

  ${executable}  the executable
  ${config}  the config; created as by \`relay init\` if there is none
  ${store}  the store
  ${unit}  the unit; make your own changes with \`${edit}\``,
    warnings: "Warnings",
    started: (name: string) => `See how it is doing: systemctl status ${name}`,
    notStarted: (name: string) => `Start it: systemctl enable --now ${name}`,
    afterwards: (name: string) =>
      `After a change of the config: systemctl reload ${name}; of .env: systemctl restart ${name}`,
  },
  uninstall: "stop and remove the service; keeps config and data",
  did: {
    wrote: "wrote",
    kept: "kept",
    removed: "removed",
    enabled: "enabled",
    started: "started",
    stopped: "stopped",
  },
  cannot: {
    install: (problem: string) => `Cannot install the service: ${problem}`,
    uninstall: (problem: string) => `Cannot uninstall the service: ${problem}`,
    write: (path: string, problem: string) => `Cannot write ${path}: ${problem}`,
    remove: (path: string, problem: string) => `Cannot remove ${path}: ${problem}`,
    run: (command: string, problem: string) => `Cannot run \`${command}\`: ${problem}`,
  },
  packaged: "the package has installed it already",
  packagedInstall: (name: string) =>
    `start it with \`systemctl enable --now ${name}\`, or run \`apt remove ${name}\` first`,
  fromSource: "relay runs from source",
  compile: "`deno task compile` builds `dist/relay`; then run `sudo dist/relay service install`",
  ofPackage: "it belongs to the package",
  packagedUninstall: (name: string) =>
    `\`apt remove ${name}\` removes it and keeps config and data; \`apt purge ${name}\` removes those too`,
  noSystemd: "this machine does not run systemd",
  otherManager: "run `relay serve` under any other service manager",
  notRoot: "this needs root",
  sudo: "run it again with `sudo`",
  seeWhy: (check: string, journal: string) => `see why with \`${check}\` and \`${journal}\``,
  readOnly: (folder: string) => `${folder} is on a read-only file system`,
};

/** `relay demo`. */
const demo = {
  about: "see relay at work on this machine, without any account",
  keep: "keep serving afterwards, until Ctrl-C",
  intro: "This demo runs a relay and four targets on this machine:",
  targets: {
    plantao: "a stand-in for a Slack channel",
    equipe: "a mail server",
    sistema: "an HTTP server, as another system would have",
    arquivo: "a shell script that keeps each event in a file",
  },
  routes: "Its routes:",
  withReference: (pattern: string) => `${pattern} with a client reference`,
  anythingElse: "anything else",
  sending: (url: string) => `Now six requests go to ${url}:`,
  columns: { request: "Request", answer: "Answer", arrived: "Arrived at" },
  again: (event: string) => `${event}, sent again`,
  forged: (event: string) => `${event}, forged`,
  nowhere: "nowhere",
  notExpected: "not as expected",
  arrivals: "What arrived:",
  http: (method: string, bytes: number, signature: string) =>
    `${method} with the ${forms.number(bytes)} bytes received, signature ${signature}`,
  noSignature: "missing",
  email: (to: string, subject: string) => `to ${to}: ${subject}`,
  good: "Each event arrived once, where it should; the repeat and the forgery did not.",
  bad: (steps: readonly string[]) => `These did not go as expected: ${steps.join("; ")}`,
  next: "Next:",
  nextInit: "write a config for your own targets",
  nextKeep: "keep this demo running, and send it events yourself",
  serving: "The relay keeps serving until Ctrl-C. Try this in another terminal, with any body you like:",
  notStarted: "Cannot run the demo: the relay ended before it listened",
};

/** `relay metrics`, `completions`, `version`, `help`. */
const tools = {
  metrics: {
    about: "print alert rules for Prometheus, or a dashboard for Grafana",
    alerts: "alert rules for Prometheus, as YAML",
    grafana: "dashboard for Grafana, as JSON",
    help: `
The metrics themselves are at /metrics of the admin listener.

  relay metrics --alerts > relay.rules.yml   then name the file under \`rule_files\` in prometheus.yml
  relay metrics --grafana > relay.json       then import it: Dashboards, New, Import`,
    neither: "Cannot choose what to print: give --alerts or --grafana",
    hint: "--alerts prints rules for Prometheus, --grafana a dashboard; the metrics are at /metrics of `relay serve`",
  },
  completions: {
    about: "print a script that completes verbs, options and values in your shell",
    shell: "your shell",
    help: "To load it:",
    /** Where the line goes, or that it is run once. */
    inFile: (file: string) => `in ${file}`,
    once: "once",
  },
  version: "print the version, runtime and platform",
  help: { about: "show the help of a command", command: "the command" },
};

/** Errors of the store: the file, the database, the lock. */
const store = {
  /** @param doing One of the two lists that follow. */
  cannot: (doing: string, problem: string) => `Cannot ${doing}: ${problem}`,
  cannotIn: (doing: string, database: string, problem: string) => `Cannot ${doing} in ${database}: ${problem}`,
  /** What could not be done. */
  doing: {
    readStore: "read the store",
    writeStore: "write to the store",
    openStore: "open the store",
    useStore: "use the store",
    useDirect: "use the server that `direct` names",
    storeEvents: "store events",
    recordAttempts: "record attempts",
    checkAlarms: "check for alarms",
    storeAlarm: "store an alarm",
    takeLanes: "take over lanes",
    releaseLanes: "release lanes",
    holdLanes: "hold lanes",
    parkDeliveries: "park deliveries",
    unparkDeliveries: "make parked deliveries due",
    awaitDeliveries: "have deliveries wait for others",
    bringForward: "reschedule deliveries after a change of the clock",
    recordUnderway: "record what is in flight",
    joinRelays: "join the other relays",
    meetRelays: "reach the other relays",
    retryDeliveries: "retry deliveries",
    replayEvents: "replay events",
    pauseTarget: "pause a target",
    resumeTarget: "resume a target",
    recordRun: "record that the relay runs",
    signOut: "sign out",
    deleteEvents: "delete old events",
    recordRetention: "record what retention deleted",
    observeEvents: "record which events were observed",
    freeSpace: "free disk space",
    removeOld: "finish the upgrade of the schema",
    moveStore: "move the store",
    markMoved: "mark the store as moved",
    copyRows: "copy rows",
    finishMove: "finish the move",
  },
  /** What could not be done with one store or file. */
  doingTo: {
    open: (store: string) => `open the store ${store}`,
    read: (store: string) => `read the store ${store}`,
    write: (store: string) => `write to the store ${store}`,
    serve: (store: string) => `serve the store ${store}`,
    move: (store: string) => `move the store ${store}`,
    restore: (store: string) => `restore the store ${store}`,
    restoreFrom: (file: string) => `restore ${file}`,
    restoreTo: (file: string, store: string) => `restore ${file} to ${store}`,
    backUp: (store: string, file: string) => `back up ${store} to ${file}`,
    lock: (file: string) => `lock the store with ${file}`,
    seeServed: (store: string) => `find out whether a relay serves ${store}`,
  },
  /** What is wrong with a file, and what to do about it. */
  faults: {
    locked: {
      problem: "the file is locked by another program",
      hint: "stop that program, or wait until it is done",
    },
    full: { problem: "the disk is full", hint: "free space on the disk" },
    foreign: {
      problem: "the file is not a database",
      hint: "keep a copy of the file, then restore a backup, or name another `store` in the config",
    },
    corrupt: {
      problem: "the file is corrupt",
      hint: "keep a copy of the file, then restore a backup, or name another `store` in the config",
    },
    readOnly: {
      problem: "the file is readonly",
      hint: "check that this user can write to the file and its folder; the service's user and root can",
    },
    unopened: {
      problem: "the file or its folder is missing, or this user has no access",
      hint: "check that this user can write to the file and its folder; the service's user and root can",
    },
    disk: {
      problem: "the disk reports an error (disk I/O error)",
      hint: "check the disk, and that this user can write to the file and its folder",
    },
    denied: {
      problem: "permission denied",
      hint: "check that this user can write to the file and its folder; the service's user and root can",
    },
    missing: {
      problem: "there is no such file",
      hint: "put the file and its folder back, or name another file as `store` in the config",
    },
  },
  notOrdinary: (path: string) => `${path} is not a regular file`,
  /** @param found What SQLite says is wrong. */
  corrupt: (found: string) => `it is corrupt: ${found}`,
  notStore: "it is not a store of relay",
  newer: (version: number, known: number) =>
    `it was written by a newer relay (schema ${version}; this relay knows up to ${known})`,
  installNewer: "install the newer relay",
  installNewerOrRestore: "install the newer relay again, or restore a backup from before the upgrade",
  otherProgram: "it is the database of another program",
  nameOtherFile: "name another file as `store` in the config",
  served: "another relay serves it",
  stopRelay: "stop that relay first",
  stopRelays: "stop every relay that uses it first",
  /** Of the store's file or its log. */
  replaced: (path: string) => `${path} was replaced by another file`,
  gone: (path: string) => `${path} is gone`,
  putBack: "put it back, or restart the relay to continue with what is there",
  none: "it does not exist yet",
  startServe: "start `relay serve`, which creates it",
  checkSchema: "check the schema in its URL",
  /** @param suffix What follows the name of the backup, such as `-wal`; empty for the file itself. */
  taken: (suffix: string) => suffix === "" ? "the file already exists" : `a file of that name and ${suffix} exists`,
  nameOtherCopy: "choose another name, or move that file away",
  closed: "the store is closed",
  moved: {
    done: (other: string) => `it was moved to ${other}`,
    from: (other: string) => `it is being moved to ${other}`,
    to: (other: string) => `its move from ${other} is not finished`,
    nameOther: "name the new store as `store` in the config",
    orCancel: "run the same `relay migrate` again to continue; with --cancel, this store stays in use",
    orRemove: "run the same `relay migrate` again to continue; if you cancelled the move, delete this copy",
  },
  move: {
    cannot: (from: string, to: string | undefined, problem: string) =>
      `Cannot move ${from}${to === undefined ? "" : ` to ${to}`}: ${problem}`,
    cannotCancel: (from: string, problem: string) => `Cannot cancel the move of ${from}: ${problem}`,
    isDone: (other: string) => `it is finished, and the store is now ${other}`,
    moveBack: "move that store back instead",
    isDestination: "this store is the destination",
    nameSource: (other: string) => `name ${other} as --from`,
    runFirst: "run that `relay migrate` again first",
    otherMoveTo: (other: string) => `the destination is itself being moved to ${other}`,
    otherMoveFrom: (other: string) => `the destination belongs to a move from ${other}`,
    nameDestination: "name another destination, or delete that one first",
    notEmpty: "the destination is not empty",
    nameEmpty: "name another file or another schema of the database, or delete what is there first",
    continueOrCancel: "name that store as --to to continue; with --cancel, this store stays in use",
    cannotFinish: (from: string, to: string, table: string, count: number, other: number) =>
      `Cannot finish the move of ${from}: its ${table} (${forms.number(count)}) differ from those of ${to} (${
        forms.number(other)
      })`,
    cancelFirst: "cancel the move with --cancel, delete the destination, and start again",
    stopped: "Stopped; run the same `relay migrate` again to continue",
    busy: "another move is in progress",
  },
  schema: {
    cannotMake: (schema: string, store: string, user: string) =>
      `Cannot create the schema ${schema} in ${store}: the user ${user} is not allowed to`,
    cannotUpgrade: (schema: string, store: string, user: string) =>
      `Cannot upgrade the schema ${schema} in ${store}: the user ${user} is not allowed to`,
    runSql: "ask the database's administrator to run what `relay migrate --sql` prints",
    other: (schema: string) => `the schema ${schema} holds tables of another program`,
    nameOther: "name another schema in `store`, such as `?schema=relay_events`",
    newer: (version: number, needs: number, known: number) =>
      `it was written by a newer relay (schema ${version}, which needs a relay that knows ${needs}; this relay knows up to ${known})`,
  },
  server: {
    notPostgres: "the server speaks PostgreSQL's protocol, but is not PostgreSQL",
    is: (name: string) => `the server is ${name}`,
    isPart: (name: string) => `the server is ${name}, but lacks functions that relay needs`,
    namePostgres: (oldest: number) => `name a server with PostgreSQL ${oldest} or later in \`store\``,
    upgrade: (oldest: number) => `upgrade it to PostgreSQL ${oldest} or later`,
    encodings: (found: string) => `the encodings of the database and the client are ${found}`,
    createUtf8: "create a database with the encoding UTF8",
    setting: (name: string, value: string) => `the setting ${name} is "${value}"`,
    pooler: "a pooler such as PgBouncer is between the relay and the server",
    cannotLock: (store: string, problem: string) => `Cannot hold locks in ${store}: ${problem}`,
    nameDirect: "name the server itself with the parameter `direct=HOST:PORT` in `store`",
    cannotReadRoots: (problem: string) => `Cannot read the certificate authorities of the store's server: ${problem}`,
    noAnswer: "the server did not answer in time",
    busy: "every connection of this relay is busy",
    closed: "the server closed the connection",
    lost: "the connection to the server is lost",
  },
  /** What to do about what PostgreSQL or the driver says. */
  serverHints: {
    login: "check the user and the password in `store`, and the server's pg_hba.conf",
    password: "check the user and the password in `store`",
    database: "create the database, or name another one in `store`",
    grants: "ask the database's administrator to run the GRANTs at the end of what `relay migrate --sql` prints",
    schema: "create the store's schema with `relay migrate --sql`, or restart the relay",
    readOnly: "the server takes no writes; name the primary, or all servers of the cluster, in `store`",
    roleLimit: "raise the CONNECTION LIMIT of that role or database",
    connections: "raise the server's max_connections, or put PgBouncer in front of it",
    disk: "free space on the server's disk",
    resources: "check what the server is short of: memory, disk space or connections",
    pooler: "name the server itself as `direct` beside the pooler in `store`",
    starting: "the server is starting or stopping; the relay continues when it is ready",
    moved: "`relay status` says where it was moved; name that store as `store` in the config",
    overloaded: "the server is overloaded, or another session holds a lock",
    direct: "this is a pooler; name the server itself as `direct` in `store`",
    start: "start PostgreSQL, or check the host and port in `store`",
    host: "check the name of the host in `store`",
    tls: "turn on TLS on the server, or set `sslmode=disable` if the network is your own",
    certificate:
      "name the authority that issued the certificate as `sslrootcert`, and use the host name that the certificate is for",
    network: "check that the server runs and that the network reaches it",
  },
  /** Mistakes in the URL of a store; each goes on after the place that it is about. */
  url: {
    form: (encoded: string) => `expected "postgres://USER:PASSWORD@HOST/DATABASE", in which ${encoded}`,
    encoded: `"@", "/", "?", "%" and ":" in a name or password are written as "%40", "%2F", "%3F", "%25" and "%3A"`,
    zero: "expected a user, a password and a database without a zero byte",
    percent: (encoded: string) => `expected a URL in which "%" starts a UTF-8 character, such as "%40"; ${encoded}`,
    unknownParameter: (name: string, known: readonly string[], near?: string) =>
      `unknown parameter "${name}"; known parameters are ${forms.and(known)}${near ? `; did you mean "${near}"?` : ""}`,
    twice: (name: string) => `expected the parameter "${name}" only once`,
    noValue: (name: string) => `expected a value for the parameter "${name}"`,
    ports: (hosts: number) =>
      `expected one port, or one for each of the ${forms.count(hosts, { one: "host", other: "hosts" })}`,
    host: (encoded: string) =>
      `expected a host: a name, an address (IPv6 in brackets), or the folder of a Unix socket; ${encoded}`,
    port: (encoded: string) => `expected a port from 1 to 65535 after the host's colon; ${encoded}`,
    direct: 'expected one server as "direct", such as "db.example:5432"',
    schema: (bytes: number) => `expected a schema of at most ${bytes} bytes whose name PostgreSQL does not reserve`,
    schemaCharacters: "expected a schema without an apostrophe or two dollar signs in its name",
    unknownMode: (name: string, known: readonly string[], near?: string) =>
      `unknown sslmode "${name}"; known ones are ${forms.and(known)}${near ? `; did you mean "${near}"?` : ""}`,
    systemRoots: 'expected "sslmode=verify-full" with "sslrootcert=system"',
    noRoots: 'expected the file of an authority as "sslrootcert" with "sslmode=verify-ca", or "sslmode=verify-full"',
  },
};

/** Mistakes in a config: each goes on after the place that it is about. */
const config = {
  cannotLoad: (file: string, mistakes: number) =>
    `Cannot load ${file}: ${forms.count(mistakes, { one: "mistake", other: "mistakes" })}`,
};

/** What an attempt ended with, in one sentence. */
const outcomes = {};

/** Other errors that a person may meet. */
const errors = {
  /** What the operating system says, by its code. */
  system: {
    EACCES: "permission denied",
    EPERM: "operation not permitted",
    ENOENT: "there is no such file or folder",
    ENOTDIR: "part of the path is not a folder",
    EISDIR: "it is a folder",
    EEXIST: "it already exists",
    ENOSPC: "the disk is full",
    EDQUOT: "the disk quota is used up",
    EROFS: "the file system is read-only",
    ETXTBSY: "the program is running",
    EMFILE: "too many files are open",
    ELOOP: "too many links",
    EIO: "the disk reports an error",
    EADDRNOTAVAIL: "this machine does not have that address",
  },
  /** @param path Absent where the system names none. */
  systemSays: (text: string, path: string | undefined, code: string) =>
    `${text}${path === undefined ? "" : `: ${path}`} (${code})`,
  listen: {
    cannot: (address: string, problem: string) => `Cannot listen on ${address}: ${problem}`,
    /** @param name `listen` or `admin`. */
    seeConfig: (name: string) => `see \`${name}.host\` and \`${name}.port\` in the config; ports below 1024 need root`,
    ownedBy: (program: string, pid: number) => `${program} (process ${pid}) already listens there`,
    owned: "another program already listens there",
    stopIt: (name: string) => `stop it, or set another \`${name}.port\` in the config`,
    cannotTake: (descriptor: number, problem: string) =>
      `Cannot serve on the socket passed as descriptor ${descriptor}: ${problem}`,
    notListening: "it is not a listening TCP socket",
    notHere: "only the executable on Linux can",
    seeUnit: "see `ListenStream=` in the socket unit; without that unit, relay opens its own socket",
  },
  rights: {
    cannotUse: (path: string, problem: string) => `Cannot use ${path} as root: ${problem}`,
    shared: (folder: string) =>
      `other users can write to ${folder}, and could have root open another file in its place`,
    moveFile: "move it to a folder that only one user can write to",
    closeFolder: (folder: string) => `run \`chmod go-w ${folder}\`, or run this as a user other than root`,
    cannotBecome: (user: string, theirs: string, problem: string) =>
      `the user ${user} can change ${theirs}, and root cannot become that user: ${problem}`,
    keepsRights: "some of root's rights remain",
    staysRoot: "it stays root",
    noWay: "this runtime cannot do that",
    runAs: (user: string) => `run it as that user: sudo -u ${user} …`,
    limited: (user: string, theirs: string) =>
      `root works there with the rights of the user ${user}, who can change ${theirs}; \`ls -l\` shows what belongs to others`,
    cannotReach: (folder: string, user: string, closed: string) =>
      `Cannot reach ${folder} with the rights of its owner, the user ${user}: ${closed} is closed to that user, and the system allows no other view of it`,
    needsMount: "this needs the right to mount, which root has on Linux, but not in every container",
    tooManyLinks: (path: string) => `Cannot follow ${path}: too many links`,
  },
};

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
