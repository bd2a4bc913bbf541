/**
 * English: every word that a person reads, under names that other languages have as well. Mistakes in a config, the log
 * and most verbs speak English alone.
 */

import type { Reason } from "../reason.ts";
import type { Refusal } from "../refusal.ts";
import { formsOf } from "./forms.ts";
import type { Advice, MessageWords } from "./message_words.ts";

const forms = formsOf("en");

/** What to look at if no events come in; the pages say the same. */
const silentCheck = "Check the webhook's address in ConnectVets, and this server's network and proxy.";

/** How to find out why signatures are refused; the pages say the same. */
const refusedCheck =
  "Run `relay verify --signature S FILE` to see what is wrong with a signature: `S` is the header and `FILE` the body, as the sender shows them.";

/** Why requests are refused, in one sentence with what to do about it. */
const refusals: Record<Refusal, Advice> = {
  signature_missing: {
    name: "no signature",
    advice: "The request has no signature: the sender has no secret set, or somebody else posts to this path.",
  },
  signature_malformed: {
    name: "malformed signature",
    advice: "The signature header is not in this source's format: check that the source matches the sender.",
  },
  signature_wrong: {
    name: "wrong signature",
    advice: "The sender signs with another secret, or a proxy changes the body: compare the secrets first.",
  },
  body_too_large: {
    name: "body too large",
    advice: "The body is larger than `maxBody`: if these requests are genuine, raise it in the config.",
  },
  body_cut: {
    name: "incomplete body",
    advice: "The connection ended before the whole body arrived: check the network and any proxy.",
  },
  body_late: {
    name: "slow body",
    advice: "The body did not arrive in time: check the network and any proxy.",
  },
  body_encoded: {
    name: "compressed body",
    advice: "The body has a `Content-Encoding`: the sender, or the proxy in front, must send it as it was signed.",
  },
  body_no_room: {
    name: "too many bodies at once",
    advice: "Too many bodies arrived at the same time: the log shows from where; genuine senders try again.",
  },
  body_invalid: {
    name: "not an event",
    advice: "The signature is valid, but the body is not an event of this source: the log says what is wrong with it.",
  },
  rate_limited: {
    name: "rate limited",
    advice: "A client sent more requests than `rateLimit` allows: if they are genuine, raise it in the config.",
  },
  store_failed: {
    name: "not stored",
    advice:
      "The event could not be stored, for example because the disk is full: the log says why; the sender tries again.",
  },
};

/** What is said of a failure whose reason only a newer relay knows, or that has none. */
const otherReason: Advice = {
  name: "no reason stored",
  advice: "This version of the relay does not know this reason: look at the answer in the event's story.",
};

/** Why an attempt failed, in one sentence with what to do about it. */
const reasons: Record<Reason, Advice> = {
  connection_refused: {
    name: "connection refused",
    advice:
      "Nothing is listening at the target's address: start the program there, or correct the address in the config.",
  },
  connection_reset: {
    name: "connection closed",
    advice: "The target closed the connection before it answered: check its log, and any proxy in between.",
  },
  dns_failed: {
    name: "host not found",
    advice: "The target's host name could not be resolved: check its spelling, and this machine's DNS.",
  },
  tls_failed: {
    name: "TLS failed",
    advice: "No secure connection was possible: check that the target's certificate is valid and for this host name.",
  },
  network_failed: {
    name: "network failed",
    advice: "The target could not be reached: check this machine's network, routes and firewall.",
  },
  proxy_failed: {
    name: "proxy failed",
    advice: "The proxy in `http_proxy` or `https_proxy` blocked the request: fix it, or add the host to `no_proxy`.",
  },
  timed_out: {
    name: "timed out",
    advice: "The target did not answer in time: find out what slows it down, or set a longer `timeout` in the config.",
  },
  rate_limited: {
    name: "rate limited",
    advice: "The target asked for fewer requests: relay waits as long as it asked; if it happens often, lower `rate`.",
  },
  redirected: {
    name: "redirected",
    advice: "The target answered with another address, and relay follows no redirects: put the new one in the config.",
  },
  refused: {
    name: "refused",
    advice: "The target refused the message: its answer says why; correct the message, the address or the credentials.",
  },
  server_failed: {
    name: "error at the target",
    advice: "The target had an error of its own: check its log, and retry once it works.",
  },
  unexpected_answer: {
    name: "unexpected answer",
    advice: "This kind of target does not answer like this: check that the address is right.",
  },
  token_refused: {
    name: "token refused",
    advice:
      "The service does not accept the token or the webhook's URL: make a new one, set it in the config, then retry.",
  },
  recipient_unreachable: {
    name: "recipient unreachable",
    advice: "Nobody can be reached there: check the number or the chat, and whether they blocked the sender or left.",
  },
  window_closed: {
    name: "24-hour window closed",
    advice:
      "WhatsApp takes free text only for 24 hours after the recipient's last message: set a `template`, then retry.",
  },
  template_wrong: {
    name: "template refused",
    advice:
      "WhatsApp refused the template: compare its name, language and number of parameters with those in WhatsApp Manager.",
  },
  number_blocked: {
    name: "sender blocked",
    advice:
      "The service has blocked or limited the sending number or account: its own pages say why (an unpaid bill, for example).",
  },
  script_failed: {
    name: "script failed",
    advice: "The script ended with an error: its output is shown with the attempt; run it by hand to find the cause.",
  },
  script_not_run: {
    name: "script not started",
    advice: "The script could not be started: the attempt shows why; fix the file, then retry.",
  },
  message_invalid: {
    name: "invalid message",
    advice: "A function of the config could not make the message: fix it, reload, then retry.",
  },
  note_missing: {
    name: "note not found",
    advice: "ConnectVets' API has no such note: it may have been deleted, or `sandbox` in `enrich` is wrong.",
  },
  note_refused: {
    name: "no access to the note",
    advice: "ConnectVets' API rejected the key: fix `key` or `sandbox` in `enrich`, reload, then retry.",
  },
  note_unavailable: {
    name: "note unavailable",
    advice: "ConnectVets' API did not return the note: relay asks again on its own; retry once the API is back.",
  },
  crashed: {
    name: "relay crashed",
    advice: "Relay crashed several times during this delivery: check what the target answers, then retry.",
  },
  internal: {
    name: "internal error",
    advice: "Something failed inside relay: its log says what; retry, and report it if it happens again.",
  },
};

/** Default messages. Their readers are the people of a clinic; those of alarms are on call. */
const messages: MessageWords = {
  events: {
    "note.processing": {
      title: "Note in progress",
      what: (of) => `ConnectVets is processing the note${of}.`,
      todo: "Nothing yet.",
    },
    "note.completed": {
      title: "Note ready",
      what: (of) => `The note${of} is ready in ConnectVets.`,
      todo: "Open the note in ConnectVets and review it.",
    },
    "note.failed": {
      title: "Note failed",
      what: (of) => `ConnectVets could not process the note${of}.`,
      todo:
        "Open the note in ConnectVets and process it again. If it fails again, send another recording or contact ConnectVets support.",
    },
    "note.transcription.completed": {
      title: "Transcription ready",
      what: (of) => `The transcription of the note${of} is ready in ConnectVets.`,
      todo: "Open the note in ConnectVets and review it.",
    },
    "note.transcription.failed": {
      title: "Transcription failed",
      what: (of) => `ConnectVets could not transcribe the recording of the note${of}.`,
      todo:
        "Open the note in ConnectVets and process it again. If it fails again, send another recording or contact ConnectVets support.",
    },
    test: {
      title: "Webhook test",
      what: () => "The webhook's test event arrived, and its signature is valid.",
      todo: "Nothing: the webhook works.",
    },
  },
  otherTitle: (type) => `Event ${type}`,
  otherWhat: (type) => `Relay received an event that it does not know: ${type}.`,
  otherTodo: "See the sender's documentation for what it means.",
  of: (name) => ` for ${name}`,
  ofClient: (client) => ` with the reference ${client}`,
  errors: {
    AUDIO_QUALITY_LOW: {
      why: "The audio quality is too low to transcribe.",
      todo:
        "If there is another recording of the consultation, send it. If not, write the note by hand. Next time, record closer to the speaker and with less noise.",
    },
    INVALID_AUDIO_FORMAT: {
      why: "The format of the audio file is not accepted.",
      todo: "Convert the recording to WAV or FLAC and send it again.",
    },
  },
  errorSays: (message) => `Reason given: ${message}`,
  errorCode: (code) => `Error code: ${code}`,
  labels: {
    todo: "What to do",
    patient: "Patient",
    client: "Reference",
    note: "Note id",
    sections: "Sections",
    time: "When",
    error: "Error details",
    target: "Target",
    since: "Since",
    began: "Began",
    ended: "Ended",
    event: "See the event in relay",
    dead: "See what failed",
    events: "See the events in relay",
    overview: "See relay's overview",
  },
  origin: (id, type) => `Sent automatically by relay. Event ${id}, ${type}`,
  more: (count) => `${forms.number(count)} more`,
  moreBlocks: (count) =>
    `… and ${forms.count(count, { one: "more block that did not fit", other: "more blocks that did not fit" })}`,
  digest: {
    titleOfDay: (count, from, to) => `${forms.count(count, { one: "event", other: "events" })} from ${from} to ${to}`,
    titleOfDays: (count, from, to) => `${forms.count(count, { one: "event", other: "events" })} from ${from} to ${to}`,
    todo: "Check the list for anything that needs you.",
    origin: (timeZone) => `Sent automatically by relay. Times are in the time zone ${timeZone}`,
  },
  test: {
    title: "Test message from relay",
    what: (target) => `This is a test: no real event happened. If you can read this, the target ${target} works.`,
  },
  nothingTodo: "Nothing.",
  alarms: {
    dead: {
      titles: { begin: "Relay alarm: deliveries failed for good", end: "Relay alarm over: deliveries failed for good" },
      todo: "Run `relay status` to see more, and `relay retry --dead` once it is fixed.",
    },
    silent: {
      titles: { begin: "Relay alarm: no events", end: "Relay alarm over: events are back" },
      todo: `Run \`relay events\` to see what came in last. ${silentCheck}`,
    },
    refused: {
      titles: { begin: "Relay alarm: requests refused", end: "Relay alarm over: requests refused" },
      todo: "Run `relay status` to see more.",
    },
  },
  lasted: (time) => `The alarm lasted ${time}.`,
  reasons,
  otherReason,
  deadBegin: (count) =>
    forms.plural(count, {
      one: "A delivery failed for good. Relay does not try it again on its own.",
      other: `${forms.number(count)} deliveries failed for good. Relay does not try them again on its own.`,
    }),
  deadEnd: (limit) =>
    limit === 1 ? "No dead letters are left." : `Fewer than ${forms.number(limit)} dead letters are left.`,
  deadSince: (count, time) => `${forms.count(count, { one: "delivery", other: "deliveries" })} since ${time}`,
  refusals,
  refusedBegin: (count, time) =>
    `Relay refused ${forms.count(count, { one: "request", other: "requests" })} within ${time}.`,
  refusedEnd: (time) => `Relay has refused no requests for ${time}.`,
  refusedCount: (count) => forms.count(count, { one: "request", other: "requests" }),
  refusedCheck,
  silentBegin: (pattern, time) => `No event matching ${pattern} has come in for ${time}.`,
  silentEnd: (pattern) => `Events matching ${pattern} are coming in again.`,
  silentCheck,
};

/** The pages. A `count` that a text takes is a number as the language writes it. */
const pages = {
  nav: {
    overview: "Overview",
    events: "Events",
    dead: "Dead letters",
    targets: "Targets",
    config: "Config",
    main: "Main",
    menu: "Menu",
  },
  skip: "Skip to content",
  times: (timeZone: string) => `All times are in ${timeZone}, the \`timeZone\` of the config.`,
  lost: {
    gone: (time: string, shown: string) =>
      `The relay has not answered since ${time}. This page shows it as of ${shown}.`,
    back: (time: string) => `The relay has been answering again since ${time}.`,
    fresh: "This page is up to date.",
    old: "Reload the page to see what is new.",
  },
  live: { on: "Live", off: "Paused", pause: "Pause live updates", resume: "Resume live updates" },
  signIn: {
    title: "Sign in",
    lead: "These pages are for the people who operate this relay. Enter the token that the config sets under `admin`.",
    token: "Token",
    button: "Sign in",
    wrong: "This token is wrong. Check that you copied all of it.",
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
    skipped: "not needed",
    accepted: "accepted",
    unrouted: "unrouted",
    running: "running",
    stopping: "stopping",
    stopped: "stopped",
    lost: "stopped unexpectedly",
  },
  /** Targets that are told one after the other, by `firstOf()`. */
  chains: {
    inOrder: (targets: readonly string[], within: string, until: "delivered" | "read") =>
      `${targets.join(", then ")} (each after ${within}, until ${until})`,
    step: (step: number, steps: number) => `step ${forms.number(step)} of ${forms.number(steps)}`,
    begins: (time: string) => `This step begins ${time}, unless an earlier one is enough by then.`,
    beginsNow: "This step is about to begin.",
    waits: "This step waits until the one before it has begun.",
    skipped: "Not needed, because another step was enough.",
  },
  outcomes: { delivered: "delivered", retry: "failed", dead: "failed for good" },
  receipts: { accepted: "accepted", sent: "sent", delivered: "arrived", read: "read", failed: "did not arrive" },
  receiptsTitle: "Receipts",
  reasons,
  otherReason,
  refusals,
  verdicts: {
    matched: "matches",
    other_event: "is for other events",
    when_false: "its `when` says no",
    when_threw: "its `when` failed, so it does not match",
  },
  done: {
    retried: (count: number) =>
      `${forms.count(count, { one: "delivery is", other: "deliveries are" })} being sent again now.`,
    replayed: (count: number) =>
      `The event was replayed with ${forms.count(count, { one: "new delivery", other: "new deliveries" })}.`,
    paused: (_count: number) => "The target is paused. New deliveries to it wait.",
    resumed: (_count: number) => "The target takes deliveries again.",
    busy: (_count: number) => "Another retry is running: this one was not started.",
    nothing: (_count: number) => "There was nothing to do: these deliveries are neither dead nor waiting.",
  },
  yes: "yes",
  no: "no",
  never: "never",
  none: "none",
  all: "All",
  overview: {
    running: "Relay is running",
    runningRelays: (count: number) => `${forms.count(count, { one: "relay is", other: "relays are" })} running`,
    since: "Since",
    /** Several relays: since when the one runs that answers. */
    selfSince: "The relay that serves this page has been running since",
    attention: "Needs attention",
    more: (count: number) => `Show ${forms.number(count)} more`,
    calm: "Nothing needs attention",
    calmLead: "Every target accepts its deliveries, and there are no dead letters.",
    lastReceived: "Last event received",
    lastDelivered: "Last delivery",
    to: (target: string) => `to ${target}`,
    refused: "Requests refused, last hour",
    waiting: "Deliveries waiting",
    showDead: "Show",
    version: "Version",
    unchanged: "The config on disk is the one that is running.",
    changed:
      "The config on disk has changed since it was loaded. To apply it, run `systemctl reload relay` or send SIGHUP.",
    last24: "Last 24 hours",
    day: (received: number, delivered: number) =>
      `${forms.count(received, { one: "event", other: "events" })} received, ` +
      `${forms.count(delivered, { one: "delivery", other: "deliveries" })} made`,
    nothing24: "Nothing was received or delivered.",
    perHour: "Attempts by outcome and hour",
    asTable: "Show as a table",
    hour: "Hour",
    chartOf: (target: string, { delivered, failed, dead }: { delivered: number; failed: number; dead: number }) =>
      `Attempts to deliver to ${target} in the last 24 hours: ${forms.number(delivered)} delivered, ` +
      `${forms.number(failed)} failed, ${forms.number(dead)} failed for good`,
    summary: (waiting: number, dead: number) =>
      `Updated: ${forms.count(waiting, { one: "delivery", other: "deliveries" })} waiting, ` +
      forms.count(dead, { one: "dead letter", other: "dead letters" }),
  },
  alerts: {
    title: "Alerts",
    alert: "Alert",
    since: "On since",
    to: "Sent to",
    none: "The config has no alerts.",
    quiet: (count: number) =>
      `No alert is on. The config has ${forms.count(count, { one: "alert", other: "alerts" })}.`,
    dead: (limit: number) => `${forms.count(limit, { one: "dead letter", other: "dead letters" })} or more`,
    silent: (pattern: string, ms: number) => `no \`${pattern}\` event for ${forms.duration(ms)}`,
    refused: (limit: number, ms: number) =>
      `${forms.count(limit, { one: "refused request", other: "refused requests" })} or more within ${
        forms.duration(ms)
      }`,
  },
  relays: {
    title: "Relays",
    name: "Relay",
    state: "State",
    owns: "Owns",
    version: "Version",
    since: "Running since",
    heardAt: "Last heard from",
    self: "serves this page",
    duties: "also does retention and alarms",
    nothing: "no targets",
    taking: (targets: readonly string[]) => `takes over ${forms.and(targets)} within 15 s`,
    takeovers: "Takeovers in the last 24 hours",
    when: "When",
    newOwner: "New owner",
    targets: "Targets",
    why: "Why",
    givenUp: "The previous owner was stopped, or handed them to another relay.",
    wasLost: "The previous owner stopped unexpectedly.",
    older: (count: number) => forms.count(count, { one: "older takeover", other: "older takeovers" }),
  },
  attention: {
    lost: (name: string) => `Relay ${name} stopped unexpectedly`,
    lostTodo:
      "It crashed, was killed or lost its network. The other relays take over its targets. Check its log, then start it again.",
    mute: (name = "") => `Relay ${name} has not reported for a minute`,
    muteTodo: "It hangs, is suspended, or cannot write to the store. Check its log.",
    unowned: (targets: readonly string[]) => `No relay owns ${forms.and(targets)}`,
    unownedTodo:
      "Deliveries wait until one does. A relay takes over within 37 seconds; if none has by then, each relay's log says why.",
    reloadOf: (name: string) => `Relay ${name} could not load the config on its disk`,
    silent: (pattern: string) => `No ${pattern} events are coming in`,
    silentTodo: silentCheck,
    refused: (count: number) =>
      `At least ${forms.count(count, { one: "request was", other: "requests were" })} refused`,
    refusedTodo: "This was more than an hour ago. The log has the details.",
    refusedBy: (count: number, source: string) =>
      `${forms.count(count, { one: "request", other: "requests" })} to ${source} refused in the last hour`,
    refusedCheck: refusedCheck,
    refusedCount: (count: number) => `${forms.count(count, { one: "request", other: "requests" })}, last on`,
    reload: "The config on disk could not be loaded",
    reloadTodo: "The relay keeps running with the previous config. Fix the mistakes, then reload.",
    dead: (count: number, target: string) =>
      `${forms.count(count, { one: "dead letter", other: "dead letters" })} for ${target}`,
    failing: (target: string) => `${target} is failing: nothing gets through`,
    failingTodo: "See what its last attempts answered.",
    open: (target: string) => `${target} is held after repeated failures`,
    openTodo: "When the hold ends, one delivery tests the target. If it gets through, the others follow on their own.",
    paused: (target: string) => `${target} is paused`,
    pausedTodo: "Its deliveries wait until somebody resumes it.",
    throttled: (target: string) => `${target} asked relay to wait`,
    throttledTodo: "You do not need to do anything: deliveries continue when the wait is over.",
    orphaned: (target: string, count: number) =>
      `${forms.count(count, { one: "delivery", other: "deliveries" })} for ${target}, which is not in the config`,
    orphanedTodo: "Add the target to the config again and reload, or replay the events to other targets.",
    late: (target: string, count: number) =>
      `${target} is behind: ${forms.count(count, { one: "delivery waits", other: "deliveries wait" })}`,
    lateTodo: "See what its last attempts answered.",
    condition: (count: number, of: number) =>
      of === 1
        ? "A condition failed for the last event"
        : `A condition failed for ${forms.number(count)} of the last ${forms.number(of)} events`,
    conditionTodo:
      "These events may not have reached their targets. Correct the condition in the config, reload, then replay them.",
    warnings: (count: number) =>
      forms.count(count, { one: "warning about the config", other: "warnings about the config" }),
    since: "since",
    until: "until",
    show: "Show",
    retry: "Retry all",
  },
  events: {
    failedCondition: "condition failed",
    title: "Events",
    filter: "Filter events",
    search: "Search",
    searchHint: "Event id, note id or reference",
    type: "Type",
    typeHint: "such as note.*",
    state: "State",
    target: "Target",
    since: "Received",
    apply: "Filter",
    clear: "Clear filters",
    sinces: {
      "1h": "in the last hour",
      "24h": "in the last 24 hours",
      "7d": "in the last 7 days",
      "30d": "in the last 30 days",
    },
    received: "Received",
    note: "Note, reference",
    deliveries: "Targets",
    /** Targets that do not fit into a line. */
    others: (count: number) => forms.count(count, { one: "other target", other: "other targets" }),
    /** What a screen reader hears when the list has changed. */
    found: (count: number, hasMore: boolean) => {
      const events = forms.count(count, { one: "event", other: "events" });
      return hasMore ? `${events}, and more on the next page` : events;
    },
    /** @param count The script puts the number there. */
    fresh: (count: string) => `Show new events (${count})`,
    older: "Older",
    newer: "Newer",
    newest: "Newest",
    empty: "No event matches these filters",
    emptyLead: "Change or clear the filters to see more events.",
    nothing: "No events yet",
    nothingLead: "Events appear here as soon as they are received. `relay send` sends a signed test event.",
    more: "The search stopped here to keep this page fast. “Older” continues it.",
    notYet: "No match among the events searched so far. “Older” continues the search.",
    pages: "Pages",
  },
  event: {
    title: "Event",
    received: "Received",
    source: "Source",
    secret: "Signed with",
    secretOf: (place: number, count: number | undefined) =>
      count === undefined ? `secret ${forms.number(place)}` : `secret ${forms.number(place)} of ${forms.number(count)}`,
    own: "Relay made this event itself.",
    note: "Note",
    reference: "Reference",
    copy: "Copy",
    copied: "Copied",
    /** What a copy button copies. */
    copyOf: (what: string) => `Copy ${what}`,
    things: { id: "the event id", payload: "the payload", answer: "the answer" },
    full: "Show everything in full",
    cut: "This is only the first part.",
    raw: "Open the payload as received",

    arrived: "What was received",
    headers: (count: number) => forms.count(count, { one: "header", other: "headers" }),
    payload: "Payload",
    json: (bytes: number) =>
      `${
        forms.count(bytes, { one: "byte", other: "bytes" })
      } of JSON, indented here for reading. Signatures and deliveries use the bytes as received.`,
    text: (bytes: number) => `${forms.count(bytes, { one: "byte", other: "bytes" })} that are not JSON, shown as text.`,

    routes: "Where it goes, and why",
    /** @param targets In order, each once. */
    goesTo: (targets: readonly string[]) => `With the current config, this event goes to ${forms.and(targets)}.`,
    wentTo: (targets: readonly string[]) =>
      targets.length === 0 ? "So far it has gone nowhere." : `So far it has gone to ${forms.and(targets)}.`,
    on: "Events",
    to: "Targets",
    verdict: "Result",
    fallback: "No route matches, so the event goes to the `fallback`.",
    unrouted: "No route matches, and the config has no `fallback`: the event is stored and goes nowhere.",
    problems: "Errors in functions of the config",

    deliveries: "Deliveries",
    noDeliveries: "There are none: no route matched when the event was received.",
    delivery: "Delivery id",
    delivered: (time: string, attempt: number) => `Delivered ${time}, on attempt ${forms.number(attempt)}.`,
    gaveUp: (attempts: number) =>
      `Relay gave up after ${
        forms.count(attempts, { one: "attempt", other: "attempts" })
      }. Nothing more happens until you retry the delivery.`,
    sending: (attempt: number) => `Attempt ${forms.number(attempt)} is being made now.`,
    /** @param left Attempts until relay gives the delivery up, if that is known. */
    next: (attempt: number, time: string, left: number | null) =>
      `Attempt ${forms.number(attempt)} is due ${time}.${
        left === null
          ? ""
          : left === 1
          ? " If it fails, the delivery becomes a dead letter."
          : ` After ${forms.number(left)} more failures, the delivery becomes a dead letter.`
      }`,
    /** Nobody knows when: it depends on others. */
    waits: "Waits until an earlier delivery with the same order key is done.",
    held: {
      quiet: (target: string, time: string) => `Waits until the quiet hours of ${target} end. It goes out ${time}.`,
      digest: (target: string, time: string) => `Waits for the next digest of ${target}. It goes out ${time}.`,
      open: (target: string, time: string) =>
        `Held, because ${target} failed several times in a row. Relay tries one delivery ${time}; the others follow as soon as it works.`,
      throttled: (target: string, time: string) => `Held, because ${target} asked relay to wait. It continues ${time}.`,
      paused: (target: string) =>
        `Held, because an operator paused ${target}. It continues when you resume the target.`,
      orphaned: (target: string) =>
        `Held, because the config has no target ${target}. Put the target back and reload the config, or replay the event.`,
    },
    attempts: (target: string) => `Attempts to deliver to ${target}`,
    attempt: (number: number) => `Attempt ${forms.number(number)}`,
    took: (duration: string) => `took ${duration}`,
    answered: (status: number) => `answered ${status}`,
    answer: "Answer",
    earlier: (count: number) =>
      `${forms.count(count, { one: "earlier attempt is", other: "earlier attempts are" })} not shown here.`,
    earlierDeliveries: (count: number) =>
      `${forms.count(count, { one: "earlier delivery is", other: "earlier deliveries are" })} not shown here.`,

    sent: "What was sent",
    willBeSent: "What will be sent",
    sentAgain: "Rendered again with the current config: relay does not keep messages, so this one may differ.",
    sentNow: "Rendered with the current config.",
    sentBytes: (address: string) => `The payload exactly as received, to ${address}.`,
    sentTo: (address: string) => `To ${address}.`,
    sentNot: "The message cannot be rendered:",
    sentLacks: {
      target: "The message cannot be rendered, because the config no longer has this target.",
      note: "The message cannot be rendered, because the note from ConnectVets' API is missing.",
    },

    details: "The note from ConnectVets' API",
    detailsAt: (time: string) => `Fetched ${time}.`,
    detailsNot: (time: string) => `Relay could not fetch it ${time}.`,

    retry: "Retry…",
    retryOf: (target: string) => `Retry the delivery to ${target}…`,
    retryAsk: (target: string) => `Retry the delivery to ${target}?`,
    retryDead: "Relay sends it again now, under the same delivery id, with a new set of attempts.",
    retryWaiting: "Relay sends it now instead of waiting for the next attempt.",
    retryNow: "Retry now",
    replay: "Replay…",
    replayAsk: "Replay this event?",
    replayLead: (targets: readonly string[]) =>
      `Sends the event again with the current config: new deliveries to ${forms.and(targets)}.`,
    replayTwice: (targets: readonly string[]) =>
      `It was already delivered to ${forms.and(targets)}, so it arrives there once more, under a new delivery id.`,
    replayNowhere: "With the current config, the event goes nowhere, so there is nothing to replay.",
    replayNow: "Replay now",
    cancel: "Cancel",
    back: "Back to the event",
  },
  dead: {
    title: "Dead letters",
    cannotChoose: (problem: string) => `Cannot choose dead letters: ${problem}`,
    lead: "Relay gave up on these deliveries. Fix the cause first, then retry them.",
    groups: "By target and reason",
    letters: "Dead letters, newest first",
    none: "No dead letters",
    noneLead: "Every delivery has arrived or still has attempts left.",
    failure: "Target, reason",
    count: (count: number) => forms.count(count, { one: "dead letter", other: "dead letters" }),
    oldest: "oldest",
    newest: "newest",
    retryAll: (count: number) => count === 1 ? "Retry it…" : `Retry all ${forms.number(count)}…`,
    retryGroup: "Retry group…",
    retryGroupOf: (target: string, reason: string) => `Retry group: ${target}, ${reason}`,
    show: "Show",
    showAll: "Show all",
    ask: "Retry dead letters?",
    askAll: (count: number) =>
      `This retries every dead letter: ${forms.count(count, { one: "delivery", other: "deliveries" })}.`,
    askTarget: (count: number, target: string) =>
      `This retries ${forms.count(count, { one: "dead letter", other: "dead letters" })} of ${target}.`,
    askReason: (reason: string) => `Only those with this reason: ${reason}.`,
    consequence:
      "Each gets a new set of attempts now, under the same delivery id. If the cause is not fixed, they fail again.",
    confirm: (count: number) => `Retry ${forms.number(count)} now`,
    cancel: "Cancel",
    run: {
      all: "Retry of all dead letters",
      of: (what: string) => `Retry of ${what}`,
      running: (retried: number, total: number) =>
        `Retrying: ${forms.number(retried)} of ${
          forms.count(total, { one: "dead letter", other: "dead letters" })
        }. You can leave this page; the retry continues.`,
      done: (retried: number) => `Done: ${forms.count(retried, { one: "delivery", other: "deliveries" })} retried.`,
      stopped: (retried: number, total: number) =>
        `Stopped after ${forms.number(retried)} of ${
          forms.count(total, { one: "dead letter", other: "dead letters" })
        }. The others are still dead letters.`,
      failed: (retried: number, total: number) =>
        `Failed after ${forms.number(retried)} of ${
          forms.count(total, { one: "dead letter", other: "dead letters" })
        }:`,
      progress: "Progress of the retry",
      stop: "Stop",
      reload: "Reload to see the progress",
    },
  },
  targets: {
    title: "Targets",
    name: "Target",
    state: "State",
    kind: "Kind",
    goesTo: "Address",
    backlog: "Waiting",
    sending: (count: number) => `${forms.number(count)} sending`,
    oldest: "Oldest waiting",
    lastSuccess: "Last delivery",
    lastFailure: "Last failure",
    rate: "Success, 24 h",
    latency: "p50 / p99, 24 h",
    pause: "Pause",
    resume: "Resume",
    test: "Send test message",
    of: (button: string, target: string) => `${button}: ${target}`,
    probe: "The next delivery tests it.",
    testOf: (target: string) => `Test message to ${target}`,
    testEvent: "Show its event",
    testReload: "Reload to see what happened since",
    stateTodo: {
      ok: "",
      failing:
        "Its last attempt failed, and nothing has been delivered since. Deliveries that are waiting will be tried again.",
      dead_letters: "It accepts deliveries, but some failed for good. Fix the cause, then retry them.",
      open:
        "It failed several times in a row. When the hold ends, one delivery tests it; if it gets through, the others follow.",
      throttled: "It asked relay to wait. Deliveries continue on their own when the wait is over.",
      paused: "An operator paused it. Deliveries wait until somebody resumes it.",
      orphaned: "It is not in the config. Add it again and reload, or replay the events to other targets.",
    },
  },
  config: {
    title: "Config",
    file: "File",
    sources: "Sources",
    source: "Source",
    path: "Path",
    secrets: "Secrets",
    routes: "Routes",
    events: "Events",
    when: "Condition",
    always: "always",
    condition: "if `when` returns true",
    goesTo: "Targets",
    fallback: (target: string) => `Events that match no route go to ${target}.`,
    noFallback: "Events that match no route are stored, and go nowhere.",
    isFallback: "No route matches, so it goes to the `fallback`.",
    targets: "Targets",
    warnings: "Warnings",
    preview: "Try an event",
    previewLead: "See where an event would go, and what each target would receive. Nothing is stored or sent.",
    sample: "Sample event",
    useSample: "Use this sample",
    json: "Event (JSON)",
    show: "Show the result",
    message: (target: string) => `What ${target} would receive`,
    frame: (target: string) => `Email to ${target}`,
    htmlSource: "HTML source",
    wrong: "Cannot read the event",
  },
  /** An address that is given a form. */
  badForm: "Cannot read the form: it is cut short or malformed",
  notFound: {
    title: "Page not found",
    lead: "If a link to an event brought you here, the event may have been deleted: `keep` in the config says when.",
  },
  failed: { title: "This page cannot be shown right now", lead: "Try again in a moment. What went wrong:" },
  refused: "This cannot be done",
};

/** `relay init`, and the files that it writes. */
const init = {
  about: "write a config, its types, and a .env file for its secrets",
  options: {
    dir: "folder to write to; created if it does not exist",
    yes: "ask nothing and write an example",
  },
  help: "\nOn a terminal it asks a few questions first. It never changes a file that exists already.",
  wrote: "wrote",
  kept: "kept ",
  cannotWrite: (folder: string, problem: string) => `Cannot write to ${folder}: ${problem}`,
  isFile: "it is a file, not a folder",
  /** What is missing in a `.env` that was left as it was. */
  missing: (names: readonly string[]) => `.env exists already; add ${forms.and(names)} to it`,
  next: "Next:",
  /** Where some of the files existed. */
  check: (command: string) => `See what is left to do: ${command}`,
  config: {
    about:
      "What the relay receives, where it delivers, and what goes where. `relay check` shows it and finds mistakes.",
    fallback: "Where events that match no route go. Without a fallback they are stored, but go nowhere.",
  },
  dotenv: {
    about: "Secrets of relay.config.ts. Only you can read this file; keep it out of version control.",
    secret: "Secret of the webhook, from ConnectVets.",
    sampleSecret:
      "A sample, good enough for `relay send`. Replace it with the secret of the webhook, from ConnectVets.",
  },
  ask: {
    intro: "A config for relay",
    keys: "Esc goes back, Ctrl-C stops. Nothing is written before the last answer.",
    failures: "Where should failed notes go?",
    completed: "Where should completed notes go?",
    none: "Nowhere yet",
    secret: "Secret of the webhook, from ConnectVets",
    later: "empty: add it later",
    random: "empty: a random one",
    without: "empty: none",
    keep: "empty: keep the one you typed",
    short: "This is too short: copy the whole secret from ConnectVets, or leave it empty for now",
    confirm: "Write these files?",
    write: "Yes, write them",
    cancel: "No, write nothing",
    cancelled: "Nothing was written",
    done: "That is all",
  },
  summary: {
    title: "Summary",
    failures: "Failed notes",
    completed: "Completed notes",
    secret: "Webhook secret",
    files: "Files",
    nowhere: "nowhere yet",
    given: "the one you typed",
    sample: "a sample for now",
    later: (what: string) => `${what} (to be completed in .env)`,
  },
  /** Where notes can go. Of each: the three lines that one must know first, and the words of each question. */
  channels: {
    slack: {
      name: "Slack",
      steps: [
        "Create an app at api.slack.com/apps: Create New App, From scratch.",
        "In it, turn on Incoming Webhooks, add a new webhook, and choose the channel.",
        "You need the webhook's URL, which that page then shows.",
      ],
      ask: { url: "URL of the Slack incoming webhook" },
      wrong: { url: 'Expected a URL such as "https://hooks.slack.com/services/…", which Slack shows for the webhook' },
      dotenv: { url: "URL of your Slack incoming webhook." },
    },
    email: {
      name: "Email",
      steps: [
        "You need a mail server that lets you send from the sender's address.",
        "Its host, port, user and password are in the settings of your mail account.",
        "Resend, SendGrid, Postmark, Mailgun and Brevo work too: see docs/channels.md.",
      ],
      ask: {
        via: "Mail server, as smtp://user:password@host:587",
        from: "Sender's address",
        to: "Recipients' addresses, separated by commas",
      },
      wrong: {
        via: 'Expected a URL such as "smtp://user:password@host:587"',
        from: 'Expected an address such as "relay@clinica.example"',
        to: 'Expected addresses such as "equipe@clinica.example", separated by commas',
      },
      dotenv: { via: "Your mail server." },
    },
    whatsapp: {
      name: "WhatsApp, by Meta's Cloud API",
      steps: [
        "Create an app with WhatsApp at developers.facebook.com/apps, and in WhatsApp",
        "Manager a Utility template whose only variable is the id of the note.",
        "You need the Phone number ID (API Setup) and a system user's token.",
      ],
      ask: {
        phoneNumberId: "Phone number ID, not the number itself",
        token: "Permanent token of the system user",
        to: "Recipients' numbers, with country and area, separated by commas",
        template: "Name of the template",
        language: "Language of the template",
      },
      wrong: {
        phoneNumberId: 'Expected only digits, such as "105512345678901", as API Setup shows them',
        token: "Expected the whole token, without spaces",
        to: 'Expected numbers such as "+5531999998888", separated by commas',
        template: 'Expected a name such as "nota_falhou", as WhatsApp Manager shows it',
        language: 'Expected a language such as "pt_BR", as WhatsApp Manager shows it',
      },
      dotenv: { token: "Permanent token of the system user, for WhatsApp's Cloud API." },
    },
    evolution: {
      name: "WhatsApp, by Evolution API",
      steps: [
        "In your server's /manager create an instance, and scan its QR code with the",
        "phone that sends. Evolution API is unofficial: WhatsApp may block the number.",
        "You need the instance's name and its API key, which the manager shows.",
      ],
      ask: {
        url: "URL of your Evolution API",
        instance: "Name of the instance",
        apiKey: "API key of the instance",
        to: "Recipients' numbers, with country and area, separated by commas",
      },
      wrong: {
        url: 'Expected a URL such as "http://localhost:8080"',
        instance: 'Expected the name of an instance, such as "clinica"',
        apiKey: "Expected the whole key, without spaces",
        to: 'Expected numbers such as "+5531999998888", separated by commas',
      },
      dotenv: { apiKey: "API key of your instance of Evolution API." },
    },
    zapi: {
      name: "WhatsApp, by Z-API",
      steps: [
        "Create an instance at z-api.io, and scan its QR code with the phone that",
        "sends. Z-API is unofficial: WhatsApp may block the number.",
        "You need the instance's ID and token (Edit), and the token under Security.",
      ],
      ask: {
        instance: "ID of the instance",
        token: "Token of the instance",
        clientToken: "Account security token",
        to: "Recipients' numbers, with country and area, separated by commas",
      },
      wrong: {
        instance: "Expected the ID of the instance, without spaces",
        token: "Expected the whole token of the instance, without spaces",
        clientToken: "Expected the whole account security token, without spaces",
        to: 'Expected numbers such as "+5531999998888", separated by commas',
      },
      dotenv: {
        instance: "ID of your instance of Z-API.",
        token: "Token of your instance of Z-API.",
        clientToken: "Account security token of Z-API.",
      },
    },
    telegram: {
      name: "Telegram",
      steps: [
        "In Telegram write /newbot to @BotFather. Add the bot to your group, and write",
        "there: /start@ and the bot's name. api.telegram.org/botTOKEN/getUpdates shows",
        "the chat's id. You need the bot's token and that id, negative for a group.",
      ],
      ask: { token: "Token of the bot", chat: "Id of the chat" },
      wrong: {
        token: 'Expected the whole token, such as "123456:ABC…", as @BotFather gave it',
        chat: 'Expected a number such as "-1001234567890", or "@" and the name of a public channel',
      },
      dotenv: { token: "Token of your Telegram bot, from @BotFather." },
    },
    teams: {
      name: "Microsoft Teams",
      steps: [
        "In Teams: the three dots beside the channel, then Workflows.",
        'Choose "Send webhook alerts to a channel", and save. Office 365 connectors',
        "are gone. You need the URL: Copy webhook link.",
      ],
      ask: { url: "URL of the workflow's webhook" },
      wrong: { url: "Expected the whole URL that the workflow shows, which begins with https://" },
      dotenv: { url: "URL of the webhook of your Teams workflow." },
    },
    googleChat: {
      name: "Google Chat",
      steps: [
        "You need Google Workspace: a private account has no webhooks.",
        "In a browser: the space's name, Apps & integrations, Add webhooks.",
        "You need the webhook's URL: the three dots beside it, Copy link.",
      ],
      ask: { url: "URL of the Google Chat webhook" },
      wrong: { url: 'Expected a URL such as "https://chat.googleapis.com/v1/spaces/…"' },
      dotenv: { url: "URL of your Google Chat webhook." },
    },
    discord: {
      name: "Discord",
      steps: [
        "In Discord: the gear beside the channel (Edit Channel), Integrations.",
        "Then Webhooks, New Webhook.",
        "You need the webhook's URL: Copy Webhook URL.",
      ],
      ask: { url: "URL of the Discord webhook" },
      wrong: { url: 'Expected a URL such as "https://discord.com/api/webhooks/…"' },
      dotenv: { url: "URL of your Discord webhook." },
    },
    ntfy: {
      name: "ntfy, a push message to phones",
      steps: [
        "Install the ntfy app on each phone, and subscribe to one topic. No account.",
        "On ntfy.sh whoever knows the topic can read it: choose one nobody guesses.",
        "You need only the topic; for a protected one, an access token as well.",
      ],
      ask: { url: "Server", topic: "Topic", token: "Access token, or user:password" },
      wrong: {
        url: 'Expected a URL such as "https://ntfy.sh"',
        topic: "Expected at most 64 letters, digits, - and _",
        token: 'Expected an access token such as "tk_…", or "user:password"',
      },
      dotenv: { topic: "Topic of ntfy that the phones follow.", token: "Access token of ntfy." },
    },
    http: {
      name: "Another system, by HTTP",
      steps: [],
      ask: { url: "URL of the other system" },
      wrong: { url: 'Expected a URL such as "https://sistema.example/webhook"' },
      dotenv: { url: "URL of your other system." },
    },
    script: {
      name: "A script",
      steps: [],
      ask: { command: "Command to run, with its arguments" },
      wrong: { command: "Type something, or press Esc to go back" },
      dotenv: {},
    },
  },
};

/** `relay check` but its warnings. */
const check = {
  about: "check the config, and show the routing table and what is left to do",
  help: `
It also looks at a store in PostgreSQL, and warns of problems there.

Exit: 0 if the config is valid, 78 if not; then all mistakes are shown at once.`,
  sound: "The config is valid:",
  sources: "Sources",
  everywhere: "at every address of this machine",
  secrets: (count: number) => forms.count(count, { one: "secret", other: "secrets" }),
  certificate: "Certificate",
  until: (day: string) => `until ${day}`,
  targets: "Targets",
  routes: "Routes",
  when: "when …",
  anythingElse: "anything else",
  goesNowhere: "is stored, goes nowhere",
  store: "Store",
  /** Of a database: the version of the store's schema in it. */
  schema: (version: number) =>
    version === 0 ? "the first relay to start creates the schema" : `schema version ${version}`,
  alerts: "Alerts",
  dead: (count: number) => count === 1 ? "a dead letter" : `${forms.number(count)} or more dead letters`,
  silent: (pattern: string) => `no ${pattern} event`,
  for: (time: string) => `for ${time}`,
  refused: (count: number) => count === 1 ? "a refused request" : `${forms.number(count)} or more refused requests`,
  within: (time: string) => `within ${time}`,
  warnings: "Warnings",
  /** What is left to do before the relay delivers real events, a numbered list. */
  todo: {
    title: "Still to do:",
    start: (command: string) => `start the relay: ${command}`,
    reload: (command: string) => `reload the relay: ${command}, or as a service: systemctl restart relay`,
    send: (command: string) => `send a test event: ${command}`,
    sendElsewhere: (command: string) => `in another terminal, send a test event: ${command}`,
    nothing: "Nothing left to do: the relay runs, and has received events",
    unknown: (problem: string) => `Cannot tell whether the relay runs: ${problem}`,
    oldStore: "the store is from an older version, which `relay serve` upgrades",
  },
};

/**
 * Warnings; each follows the place in the config that it is about. Dates are in the form of ISO 8601; `place` is the position
 * of a certificate in its file, from 1; `quoted` is a path as a shell reads it.
 */
const warnings = {
  shortSecret: "is shorter than 16 bytes, so it can be guessed",
  longSecret: (path: string) => `use a secret of at least 16 bytes for ${path}`,
  placeholder: {
    left: {
      placeholder: (put: string) => `is still a placeholder; ${put}`,
      sample: (put: string) => `is still the sample that \`relay init\` made; ${put}`,
    },
    what: {
      slack: "the URL of your Slack incoming webhook",
      smtp: "the URL of your mail server",
      http: "the URL of your system",
      own: "the real value",
      secret: "the webhook secret from ConnectVets",
    },
    put: (what: string, variable: string) => `put ${what} into .env as ${variable}`,
    putThere: (what: string) => `put ${what} there`,
    set: (path: string, what: string) => `set ${path} to ${what}`,
  },
  /** @param near The event, or the pattern, that was probably meant. */
  unknownEvent: (pattern: string, near: string) =>
    `"${pattern}" matches no event of ConnectVets; did you mean "${near}"?`,
  sampleFails: (type: string, problem: string) => `fails with a sample ${type}: ${problem}`,
  oneStar: '"*" matches only names without a dot, so no event about a note; "**" matches every event',
  noProgram: (program: string, fault: string) => `cannot run ${program}: ${fault}`,
  retiredConnector:
    "uses an Office 365 connector, which Microsoft retired in May 2026; make a webhook in the Workflows app of Teams, and use its URL",
  /** Why a program cannot be run; paths are as a shell reads them. */
  program: {
    missing: (path: string) => `the file ${path} does not exist`,
    noFolder: (folder: string) => `its working directory does not exist: ${folder}`,
    closed: (folder: string, quoted: string) =>
      `the relay's user cannot enter the folder ${folder}; move the program, or run: chmod o+x ${quoted}`,
    isFolder: "it is a folder",
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
  neverRead: (target: string) =>
    `waits until a message is read, but "${target}" has no receipts that say so: the next target is always told as well`,
  idleEnrich: "has no effect: the route's targets send the bytes received, not a message made from the event",
  /** Of a WhatsApp target; `shown` is the end of a number. */
  whatsapp: {
    twice: (shown: string) =>
      `names the recipient ${shown} twice, perhaps with and without the ninth digit; each event is sent there once`,
    length: (shown: string) =>
      `the number ${shown} cannot be Brazilian: after +55 come the area code and 8 or 9 digits; correct it in \`to\``,
    noTemplate:
      "has no `template`: WhatsApp takes free text only within 24 hours of the recipient's last message; without a " +
      "template, later messages fail",
    digest: (hasTemplate: boolean) =>
      "makes digests, which WhatsApp takes only within 24 hours of the recipient's last message, as they are free text; " +
      (hasTemplate ? "later, each event goes out by itself, as the `template`" : "later ones fail"),
    templateName: (name: string) =>
      `names the template "${name}"; WhatsApp's names have only lower-case letters, digits and _, and at most 512 of them`,
  },
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
  description:
    "Receives ConnectVets webhooks, stores them, and delivers them to WhatsApp, chats, email, HTTP or a script.",
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
  unknownCommand: (name: string, near?: string) =>
    `unknown command "${name}"${near ? `; did you mean "${near}"?` : ""}`,
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

/** `relay status`. Times and spans are given as the language writes them. */
const status = {
  description: "show what needs attention, whether the relay runs, and how each target is doing",
  ready: "ask the running relay whether it can take events; exits 1 if it cannot, or if none runs",
  watch: "on a terminal: show it again every 2 seconds, until Ctrl-C (exit 130)",
  help: "\nReads the store, whether or not `relay serve` runs and the config is valid; --ready asks the running relay.",
  watchAlone: "Cannot watch the status: --watch cannot be used with --json or --ready",
  watchNoTerminal: "Cannot watch the status: standard output is not a terminal",
  watchHint: "run `relay status --json` as often as you need it",
  cutOff: (count: number) => `… and ${forms.count(count, { one: "more line", other: "more lines" })}`,
  calm: "Nothing needs attention",
  attention: (count: number) => forms.count(count, { one: "thing needs attention", other: "things need attention" }),
  more: (count: number) => `and ${forms.number(count)} more: \`relay status --json\` has them all`,
  times: (timeZone: string) => `Times are in the time zone ${timeZone}`,
  /** A time after "since" or "until". */
  at: (time: string, relative: string) => `${time} (${relative})`,
  /** A time that stands by itself. */
  when: (time: string, relative: string) => `${relative} (${time})`,
  start: "Start one with `relay serve`, or with `systemctl start relay` where it is a service.",
  reload: "Load it with `systemctl reload relay`, or with SIGHUP.",
  trouble: {
    stopped: "No relay is running",
    stoppedAt: (time: string) => `No relay is running: the last one was stopped ${time}`,
    lostAt: (time: string) =>
      `No relay is running: the last one crashed or was killed; its last sign of life was ${time}`,
    mute: (name: string | undefined, time: string) =>
      `${name === undefined ? "The relay" : `Relay ${name}`} has given no sign of life since ${time}`,
    muteTodo: "It hangs, is suspended, or cannot write to the store. Its log says more.",
    unowned: (targets: readonly string[]) => `No relay delivers to ${forms.and(targets)}`,
    unownedTodo:
      "Deliveries wait until one does. A relay takes over what another one lost within 37 seconds; after that, the log of each relay says why not.",
    lost: (name: string, time?: string) =>
      `Relay ${name} is gone: it crashed, was killed, or lost its network${
        time ? `; its last sign of life was ${time}` : ""
      }`,
    lostTodo: "The other relays take over its targets. Its log says what happened.",
    taking: (name: string, targets: readonly string[]) =>
      `Relay ${name} takes over ${forms.and(targets)} within 15 seconds`,
    takingTodo: "The previous relay was lost and may not have finished what it began.",
    reload: (name: string | undefined, time: string) =>
      `${name === undefined ? "The relay" : `Relay ${name}`} refused a new config ${time} and runs with the old one`,
    reloadSound: "The config on disk is valid now. Load it with `systemctl reload relay`, or with SIGHUP.",
    reloadTodo: "Correct it, then load it with `systemctl reload relay`, or with SIGHUP.",
    mistakes: "The config on disk cannot be used",
    configChanged: "The config on disk has changed since the relay loaded it",
    moved: (to: string) => `This store was moved to ${to}: no relay serves it`,
    moving: (to: string) => `This store is being moved to ${to}: no relay serves it meanwhile`,
    arriving: (from: string) => `This store is being filled from ${from}: no relay serves it meanwhile`,
    movedTodo: "Use a config that names the new store.",
    movingTodo: "`relay migrate` goes on with it, or cancels it with --cancel.",
    warnings: (count: number) =>
      forms.count(count, { one: "warning about the config", other: "warnings about the config" }),
    warningsMore: (count: number) => `and ${forms.number(count)} more: \`relay check\` shows them all`,
  },
  silent: (pattern: string, time: string) => `No ${pattern} event has come in since ${time}`,
  refusedAlarm: (time: string) => `Requests were refused; the alert has been on since ${time}`,
  refusedAlarmTodo: "This was more than an hour ago. The log says more about each.",
  refusedBy: (source: string, count: number, relative: string) =>
    `${
      forms.count(count, { one: "request", other: "requests" })
    } to ${source} refused in the last hour, the last ${relative}`,
  refusedReason: (name: string, count: number, advice: string) => `${name} (${forms.number(count)}): ${advice}`,
  dead: (target: string, count: number, reason: string, time: string) =>
    `${target}: ${
      forms.count(count, { one: "dead letter", other: "dead letters" })
    } (${reason}), the oldest from an event received ${time}`,
  address: (address: string) => `Its address in the config: ${address}`,
  deadTodo: (command: string) => `Then deliver again: \`${command}\``,
  failing: (target: string, count: number, reason: string, time: string) =>
    `${target} is failing: ${reason}, last time ${time}; ${status.waiting(count)}`,
  /** @param next When the next attempt is, if that is known. */
  failingTodo: (next?: string) => `What waits is retried automatically${next ? `, the next attempt is ${next}` : ""}.`,
  nothingSince: (time: string) => `Nothing has been delivered to it since ${time}.`,
  nothingYet: "Nothing has been delivered to it yet.",
  lastFailure: (what: string, event: string) => `The last failure: ${what} (\`relay events ${event}\`)`,
  conditionThen: (event: string) => `\`relay replay ${event} --to TARGET\` sends the last of them.`,
  waiting: (count: number) => forms.count(count, { one: "delivery waits", other: "deliveries wait" }),
  open: (target: string, count: number, reason: string, time: string) =>
    `${target} is held until ${time} after several failures in a row, ${reason}: ${status.waiting(count)}`,
  openTodo: "One delivery then tests it; the rest follow once it works.",
  openNow: (target: string, count: number, reason: string) =>
    `${target} is held after several failures in a row, ${reason}, and is tested next: ${status.waiting(count)}`,
  orphaned: (target: string, count: number) =>
    `${target}: ${
      forms.count(count, { one: "delivery waits or is", other: "deliveries wait or are" })
    } dead, and the config has no such target`,
  orphanedTodo: "Put the target back into the config and reload, or `relay replay` the events to another one.",
  late: (target: string, count: number, time: string) =>
    `${target} is behind: ${forms.count(count, { one: "delivery", other: "deliveries" })} waiting since ${time}`,
  lateTodo: (target: string) => `\`relay events --target ${target} --state pending\` shows which.`,
  paused: (target: string, count: number, time: string) =>
    `${target} has been paused since ${time}: ${status.waiting(count)}`,
  pausedTodo: (target: string) => `\`relay resume ${target}\` delivers them.`,
  throttled: (target: string, count: number, time: string) =>
    `${target} asked relay to wait until ${time}: ${status.waiting(count)}`,
  throttledTodo: "Nothing to do: they are delivered automatically.",
  facts: {
    relay: "Relay",
    relays: "Relays",
    listen: "Webhooks",
    admin: "Pages",
    received: "Last event",
    delivered: "Last delivery",
    refused: "Refused",
    alarms: "Alerts",
    store: "Store",
  },
  running: (version: string, time: string, pid: number | null) =>
    `${version}, running since ${time}${pid === null ? "" : `, pid ${pid}`}`,
  runningUnknown: "running",
  notRunning: "not running",
  relayCounts: (counts: { running: number; stopped: number; lost: number }) =>
    [
      `${forms.number(counts.running)} running`,
      ...(counts.stopped > 0 ? [`${forms.number(counts.stopped)} stopped in the last day`] : []),
      ...(counts.lost > 0 ? [`${forms.number(counts.lost)} lost in the last day`] : []),
    ].join(", "),
  never: "never",
  none: "none",
  refusedNone: "none in the last hour",
  refusedCount: (count: number) => `${forms.count(count, { one: "request", other: "requests" })} in the last hour`,
  alarms: {
    dead: (limit: number) => `${forms.number(limit)} or more dead letters`,
    silent: (pattern: string) => `no ${pattern} event`,
    refused: (limit: number, span: string) => `${forms.number(limit)} or more requests refused within ${span}`,
    since: (what: string, time: string, target: string) => `${what}, since ${time}; sent to ${target}`,
  },
  store: (place: string, size: string, waiting: number, dead: number) =>
    `${place} (${size}): ${forms.number(waiting)} waiting, ${
      forms.count(dead, { one: "dead letter", other: "dead letters" })
    }`,
  columns: {
    target: "Target",
    state: "State",
    waiting: "Waiting",
    oldest: "Oldest",
    dead: "Dead",
    delivered: "Last success",
    failed: "Last failure",
    reason: "Reason",
    owner: "Relay",
  },
  /** Goes on with the time. */
  heldUntil: (time: string) => `held until ${time}`,
  heldNow: "held, tested next",
  throttledUntil: (time: string) => `asked to wait until ${time}`,
  soon: (name: string) => `${name} soon`,
  nobody: "nobody",
  relays: {
    name: "Relay",
    state: "State",
    version: "Version",
    since: "Since",
    heardAt: "Last sign",
    owns: "Delivers to",
    targets: (count: number, hasDuties: boolean) =>
      forms.count(count, { one: "target", other: "targets" }) + (hasDuties ? ", retention and alarms" : ""),
    states: { running: "running", stopping: "stopping", stopped: "stopped", lost: "lost" },
  },
  takeovers: (count: number) =>
    `${forms.count(count, { one: "target", other: "targets" })} moved to another relay in the last day`,
  takeover: (time: string, name: string, targets: readonly string[], cause: string) =>
    `${time} ${name} took over ${forms.and(targets)}: ${cause}`,
  givenUp: "the previous relay gave them up",
  wasLost: "the previous relay was lost",
  takeoversMore: (count: number) => `and ${forms.number(count)} earlier: \`relay status --json\` has them all`,
  notReady: (url: string, status: number) => `Not ready: ${url} answered ${status}`,
  notReadyText: (url: string, status: number, text: string) => `Not ready: ${url} answered ${status}: ${text}`,
  noAdmin: "Cannot ask whether the relay is ready: `admin` is false in the config",
  noAdminHint: "`GET /healthz` at `listen` answers whenever the relay runs",
  noAnswer: (url: string, ms: number) => `Not ready: no answer from ${url} within ${forms.duration(ms)}`,
  startHint: "start the relay with `relay serve`",
  isReady: "ready",
};

/** `relay events`: the list, and the story of one event. */
const events = {
  description: "list events, newest first; or show the whole story of one",
  id: "show this event, or the event of this delivery; the first 8 characters are enough",
  type: "only events of this type, such as note.failed or note.*",
  state: "only events in this state, or with a delivery in it",
  target: "only events with a delivery to this target",
  since: "only events newer than this: a duration, such as 2h, or a date",
  text: "only events whose body contains this text, such as a note's id",
  limit: "show this many at most",
  follow: "then show each new event, and each attempt to deliver it, until Ctrl-C (exit 130)",
  help: "\nWith --follow --json, each line is an event; it comes again whenever one of its deliveries changes." +
    "\nA date or time is in the config's time zone, unless it names another one." +
    "\nExit: 1 if there is no event with this id.",
  limitRange: "expected a whole number from 1 to 9999999",
  followAlone: "Cannot follow an event: --follow cannot be used with an id",
  followState: "Cannot follow events: with --follow, --state can be accepted or unrouted",
  followStateHint: "each attempt to deliver a new event is shown in any case",
  inFlight: "Only the running relay knows what is being sent: see its pages or API. Here it is listed as pending",
  noMatch: "No event matches",
  noneYet: "No event has come in yet",
  last: (count: number) => `the last ${forms.number(count)}; --limit shows more`,
  searching: (before: number, found: number) =>
    `searched back to event ${forms.number(before)}, ${forms.count(found, { one: "event", other: "events" })} found`,
  columns: { received: "Received", id: "Id", type: "Type", deliveries: "Deliveries" },
  unrouted: "unrouted",
  /** A delivery in short, of which the target and a mark stand before it. */
  next: (relative: string) => `next ${relative}`,
  notFound: (id: string) => `Cannot show "${id}": no event and no delivery has this id`,
  listHint: "`relay events` lists the events that are stored",
  story: {
    received: (time: string, source: string, secret: string) =>
      `Received on ${time} from ${source}; the signature is valid (${secret}).`,
    secret: (number: number, of: number | undefined) =>
      of === undefined ? `secret ${number}` : `secret ${number} of ${of}`,
    ownMade: (time: string) => `Made by relay itself on ${time}.`,
    route: (index: number, on: readonly string[]) => `routes[${index}] (${on.join(", ")})`,
    wentTo: (targets: readonly string[]) => `It went to ${forms.and(targets)}`,
    wentNowhere: "It went nowhere",
    wouldGoTo: (targets: readonly string[]) => `With the current config it would go to ${forms.and(targets)}`,
    wouldGoNowhere: "With the current config it would go nowhere",
    because: (what: string, routes: readonly string[]) =>
      `${what}, because ${forms.and(routes)} ${forms.plural(routes.length, { one: "matches", other: "match" })}.`,
    becauseFallback: (what: string) => `${what}, the fallback, because no route matches.`,
    becauseNothing: (what: string) => `${what}: no route matches, and there is no fallback.`,
    replayTo: (id: string) => `\`relay replay ${id} --to TARGET\` sends it to a target of your choice.`,
    problem: (text: string) => `A function of the config failed: ${text}.`,
    delivered: (target: string, time: string, attempt: number) =>
      `Delivered to ${target} ${time}, on attempt ${forms.number(attempt)}.`,
    /** What stands between two parts of a delivery's story. */
    to: (target: string) => `Delivery to ${target}:`,
    failed: (attempt: number, time: string, reason: string) =>
      `attempt ${forms.number(attempt)} failed ${time}: ${reason}.`,
    notArrived: (attempt: number, time: string, reason: string) =>
      `attempt ${
        forms.number(attempt)
      } was accepted, but a receipt said ${time} that the message did not arrive: ${reason}.`,
    untried: "not tried yet.",
    skipped: "not needed, because another step was enough.",
    triedAt: (time: string) => `The first attempt is ${time}.`,
    triedNow: "The first attempt is due now.",
    retriedAt: (time: string, left: number) => `The next attempt is ${time}; ${events.story.giveUp(left)}.`,
    retriedNow: (left: number) => `The next attempt is due now; ${events.story.giveUp(left)}.`,
    giveUp: (left: number) =>
      left === 1
        ? "if it fails, the delivery becomes a dead letter"
        : `after ${forms.number(left)} more failures, the delivery becomes a dead letter`,
    behind: "It waits for an earlier delivery with the same order key.",
    heldOpen: (time: string) => `The target is held after several failures in a row, and is tested ${time}.`,
    heldThrottled: (time: string) => `The target asked relay to wait: the delivery continues ${time}.`,
    heldQuiet: (time: string) => `The target has quiet hours: the delivery goes out ${time}.`,
    heldDigest: (time: string) => `The delivery goes out with the target's next digest, ${time}.`,
    heldPaused: (target: string) => `The target is paused: the delivery continues after \`relay resume ${target}\`.`,
    heldOrphaned: "The config does not have this target; the delivery waits until it does.",
    inFlight: (attempt: number) => `attempt ${forms.number(attempt)} is being made now.`,
    dead: (id: string) => `It is a dead letter: it is not tried again unless you run \`relay retry ${id}\`.`,
    notRunning: "No relay is running, so nothing is delivered until one starts: `relay serve`.",
  },
  facts: {
    id: "Id",
    received: "Received",
    source: "Source",
    state: "State",
    note: "Note",
    reference: "Reference",
  },
  own: "relay itself",
  states: { accepted: "accepted", unrouted: "unrouted" },
  headers: "Headers",
  payload: (bytes: number) => `Payload, ${forms.count(bytes, { one: "byte", other: "bytes" })}`,
  payloadMore: "… and more: --json gives all of it",
  noteFetched: (time: string) => `Note, fetched ${time}`,
  noteFailed: (time: string) => `Note, could not be fetched ${time}`,
  routes: "Routes of the current config",
  deliveries: "Deliveries",
  none: "none",
  /** A route's place in the config; "yes" if it matches. */
  yes: "yes",
  no: "no",
};

/** `relay retry`, `replay`, `pause` and `resume`; ids, `--since` and the store, for all verbs. */
const operate = {
  besideMistakes: "a running relay keeps its previous config: `relay status` and its pages work meanwhile",
  since: {
    expected: 'expected a duration, such as "7d" or "12h", or a date such as "2026-01-31"',
    future: "it is in the future",
  },
  ids: {
    tooShort: (text: string) => `Cannot use the id "${text}": it has fewer than 8 characters`,
    notAnId: (text: string) => `Cannot use "${text}" as an id: it has characters other than 0 to 9, a to f and dashes`,
    tooLong: (text: string) => `Cannot use the id "${text}": it has more characters than an id`,
    unknown: (text: string) => `Cannot find "${text}": no event and no delivery has an id that begins like this`,
    ambiguous: (text: string) => `Cannot choose an id: more than one begins with "${text}"`,
    choose: "give more of its characters:",
    more: "… and more",
    list: "`relay events` shows the ids of events",
  },
  store: {
    cannotRead: (place: string, why: string) => `Cannot read the store ${place}: ${why}`,
    missing: "there is none yet",
    start: "start `relay serve`",
    forbidden: "this user may not look there",
    asRoot: "run this as root, or as the user of the service",
    /** What is done with a store, for an error that goes on with why it cannot be. */
    unknownTarget: (verb: string, name: string, known: readonly string[], near?: string) =>
      `Cannot ${verb}: there is no target "${name}"; ${
        known.length === 0 ? "the config has none" : `the targets are ${forms.and(known.map((one) => `"${one}"`))}`
      }${near ? `; did you mean "${near}"?` : ""}`,
  },
  verbs: {
    pause: "pause",
    resume: "resume",
    retry: "retry",
    replay: "replay",
    list: "list events",
    sendTest: "send a test message",
  },
  wrongUsage: (verb: string, why: string) => `Cannot ${verb}: ${why}`,
  seeHelp: (verb: string) => `see \`relay ${verb} --help\``,
  stopping: "stopping after this step",
  confirm: (question: string) => `${question} [y/N] `,
  declined: "Nothing was changed",
  notConfirmed: "Not confirmed: nothing was changed",
  target: "name of the target",
  deliveries: (count: number) => forms.count(count, { one: "delivery", other: "deliveries" }),
  events: (count: number) => forms.count(count, { one: "event", other: "events" }),
  notFound: (id: string) => `Not found: no event and no delivery has the id ${id}`,
  retry: {
    description: "retry dead or waiting deliveries now, with a new set of attempts",
    ids: "deliveries, or events: all of their deliveries that are dead or waiting; the first 8 characters are enough",
    dead: "retry every dead letter",
    target: "with --dead: only those to this target",
    reason: "with --dead: only those that failed for this reason",
    since: "with --dead: only of events newer than this: a duration, such as 2h, or a date",
    yes: "with --dead: do not ask for confirmation; it never asks where there is no terminal",
    help:
      "\nA delivery keeps its id. Deliveries that are delivered or being sent are left alone; `relay replay` sends an event again." +
      "\nExit: 0 if something is retried, 1 if nothing is, 130 after Ctrl-C; what was done by then stays done.",
    deadAndIds: "--dead cannot be used with ids",
    nothingGiven: "give an id or --dead",
    onlyWithDead: "--target, --reason and --since work only with --dead",
    done: (count: number) => `Retrying ${operate.deliveries(count)}`,
    doneTo: (count: number, names: readonly string[]) => `Retrying ${operate.deliveries(count)}: ${names.join(", ")}`,
    delivery: (target: string, id: string) => `${target} (${id})`,
    untouched: (delivery: string, state: string) => `Left alone: ${delivery} ${state}`,
    states: {
      delivered: "is delivered",
      in_flight: "is being sent",
      pending: "is waiting",
      dead: "is dead",
      skipped: "was not needed",
    },
    nothing: "Nothing is retried; `relay replay` sends an event again",
    nothingDead: "Nothing is retried: there is no such dead letter",
    question: (count: number, groups: readonly string[]) =>
      `Retry ${forms.count(count, { one: "dead letter", other: "dead letters" })} (${groups.join(", ")})?`,
    group: (target: string, reason: string, count: number) => `${target}, ${reason}: ${forms.number(count)}`,
    progress: (done: number, all: number) => `retrying: ${forms.number(done)} of ${forms.number(all)}, Ctrl-C stops`,
    interrupted: (count: number) =>
      `Stopped after retrying ${operate.deliveries(count)}; run the same command again for the rest`,
  },
  replay: {
    description: "route stored events again with the current config, as new deliveries",
    ids: "events, or deliveries for their events; the first 8 characters are enough",
    since: "every event newer than this: a duration, such as 2h, or a date",
    type: "with --since: only events of this type, such as note.failed or note.*",
    to: "send them to this target alone, whether or not a route names it",
    yes: "with --since: do not ask for confirmation; it never asks where there is no terminal",
    help:
      "\nEach delivery is a new one with its own id, so a receiver cannot tell that it is a repeat. To try failed deliveries again, use `relay retry`." +
      "\nA date or time is in the config's time zone, unless it names another one." +
      "\nExit: 0 if events were replayed, 1 if none was, 130 after Ctrl-C; what was done by then stays done.",
    sinceAndIds: "--since cannot be used with ids",
    nothingGiven: "give an id or --since",
    onlyWithSince: "--type works only with --since",
    question: (events: number, isMore: boolean, time: string) =>
      `Replay ${isMore ? "more than " : ""}${operate.events(events)} since ${time} with the current config?`,
    questionTo: (events: number, isMore: boolean, time: string, target: string) =>
      `Replay ${isMore ? "more than " : ""}${operate.events(events)} since ${time} to ${target}?`,
    progress: (done: number, all: number, isMore: boolean) =>
      `replaying: ${forms.number(done)} of ${isMore ? "more than " : ""}${operate.events(all)}, Ctrl-C stops`,
    done: (events: number, deliveries: number) =>
      `Replaying ${operate.events(events)} as ${
        forms.count(deliveries, { one: "new delivery", other: "new deliveries" })
      }`,
    interrupted: (done: string, time: string) => `${done}, then stopped; go on with --since ${time}`,
    nothing: "Nothing is replayed",
    nothingFits: "Nothing is replayed: no such event has come in",
    unrouted: (count: number) =>
      `${
        forms.count(count, { one: "event goes", other: "events go" })
      } nowhere with the current config; --to names a target`,
  },
  pause: {
    description: "hold a target's deliveries until `relay resume`; new events still come in and wait",
    help: "\nAttempts that are being made are not cut off. A pause outlasts a restart.",
    done: (target: string, waiting: number) =>
      `${target} is paused: ${operate.pause.waiting(waiting)} until \`relay resume ${target}\``,
    already: (target: string, waiting: number) =>
      `${target} was already paused: ${operate.pause.waiting(waiting)} until \`relay resume ${target}\``,
    waiting: (count: number) => forms.count(count, { one: "delivery waits", other: "deliveries wait" }),
  },
  resume: {
    description: "resume the deliveries that `relay pause` holds",
    done: (target: string, waiting: number) =>
      `${target} is resumed: ${
        forms.count(waiting, { one: "waiting delivery goes out", other: "waiting deliveries go out" })
      }`,
    notPaused: (target: string) => `${target} was not paused`,
  },
};

/** `relay send`, `sign`, `verify`. */
const send = {
  about: "send a sample event to the running relay, signed as its sender would sign it",
  options: {
    event: "type of the event (default: note.completed)",
    data: "send the bytes of this file instead of a sample; - reads standard input",
    url: "where to post (default: this config's listener, on this machine)",
    to: "send a test message to this target only, past the routes",
    wait: "follow the deliveries, attempt by attempt, for up to 60 seconds",
  },
  help: (samples: readonly string[]) => `
Samples: ${samples.join(", ")}
Each sample is a new event, with an id of its own.

Exit: 0 if the relay answered 200, 1 if not. With --wait: 0 if every delivery reached its target, 1 if one failed for good or is still waiting after 60 seconds. With --to: 0 if the first attempt reached the target. 130 after Ctrl-C.`,
  event: {
    goesTo: (id: string, targets: readonly string[]) => `Event ${id} goes to ${forms.and(targets)}`,
    duplicate: (id: string, targets: readonly string[]) =>
      `Event ${id} is stored already, and nothing is sent again` +
      (targets.length > 0 ? `; it went to ${forms.and(targets)}` : ""),
    unrouted: (id: string) => `Event ${id} matches no route: it is stored and goes to no target`,
  },
  /** Why the event's id and targets are not printed. */
  unknown: {
    elsewhere: "The relay at this URL keeps its events on another machine, so their ids and targets are not known here",
    notStored: (store: string) => `The event is not in ${store}: the relay that answered uses another store`,
    noStore: (problem: string) => `The event's id and targets are not known: ${problem}`,
  },
  otherSecret: "If the secret in the config or in .env has changed, the running relay does not know it yet: reload it",
  otherCertificate:
    "The relay presents a different certificate from the one in the config; reload it to use the config's",
  follow: {
    delivered: (target: string, attempt: number, took: string) => `${target}: attempt ${attempt} delivered in ${took}`,
    failed: (target: string, attempt: number, reason: string) => `${target}: attempt ${attempt} failed: ${reason}`,
    dead: (target: string, attempt: number, reason: string) =>
      `${target}: attempt ${attempt} failed for good: ${reason}`,
    nextIn: (time: string) => `next attempt in ${time}`,
    nextNow: "next attempt now",
    /** While it waits, on one line that is then taken away. */
    waiting: (deliveries: number) =>
      `waiting for ${forms.count(deliveries, { one: "delivery", other: "deliveries" })}, Ctrl-C stops`,
    late: (time: string, targets: readonly string[]) => `Still waiting after ${time}: ${forms.and(targets)}`,
    unconfirmed: (receipt: string) => `${receipt}, and no word yet that it arrived`,
    seeStatus: "`relay status` shows whether the relay runs, and the state of each target",
    seeEvent: (id: string) => `\`relay events ${id}\` shows the whole story`,
  },
  /** `relay send --to`. */
  test: {
    cannot: (problem: string) => `Cannot send a test message: ${problem}`,
    toAlone: "--to cannot be used with an event, --data or --url",
    toAloneHint: "leave out --to to send an event through the routes",
  },
  post: {
    notUrl: (url: string) => `Cannot post to "${url}": expected a URL that starts with http:// or https://`,
    noAnswer: (url: string, time: string) => `Cannot post to ${url}: no answer within ${time}`,
    seeProxy: "check `http_proxy`, `https_proxy` and `no_proxy` in the environment",
    seeTls: "the server does not speak HTTPS, or has a certificate that no sender would trust",
    seeScheme: "if the server speaks HTTPS, start the URL with https://",
    start: "start the relay with `relay serve`, or give another --url",
  },
  sign: {
    about: "print the signature header for these bytes",
    file: "file to sign; - reads standard input",
  },
  verify: {
    about: "check a signature, and say what is wrong with it",
    file: "file with the signed bytes; - reads standard input",
    signature: "value of the signature header",
    help: "\nExit: 0 if the signature is valid, 1 if not.",
    good: "The signature is valid.",
    bad: "The signature is not valid.",
  },
  /** What `relay verify` finds out about a signature; each is a sentence. */
  explain: {
    bySecret: (source: string) => `It was made with the secret of source "${source}".`,
    bySecretOf: (number: number, count: number, source: string) =>
      `It was made with secret ${number} of ${count} of source "${source}".`,
    noPrefixAccepted: (prefix: string) => `It has no "${prefix}" before the digest, which is accepted.`,
    noPrefix: (prefix: string) => `It has no "${prefix}" before the digest.`,
    otherPrefix: (given: string, prefix: string) => `It begins with "${given}", not with "${prefix}".`,
    empty: "It is empty.",
    isHex: "The digest seems to be hex; it must be base64.",
    isBase64: "The digest seems to be base64; it must be hex.",
    notBase64: (length: number) => `The digest must be ${length} characters of base64.`,
    notHex: "The digest has characters that are not hex digits.",
    hexLength: (given: number, length: number) =>
      `The digest has ${forms.count(given, { one: "hex digit", other: "hex digits" })}; it must have ${length}.`,
    /** @param algorithm Empty where it is the source's own. @param source Empty where the secret is the source's own. */
    madeOver: ({ algorithm, source, change }: { algorithm: string; source: string; change: string }) =>
      `It was made${algorithm && ` by ${algorithm}`}` +
      (source ? ` with a secret of source "${source}"` : change ? " over other bytes" : " over these bytes") +
      (change ? `: ${change}` : source || algorithm ? "" : ", but it is written in another form") + ".",
    fitsNone: "It fits no secret in the config, neither over these bytes nor with a usual change to them. " +
      "Compare the secret with the sender's, and check that these are exactly the bytes that were received.",
    /** How the bytes that were signed differ from these. */
    changes: {
      markBefore: "with a byte order mark before them",
      noMark: "without the byte order mark before them",
      lineEnd: "with a line end after them",
      crLf: "with a line end (CR LF) after them",
      noLineEnd: "without the line end after them",
      lf: "with the line ends LF in place of CR LF",
      crLfs: "with the line ends CR LF in place of LF",
      trimmed: "without white space at their ends",
      rewritten: "the JSON was read and written again, which changes its bytes",
      rewrittenLineEnd: "the JSON was read and written again, with a line end after it",
    },
  },
};

/** `relay routes`. */
const routes = {
  about: "show where an event would go, and why; sends nothing",
  options: {
    event: "type of the event",
    data: "use the event in this file instead of a sample; - reads standard input; a `note` in it is the note in full",
    render: "show the message that each target would get",
    html: "with --render: show the HTML of emails instead of their text",
  },
  htmlAlone: "--html works only with --render",
  cannotRead: (problem: string) => `Cannot read the event: ${problem}`,
  goesTo: (event: string, targets: string) => `${event} goes to ${targets}`,
  nowhere: "no target: it is stored as unrouted",
  fallback: "the fallback, since no route matches",
  fields: { subject: "Subject", text: "Text", html: "HTML", body: "Body", blocks: "Blocks" } as Record<string, string>,
};

/** `relay serve`, whose log is English. */
const serve = {
  about: "receive events and deliver them",
  debug: "log headers and bodies too, with secrets and signatures masked",
  help: "SIGTERM finishes the attempts in flight and exits 0. SIGHUP loads the config again.",
};

/** `relay test` and `relay diff`. */
const fixtures = {
  cannotRead: (mistakes: number) =>
    `Cannot read the fixtures: ${forms.count(mistakes, { one: "mistake", other: "mistakes" })}`,
  seeHelp: "`relay test --help` describes them",
  /** What stands after "expected". */
  expected: {
    name: "a text that is not empty",
    message: (asReceived: string) => `an object with the fields to compare, or "${asReceived}"`,
    targets: (unrouted: string) => `at least one target; for none, write "expect": "${unrouted}"`,
    parts: '"targets", "messages", or both',
    expect: (unrouted: string) => `{ "targets": […], "messages": { … } }, or "${unrouted}"`,
    event: 'the payload: an object with a text "event"',
    note: "the note as ConnectVets' API returns it: an object",
    time: (example: string) => `a time such as "${example}"`,
  },
  test: {
    about: "test the config against fixtures: events, and what should happen to them; sends nothing",
    files: "fixture files, or folders of them",
    record: "print a fixture of this stored event, with what the config does with it now",
    out: "with --record: write the fixture to this new file",
    help: `
A fixture is an event and what you expect the config to do with it. A file holds one fixture or a list of fixtures, as JSON; in a folder, every *.json file is read.

  {
    "name": "a failed note calls the night shift",
    "event": {
      "event": "note.failed",
      "timestamp": "2026-01-31T02:10:00Z",
      "data": { "note_id": "N1", "status": "failed" }
    },
    "expect": {
      "targets": ["plantao", "sistema"],
      "messages": {
        "plantao": { "text": "Nota N1: note.failed" },
        "sistema": "as received"
      }
    }
  }

  event       the payload
  expect      "unrouted", or one or both of:
    targets   all targets that it goes to, in any order
    messages  for any target, the fields to compare, each as a whole;
              \`relay routes --render --json\` shows them. "as received" means
              that an HTTP target gets the event itself
  name        optional: a name for the fixture
  note        optional: the note in full, as ConnectVets' API returns it, for
              messages with \`enrich\`
  source      optional: the source that receives it
  receivedAt  optional: when it is received, in ISO 8601; default
              2026-01-01T00:00:00Z. A default message shows this time if the
              event has no "timestamp"

A fixture fails if a message cannot be made. A message is the same whenever and wherever you test it, unless a function in the config reads the clock; in that case, compare other fields. Secrets of the config appear as "[secret]".

--json: { passed, failed, fixtures: [{ file, name, event, ok, targets, differences: [{ path, expected, actual, problem }], problems }], unhit: { routes: [{ index, on, to }], fallback } }; \`unhit\` lists the routes that no fixture matches. With --record it prints the fixture; with --out as well, { file, problems }.

Exit: 0 if all passed, 1 if some failed or there is nothing to record, 2 if the fixtures cannot be read, 78 if the config is not valid.`,
    cannot: (problem: string) => `Cannot test: ${problem}`,
    seeHelp: "see `relay test --help`",
    recordAlone: "--record takes no fixture files; name the file to write with --out",
    noFiles: "name fixture files to test, or use --record",
    outAlone: "--out works only with --record",
    noTarget: "no target",
    anythingElse: "anything else",
    unhit: "Routes that no fixture matches",
    passed: (count: number) => `${forms.number(count)} passed`,
    failed: (count: number) => `${forms.number(count)} failed`,
    legend: "(- expected, + actual)",
    wrote: (file: string) => `Wrote ${file}`,
    noSuchId: (id: string) => `Cannot record ${id}: no event or delivery has this id`,
    systemEvent: (id: string) => `Cannot record ${id}: it is a system event, which no route applies to`,
    maskedSecret: "The event contains a secret of this config; the fixture contains a mask instead",
    nothingSent: (target: string) => `nothing is sent to "${target}"`,
  },
  /** What is wrong with a fixture, or with its file. */
  mistakes: {
    noFiles: "this folder has no *.json file",
    notJson: (problem: string) => `this is not JSON: ${problem}`,
    none: "this file has no fixture",
  },
  cannotWrite: (file: string, problem: string) => `Cannot write ${file}: ${problem}`,
  fileExists: "this file exists already",
  otherOut: "choose another name for --out",
  diff: {
    about: "show which stored events another config would send elsewhere",
    config: "the other config, such as new.config.ts",
    since: "events newer than this: a duration, such as 7d, or a date",
    type: "only events of this type, such as note.failed or note.*",
    all: "print a line for each event too",
    help: `
Routes stored events by both configs. It changes nothing and sends nothing. Each config reads the .env beside it.

An event goes elsewhere if its targets differ, or if one of its targets has moved: another kind, address or URL.

--json: { events: [{ id, receivedAt, type, from, to, moved, problem }], checked, changed, interrupted, groups: [{ type, from, to, moved, problem, count, example }], targets: [{ name, from, to }] }. \`from\` and \`to\` are lists of targets, empty for an unrouted event; \`moved\` lists the targets that have moved, described in \`targets\`; \`problem\` is the error that a \`when\` of the new config threw.

Exit, as diff(1): 0 if nothing goes elsewhere, 1 if something does, 2 on trouble, 78 if a config is not valid, 130 after Ctrl-C.`,
    progress: (checked: number, changed: number) =>
      `compared ${forms.count(checked, { one: "event", other: "events" })}, ${
        forms.number(changed)
      } would go elsewhere; Ctrl-C stops`,
    suchAs: (id: string) => `such as ${id}`,
    moved: (target: string) => `${target} (moved)`,
    movedTo: (target: string, from: string, to: string) => `${target} has moved from ${from} to ${to}`,
    movedUrl: (target: string, place: string) => `${target} has moved to another URL at ${place}`,
    noTarget: "no target",
    total: (changed: string, checked: number) =>
      `${changed} of ${forms.count(checked, { one: "event", other: "events" })} would go elsewhere`,
  },
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
  endedOutside: "the copying process was ended by another program",
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
  ${config}  the config; \`relay init\` makes one if needed
  ${store}  the store
  ${unit}  the unit

Make your own changes to the unit with \`${edit}\`.`,
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

  relay metrics --alerts > relay.rules.yml
    then name the file under \`rule_files\` in prometheus.yml
  relay metrics --grafana > relay.json
    then import it: Dashboards, New, Import`,
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
    beginSteps: "begin the next steps of chains",
    postponeDeliveries: "put deliveries off",
    bringForward: "reschedule deliveries after a change of the clock",
    recordUnderway: "record what is in flight",
    joinRelays: "join the other relays",
    meetRelays: "reach the other relays",
    retryDeliveries: "retry deliveries",
    replayEvents: "replay events",
    pauseTarget: "pause a target",
    resumeTarget: "resume a target",
    recordReceipts: "record receipts",
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
      problem: "the file is read-only",
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
      hint: "check the path, and that its folder exists; if the store was moved, put it back",
    },
  },
  notOrdinary: (path: string) => `${path} is not a regular file`,
  /** @param found What SQLite says is wrong. */
  corrupt: (found: string) => `it is corrupt: ${found}`,
  notStore: "it is not a relay store",
  newer: (version: number, known: number) =>
    `it was written by a newer relay (schema ${version}; this relay knows up to ${known})`,
  installNewer: "install the newer relay",
  installNewerOrRestore: "install the newer relay again, or restore a backup from before the upgrade",
  otherProgram: "it is the database of another program",
  nameOtherFile: "name another file as `store` in the config",
  served: "another relay serves it",
  stopRelay: "stop that relay first; `relay status` shows its process id",
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
  slackUrl: 'a URL that starts with "https://", such as env("SLACK_WEBHOOK_URL")',
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
  receiptSecret: "a long random text of letters, digits, and the signs . _ ~ -",
  telegramToken: 'the token of a bot, such as env("TELEGRAM_TOKEN"): 123456:ABC…',
  telegramChat: 'the number of a chat, such as -1001234567890, or the name of a public channel, such as "@clinica"',
  discordUrl: 'a URL that starts with "https://", such as env("DISCORD_WEBHOOK_URL")',
  discordThread: 'the number of a thread, as a text, such as "1093182042112356352"',
  discordUsername: 'a name of at most 80 characters, without "discord" or "clyde" in it',
  teamsUrl: 'a URL that starts with "https://", such as env("TEAMS_WEBHOOK_URL")',
  googleChatUrl: 'a URL that starts with "https://", such as env("GOOGLE_CHAT_WEBHOOK_URL")',
  ntfyTopic: 'a topic of at most 64 letters, digits, - and _, such as "clinica-plantao"',
  ntfyToken: 'an access token, such as env("NTFY_TOKEN"): tk_…, or "user:password"',
  ntfyPriority: "a priority from 1 (lowest) to 5 (highest)",
  ntfyTags: 'a list of tags, such as ["hospital"]',
  /** @param gateways Functions of gateways to WhatsApp, joined. */
  whatsappVia: (gateways: string) => `one of ${gateways}`,
  whatsappRecipient: 'a number such as "+5531999998888", or a business-scoped id such as "BR.13491208655302741918"',
  whatsappInstance: 'the name or id of an instance, such as "clinica"',
  phoneNumberId: 'the id of the sending number, only digits, which WhatsApp Manager shows, such as "105512345678901"',
  graphVersion: 'a version of the Graph API, such as "v25.0"',
  templateName: 'the name of a template, such as "nota_falhou"',
  templateLanguage: 'a language as WhatsApp writes it, such as "pt_BR"',
  templateParameters: "a list or an object of texts and numbers, or a function that returns one",
  templateValue: "a text, a number, or a function such as (event) => event.data.note_id",
  templateButton: 'an object such as { url: "…" } or { payload: "…" }',
  apiKey: 'a key without spaces, such as env("API_KEY")',
  plainUrl: "a URL without a login, a query or a fragment",
  domain: 'a domain such as "mg.clinica.example"',
  messageText: "a text that is not empty, or a function such as (event) => `Note ${event.data.note_id}`",
  blocks: "a list of Slack blocks, or a function that returns one",
  retry: 'a list of pauses such as ["5s", "1m"], "none", or { schedule, jitter }',
  circuit: 'false, or { failures, pause }, such as { failures: 5, pause: "60s" }',
  timeZone: 'an IANA time zone such as "America/Sao_Paulo"',
  clockTime: 'a time of day such as "07:00" or "20:30"',
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
  targetNames: "the name of a target, a list of names, or `firstOf([…])`",
  targetNameOrChain: "the name of a target, or `firstOf([…])`",
  chainNames: "at least two names of targets, none of them twice",
  atMostDays: (days: number) => `at most ${days} days`,
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
    secret: "another text",
    /** A URL that is not shown. */
    scheme: (scheme: string) => `a text that starts with "${scheme}"`,
    noScheme: 'a text without "://"',
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
    reason: (name: string) => `unknown reason "${name}"`,
    export: (name: string) => `"relay" has no export "${name}"`,
  },
  /** The names that are known; `names` is empty if there are none. */
  known: {
    option: (names: string) => names ? `known options are ${names}` : "it takes no options",
    target: (names: string) => names ? `known targets are ${names}` : "there are no targets",
    source: (names: string) => names ? `known sources are ${names}` : "there are no sources",
    reason: (names: string) => `known reasons are ${names}`,
    export: (names: string) => `it exports ${names}`,
  },
  systemSource: 'is reserved for system events, such as alarms; choose another name, such as "connectvets"',
  receiptsDiffer: (path: string) =>
    `is ${path}, as that of another target, with other secrets; targets of one app share all of \`receipts\`, others need a path each`,
  receiptsOnlyWithCloud: "is only for whatsappCloud(): evolution() and zapi() sign nothing, and take `secret`",
  receiptsOnlyWithToken: "is only for evolution() and zapi(): whatsappCloud() takes `appSecret` and `verifyToken`",
  recipientName: "is reserved for a recipient of a target; choose a name without a slash",
  namedTwice: (target: string) => `"${target}" is in a \`firstOf\` and named once more in this route`,
  noSuchField: (field: string) => `has no effect: none of the route's targets sends a ${field}`,
  pathTaken: (path: string, source: string) => `"${path}" is already the path of source "${source}"`,
  onlyWithServer: "applies only where `via` is the URL of a mail server",
  onlyWithCloud: "applies only where `via` is whatsappCloud()",
  scopedIdOnlyWithCloud: "has a business-scoped id, which only whatsappCloud() can send to; expected a number",
  pathOfHealth: '"/healthz" is reserved for the health check',
  quietAllDay: "is the same as `from`: that would be all day; to stop deliveries, use `relay pause`",
  samePort: (port: number) => `is ${port}, the port of \`listen\` as well; give each a port of its own`,
  tokenMissing: (host: string) => `is missing; "${host}" can be reached from other machines`,
  refersToItself: "refers to itself",
  tooDeep: "is nested too deeply",
  secrets: {
    notSet: (name: string) => `${name} is not set`,
    setIt: "set it in the environment, or in the file .env next to the config",
    setOther: (near: string) => `${near} is set: if that is meant, correct the name`,
    empty: (name: string) => `${name} is empty`,
    noFile: (path: string) => `the file ${path} does not exist`,
    /** @param code Of the system, such as EACCES. */
    unreadable: (path: string, code: string) => `cannot read ${path} (${code})`,
    notUtf8: (path: string) => `cannot read ${path}: it is not UTF-8 text`,
    inText: (name: string) => `Cannot put ${name} into a text`,
    inTextHint: (name: string) => `store the whole text in one variable, and use ${name} alone`,
  },
  file: {
    missing: "the file does not exist",
    missingHint: "`relay init` creates one; if you have one in another folder, name it: --config FILE",
    folder: "is a folder, not a file",
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
    quoteIt: (name: string) => `if a text is meant, put it in quotes: "${name}"`,
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
const outcomes = {
  receipts: {
    notJson: "The body is not a JSON object",
    noChallenge: "The challenge is missing, or no plain text",
    failed: (name: string, code?: number | string) =>
      code === undefined
        ? `Accepted, but not delivered (${name})`
        : `Accepted, but not delivered: error ${code} (${name})`,
  },
  answered: {
    target: (status: number) => `The target answered ${status}`,
    connectVets: (status: number) => `ConnectVets' API answered ${status}`,
    mailServer: (status: number) => `The mail server answered ${status}`,
    vendor: (name: string, code: number | string) => `Error ${code} (${name})`,
    notTaken: (status: number) => `The provider answered ${status}, but did not confirm that it took the message`,
  },
  noAnswer: (place: string, ms: number) => `No answer from ${place} within ${forms.duration(ms)}`,
  cannotReach: (place: string, why: string) => `Cannot reach ${place}: ${why}`,
  cannotDeliver: (why: string) => `Cannot deliver: ${why}`,
  crashed: (times: number) =>
    `The relay crashed ${forms.count(times, { one: "time", other: "times in a row" })} during this delivery`,
  /** What a status means, where the number does not say it. */
  meaning: {
    redirected: "relay does not follow redirects",
    keyInvalid: "the `key` in `enrich` is not valid: fix it, or `sandbox`, then retry",
    keyForbidden: "the `key` in `enrich` may not read this note: fix it, or `sandbox`, then retry",
    noteUnknown: "there is no such note: it may have been deleted, or `sandbox` in `enrich` is wrong",
  },
  /** Why a place cannot be reached. */
  network: {
    refused: "nothing accepts connections there",
    cut: "the connection was cut",
    unknownHost: "the host name does not exist",
    dnsSilent: "the DNS server did not answer",
    dnsFailed: "the host name could not be resolved",
    timedOut: "the connection timed out",
    tlsFailed: "the TLS handshake failed",
    noTls: "the server offers no TLS connection that can be trusted",
    notInProtocol: "its answer does not follow the protocol",
    endless: "its answer does not end",
    notHttp: "its answer is not HTTP",
    onlyInforms: "it announces an answer (1xx) that never comes",
    endlessHead: "the headers of its answer do not end",
    failed: "the network failed",
    /** A failure with the code that the system gives it. */
    coded: (failure: string, code: string) => `${failure} (${code})`,
  },
  proxy: {
    notHttp: "the proxy in the environment is not an http:// or https:// URL",
    unreachable: (place: string, why: string) => `the proxy at ${place} cannot be reached (${why})`,
    noTunnel: (place: string, why: string) => `the proxy at ${place} does not connect to it (${why})`,
    refused: (place: string, status: number) => `the proxy at ${place} refuses to connect to it (${status})`,
    wrongLogin: (place: string) => `the proxy at ${place} does not accept the login in its URL (407)`,
    noLogin: (place: string) => `the proxy at ${place} asks for a login, and its URL has none (407)`,
  },
  email: {
    /** @param addresses Each in quotes. */
    noUtf8: (addresses: string[], place: string) =>
      `Cannot use ${
        forms.and(addresses)
      } at ${place}: the server does not support SMTPUTF8, so only ASCII characters ` +
      "are allowed before the @; use another address, or another server",
  },
  script: {
    exited: (code: number) => `The script exited with code ${code}`,
    ended: (signal: string) => `The script was ended by ${signal}`,
    cannotRun: (program: string, why: string) => `Cannot run ${program}: ${why}`,
    /** Why the system starts no program, by its code. */
    system: {
      E2BIG: "its arguments and environment are too long",
      EAGAIN: "the system allows no more processes",
      EMFILE: "the relay has no file descriptors left",
      ENFILE: "the system has no file descriptors left",
      ENOENT: "something that it needs to start is missing, such as the C library that it was built with",
      ENOEXEC: "the system does not know how to run it",
      ENOMEM: "the system is out of memory",
      ETXTBSY: "another program has it open for writing",
    },
  },
  note: {
    compressed: (coding: string) =>
      `ConnectVets' API answered 200, but compressed (${coding}), which relay did not ask for`,
    cut: "ConnectVets' API answered 200, but its answer was cut short",
    tooLarge: (bytes: number) => `The note is larger than ${forms.number(bytes)} bytes`,
    none: "ConnectVets' API answered 200, but without a note",
    other: "ConnectVets' API answered 200, but with another note",
    notJson: "ConnectVets' API answered 200, but not with JSON",
    unnamed: "The event names no note in `data.note_id` or `data.id`; `optional: true` in `enrich` allows that",
    /** @param time ISO 8601. */
    limited: (time: string) => `ConnectVets' API takes no request before ${time}`,
    noAccess: "The config no longer says where to fetch the note",
    /** Of a preview that has no note. */
    missing: "it needs the whole note, as `note` beside `event`",
  },
  /** Why the body of a request is no event. Senders are told so in English. */
  body: {
    empty: "The body is empty",
    notUtf8: "The body is not valid UTF-8",
    notJson: "The body is not valid JSON",
    notObject: "The body is not a JSON object",
    noEvent: 'The body has no string "event"',
  },
  /** What a function of the config did wrong: each goes on after the place of the function. */
  callback: {
    promise: "returns a promise; it must return the value itself",
    threw: (problem: string) => `threw: ${problem}`,
    noText: "returns no text",
  },
  /** Why a message cannot be made; `field` is `text`, `blocks` or another one of the config. */
  message: {
    cannotMake: (field: string, why: string) => `Cannot make the ${field}: ${why}`,
    itsFunction: (problem: string) => `its function ${problem}`,
    undefined: "its function returns undefined",
    emptyText: "its function returns an empty text",
    /** @param kind One of `kinds`. */
    notText: (kind: string) => `its function returns ${kind}, not a text`,
    notList: (kind: string) => `its function returns ${kind}, not a list`,
    /** Of a template's parameter, or of all of them; `kind` is one of `kinds`. */
    notTextOrNumber: (kind: string) => `expected a text or a number, got ${kind}`,
    notParameters: (kind: string) => `expected a list or an object, got ${kind}`,
    /** Of a value that JSON has no form for. */
    noJson: (kind: string) => `${kind} cannot be written as JSON`,
    notJson: (problem: string) => `it cannot be written as JSON: ${problem}`,
    tooDeep: "Cannot read the event: it is nested too deeply",
    /** What kind of value this is, by its type. */
    kinds: {
      null: "null",
      list: "a list",
      string: "a text",
      number: "a number",
      bigint: "a BigInt",
      boolean: "a boolean",
      symbol: "a symbol",
      undefined: "undefined",
      object: "an object",
      function: "a function",
    },
  },
};

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

/** What the admin listener refuses before it looks for a page. */
const admin = {
  otherHost: (host: string) =>
    `Cannot answer for the host "${host}": the listener is known by an IP address, as localhost, and by the config`,
  otherHostHint: "set `admin.publicUrl` in the config to the address under which you reach it",
  otherSite: "Cannot do what another site's page asks for",
  otherSiteHint: "open the page of the listener itself",
  unknownPage: "Cannot tell which page asks for this",
  unknownPageHint: "send `Authorization: Bearer` with the token",
  wrongTokens: (seconds: number) =>
    `Cannot look at the token: too many wrong ones; try again in ${forms.duration(seconds * 1000)}`,
  body: {
    too_large: (most: number) => `Cannot take a body of more than ${most} bytes`,
    cut: () => "Cannot read the body: it was cut short",
    late: () => "Cannot read the body: it did not arrive in time",
    encoded: () => "Cannot read a body that is encoded",
    no_room: () => "Cannot take the body now: too many others are coming in",
  },
};

export const en = {
  forms,
  messages,
  pages,
  admin,
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
