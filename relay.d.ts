// Types of the module "relay", for editors. Made from relay's source; do not edit.

declare module "relay" {
  interface Secret {
    /** Always throws: relay could not mask a secret that is part of another text. */
    toString(): never;
  }
  type SecretText = string | Secret;
  /**
   * The value of an environment variable, or of a line in `.env` beside the config. The environment wins.
   * A missing or empty value is a mistake in the config, unless there is a default.
   */
  export function env(name: string, options?: {
    default?: string;
  }): Secret;
  /** The content of a file, without the line end. A relative path is relative to the config's folder. */
  export function file(path: string): Secret;
  /**
   * A systemd credential, by its name in `LoadCredential=`. For a config in `/etc/NAME`, commands that root runs read the
   * credential of `NAME.service`.
   * @see https://www.freedesktop.org/software/systemd/man/latest/systemd.exec.html#Credentials
   */
  export function credential(name: string): Secret;
  interface NoteData<Status extends string> {
    note_id: string;
    status: Status;
    /** The clinic's own reference, if it has set one. */
    external_id?: string;
  }
  interface NoteEvent<Name extends string, Status extends string> {
    event: Name;
    /** ISO 8601, UTC. */
    timestamp: string;
    data: NoteData<Status>;
  }
  interface TranscriptionData<Status extends string> {
    id: string;
    /** The patient's name. */
    name?: string;
    transcription_status: Status;
    external_id?: string;
    /** ISO 8601, UTC. */
    created_at?: string;
  }
  interface TranscriptionEvent<Name extends string, Data> {
    event: Name;
    /** ISO 8601, UTC. */
    timestamp: string;
    /** The subscription that sent this event. It does not identify the event. */
    webhook_id?: string;
    data: Data;
  }
  /** Why a transcription failed. */
  export interface NoteError {
    code: string;
    message: string;
  }
  /** The events that ConnectVets documents, by name. */
  export interface KnownEvents {
    "note.processing": NoteEvent<"note.processing", "processing">;
    "note.completed": NoteEvent<"note.completed", "completed">;
    "note.failed": NoteEvent<"note.failed", "failed">;
    "note.transcription.completed": TranscriptionEvent<"note.transcription.completed", TranscriptionData<"completed"> & {
      completed_at?: string;
    }>;
    "note.transcription.failed": TranscriptionEvent<"note.transcription.failed", TranscriptionData<"failed"> & {
      failed_at?: string;
      error?: NoteError;
    }>;
  }
  type Locale = "pt-BR" | "en";
  interface NoteMetadata {
    key: string;
    value: string;
  }
  /** One section of a note: clinical text. */
  export interface NoteSection {
    id: string;
    title: string;
    label: string;
    content: string;
    /** Its position among the sections, from `"1"`. */
    order: string;
  }
  /**
   * A note in full. A text or list that the API leaves out is empty here.
   * @see GET /notes/{id} of ConnectVets' API
   */
  export interface Note {
    id: string;
    /** The patient's name. */
    name: string;
    gender?: string;
    audio_name?: string;
    audio_url?: string;
    transcription_status?: string;
    transcription_url?: string;
    /** The clinic's own reference, if it has set one. */
    external_id?: string;
    metadata: NoteMetadata[];
    /** ISO 8601, UTC. */
    created_at?: string;
    /** ISO 8601, UTC. */
    updated_at?: string;
    /** In the order of the note. */
    note_sections: NoteSection[];
  }
  interface ConnectvetsApiOptions {
    /** The API key, `cvn_live_…` or `cvn_test_…`. */
    key: SecretText;
    /** Asks the sandbox, with a `cvn_test_…` key. Default: `false`. */
    sandbox?: boolean;
    /**
     * `true` delivers without the note if the API does not give it: at once if there is none or the API refuses, after a
     * minute if the API fails or its limit is reached. Default: `false`, relay waits, tries again, and may give up.
     */
    optional?: boolean;
    /** Another address of the API, such as a proxy, or a server in your tests. */
    url?: string;
  }
  interface NoteApi<Optional extends boolean = boolean> extends ConnectvetsApiOptions {
    readonly api: "connectvets";
    readonly optional: Optional;
  }
  /** Asks the ConnectVets API for the note before a delivery. Functions of the message see it as `e.note`. */
  export function connectvetsApi(options: ConnectvetsApiOptions & {
    optional?: false;
  }): NoteApi<false>;
  export function connectvetsApi(options: ConnectvetsApiOptions): NoteApi<true>;
  type Noted<Api> = [
    Extract<Api, NoteApi>
  ] extends [
    never
  ] ? unknown : [
    Extract<Api, NoteApi>
  ] extends [
    NoteApi<false>
  ] ? {
    note: Note;
  } : {
    note?: Note;
  };
  /** An event that ConnectVets does not document, or that another sender sends. */
  export interface UnknownEvent {
    event: string;
    data: Record<string, unknown>;
    [field: string]: unknown;
  }
  /** Any event, with every documented field. Each one can be missing. */
  export interface AnyEvent {
    event: string;
    timestamp?: string;
    webhook_id?: string;
    data: {
      note_id?: string;
      id?: string;
      name?: string;
      status?: string;
      transcription_status?: string;
      external_id?: string;
      created_at?: string;
      completed_at?: string;
      failed_at?: string;
      error?: NoteError;
    };
  }
  type Split<Text extends string> = Text extends `${infer Head}.${infer Rest}` ? [
    Head,
    ...Split<Rest>
  ] : [
    Text
  ];
  type Part<Glob extends string> = Glob extends `${infer Head}*${infer Rest}` ? `${Head}${string}${Part<Rest>}` : Glob;
  type Matches<Globs extends readonly string[], Names extends readonly string[]> = Globs extends readonly [
    infer Glob extends string,
    ...infer Globs2 extends readonly string[]
  ] ? Glob extends "**" ? Matches<Globs2, Names> extends true ? true : Names extends readonly [
    string,
    ...infer Names2 extends readonly string[]
  ] ? Matches<Globs, Names2> : false : Names extends readonly [
    infer Name extends string,
    ...infer Names2 extends readonly string[]
  ] ? Name extends Part<Glob> ? Matches<Globs2, Names2> : false : false : Names extends readonly [
  ] ? true : false;
  type MatchingName<P extends string> = {
    [Name in keyof KnownEvents]: Matches<Split<P>, Split<Name>> extends true ? Name : never;
  }[keyof KnownEvents];
  /**
   * An event's name, or a pattern: `*` stands for a part between dots, or some of it; `**` for any number of parts.
   * Other names than the known ones are allowed.
   */
  export type Pattern = keyof KnownEvents | "note.*" | "note.transcription.*" | "**" | (string & Record<never, never>);
  /** The payload of events that match a pattern. */
  export type EventOf<P extends string> = P extends unknown ? PayloadOfOne<P> : never;
  type PayloadOfOne<P extends string> = string extends P ? AnyEvent : [
    MatchingName<P>
  ] extends [
    never
  ] ? UnknownEvent : KnownEvents[MatchingName<P>];
  type ChainUntil = "delivered" | "read";
  interface LocaleOptions {
    /** Language of this target's default message. Default: the config's `locale`. */
    locale?: Locale;
    /** IANA time zone of its times. Default: the config's `timeZone`. */
    timeZone?: string;
  }
  interface DefaultMessageOptions extends LocaleOptions {
    /**
     * `true` puts the text of the note's sections, which is clinical, into the default message of an event with `enrich`.
     * Default: `false`, only their titles.
     */
    includeNoteText?: boolean;
  }
  type Duration = number | `${number}${"ms" | "s" | "m" | "h" | "d"}`;
  type Size = number | `${number}${"b" | "kb" | "mb" | "gb"}`;
  interface Rate {
    /** The span of time. */
    per: Duration;
    /** How many times within it. */
    limit: number;
  }
  interface DigestOptions<Event = AnyEvent> {
    /** How often it goes out: `"15m"` at a quarter past, at half past and so on; `"1d"` at midnight. */
    every: Duration;
    /** Most events in a message; what is left goes out in another one right behind. At most 100. Default: 50. */
    max?: number;
    /**
     * Text of the message. Markup in the events' texts has no effect. Default: how many events of each kind, and a line for
     * each event.
     */
    text?: (events: readonly Event[]) => string;
  }
  type TextOption<Event = AnyEvent> = string | ((event: Event) => string);
  type Json = string | number | boolean | null | readonly Json[] | {
    readonly [key: string]: Json | undefined;
  };
  interface MessageOptions<Event = AnyEvent> {
    /** Text of a message to people: a chat, WhatsApp, ntfy or an email. Markup in the event's texts has no effect. */
    text?: TextOption<Event>;
    /** Blocks of a Slack message. @see https://docs.slack.dev/reference/block-kit/blocks */
    blocks?: readonly unknown[] | ((event: Event) => readonly unknown[]);
    /** Subject of an email. */
    subject?: TextOption<Event>;
    /** HTML of an email or a Telegram message. Texts of the event are escaped. */
    html?: TextOption<Event>;
    /** What an HTTP target sends, as JSON, in place of the bytes received. */
    body?: Json | ((event: Event) => unknown);
  }
  interface QuietOptions {
    /** When they begin, such as `"20:00"`. */
    from: string;
    /** When they end, such as `"07:00"`: on the next day if that is earlier than `from`. */
    to: string;
    /** IANA time zone of both. Default: the config's `timeZone`. */
    zone?: string;
    /** Events that go out all the same: names, or patterns such as `"note.*"`. */
    except?: readonly Pattern[];
  }
  type RetryOption = readonly Duration[] | "none" | {
    /** The pauses between attempts. */
    schedule: readonly Duration[];
    /** How much each pause varies at random: 0.2 is 20 % shorter or longer. Default: 0.2. */
    jitter?: number;
  };
  interface TargetOptions {
    /** How long one attempt can take. Default: `"15s"`. */
    timeout?: Duration;
    /** How many attempts run at the same time. Default: 8; `http()` without `rate` goes up to 64 while answers are fast. */
    concurrency?: number;
    /** How many attempts start within a span of time. Default: what a chat allows, 2 per second by Resend, else no limit. */
    rate?: Rate;
    /** Pauses between attempts, or `"none"` for one attempt. Default: 5 s, 30 s, 2 m, 10 m, 30 m, 2 h, 5 h, 10 h. */
    retry?: RetryOption;
    /**
     * Holds a target that keeps failing, then tries it with one delivery. Deliveries that wait use up no attempt.
     * `false` never holds it.
     */
    circuit?: false | {
      /** After how many failures in a row. Default: 5. */
      failures?: number;
      /** For how long. Default: `"60s"`. */
      pause?: Duration;
    };
    /** Returns a key. Deliveries with the same key go out one after another, in the order in which the events came in. */
    order?: (event: AnyEvent) => string;
  }
  interface EnrichOptions<Api extends NoteApi | undefined> {
    /** Asks the ConnectVets API for the note before the delivery, with `connectvetsApi()`. Functions see it as `e.note`. */
    enrich?: Api;
  }
  interface TargetDefinition {
    readonly target: object;
    readonly options: unknown;
  }
  interface SourceOptions {
    /** The path that receives the webhooks, such as `/webhook`. */
    path: string;
    /** The secret that signs them, or a list while you replace one: relay accepts each of them. */
    secret: SecretText | readonly SecretText[];
    /** Returns a key: events with the same key are one event. Default: the `id` of the body, or else its bytes. */
    dedupe?: (event: AnyEvent) => string;
    /** Largest body that relay accepts. Default: the config's `maxBody`. */
    maxBody?: Size;
    /** How many requests one client address can send. Default: the config's `rateLimit`. */
    rateLimit?: Rate;
  }
  interface SourceDefinition {
    readonly source: object;
    readonly options: unknown;
  }
  /** Targets that get an event one after the other, made by `firstOf()`. */
  export interface Chain<TargetName extends string = string> {
    readonly firstOf: readonly TargetName[];
    readonly within?: Duration;
    readonly until?: ChainUntil;
  }
  /** When `firstOf()` goes on to the next target. */
  export interface ChainOptions {
    /** How long each target has, at most 7 days. The next one also begins as soon as this one is dead. Default: `"10m"`. */
    within?: Duration;
    /**
     * What is enough, so that no further target is told. `"delivered"`: the target took it, or its receipt says delivered,
     * where it has receipts. `"read"`: its receipt says read. Default: `"delivered"`.
     */
    until?: ChainUntil;
  }
  /** Tells the first of these targets, and each next one only if those before it failed or took too long. */
  export function firstOf<const TargetName extends string>(targets: readonly [
    TargetName,
    TargetName,
    ...TargetName[]
  ], options?: ChainOptions): Chain<TargetName>;
  type Patterns = Pattern | readonly Pattern[];
  type PayloadOf<On extends Patterns> = EventOf<On extends readonly string[] ? On[number] : On & string>;
  type Given = Patterns | NoteApi;
  type PatternsOf<What> = Extract<What, Patterns>;
  /** Where matching events go. Every route that matches counts; a target of several routes gets the event once. */
  export interface Route<What extends Given = Given, TargetName extends string = string> extends MessageOptions<PayloadOf<PatternsOf<What>> & Noted<What>> {
    /** Which events: a name, a pattern, or a list of them. */
    on: What & Patterns;
    /** One target, or several. With `firstOf()`, one after the other, until one has the event. */
    to: TargetName | Chain<TargetName> | readonly (TargetName | Chain<TargetName>)[];
    /** A further condition. If it throws, the route does not match, and the event's story shows the error. */
    when?: (event: PayloadOf<PatternsOf<What>>) => boolean;
    /** Asks the ConnectVets API for the note before the delivery, with `connectvetsApi()`. Functions see it as `e.note`. */
    enrich?: What & NoteApi;
  }
  /** Tells a target when something goes wrong, and once more when it is over, across restarts. */
  export interface Alert<TargetName extends string = string> {
    /** When the alert begins. It ends when this is no longer so. */
    when: {
      /** At this number of dead letters or more, 1 to 1000. */
      dead: number;
    } | {
      /** When no event of this pattern comes in. */
      silent: Pattern;
      /** For how long, at most 30 days: since the last such event, or since relay first ran with this alert. */
      for: Duration;
    } | {
      /** At this number of refused requests or more, of all sources. Requests over `rateLimit` do not count. */
      refused: number;
      /** Within how long, 1 minute to 1 day. The alert ends when no request was refused for as long. */
      within: Duration;
    };
    /** The target to tell. It gets the default message, in its language; messages of routes are for events that come in. */
    to: TargetName;
  }
  /** A config: what comes in, where it can go, and what goes where. */
  export interface RelayConfig<Targets extends Record<string, TargetDefinition> = Record<string, TargetDefinition>, On extends readonly Given[] = readonly Given[]> {
    /** The public listener, which receives webhooks. */
    listen?: {
      /** The address to listen on. Default: `0.0.0.0`, every address of this machine. */
      host?: string;
      /** Default: 3000. */
      port?: number;
      /** Speaks HTTPS only, with TLS 1.2 or later. A reload reads both again. */
      tls?: {
        /** Path of a PEM file with the whole chain, relative to the config, or a secret. */
        cert: SecretText;
        /** Path of a PEM file with the private key, relative to the config, or a secret such as `credential("key")`. */
        key: SecretText;
      };
    };
    /** The admin listener, with the pages, the API and the metrics. `false` turns it off. */
    admin?: false | {
      /** The address to listen on. Default: `127.0.0.1`, this machine only. Any other needs a `token`. */
      host?: string;
      /** Default: 9300. */
      port?: number;
      /** Whoever has it can see and do everything that an operator can. */
      token?: SecretText;
      /** The address that people open in a browser, such as a proxy's. Messages link to it. */
      publicUrl?: string;
    };
    /**
     * Where events are kept. `sqlite:PATH` is a file. `postgres://USER:PASSWORD@HOST/DATABASE` is PostgreSQL 14 or later,
     * which several relays can share; the URL takes `sslmode`, `sslrootcert`, `schema` (default: `relay`), and
     * `direct=HOST:PORT`, the server itself if `HOST` is a pooler. A relative path is relative to `$STATE_DIRECTORY`, or, for
     * a config in `/etc/NAME`, to `/var/lib/NAME` if it exists, or else to the config's folder. Default: `sqlite:relay.db`.
     */
    store?: SecretText;
    /** What receives webhooks, by name. */
    sources: Record<string, SourceDefinition>;
    /** Where events can go, by name. */
    targets: Targets;
    /** Which events go to which targets. */
    routes: {
      [Index in keyof On]: Route<On[Index], NoInfer<keyof Targets & string>>;
    };
    /** The target of events that no route matches. Without it, relay keeps them and delivers them nowhere. */
    fallback?: NoInfer<keyof Targets & string>;
    /** When to tell a target that something is wrong. */
    alerts?: readonly Alert<NoInfer<keyof Targets & string>>[];
    /** Largest body that relay accepts. Default: `"1mb"`. */
    maxBody?: Size;
    /** How many requests one client address can send to one source. Default: no limit. */
    rateLimit?: Rate;
    /** How many deliveries can wait. Beyond it, relay answers 503, and the sender tries again. Default: no limit. */
    maxBacklog?: number;
    /**
     * How many proxies are in front of relay; `true` is one. relay then takes the client's address from `X-Forwarded-For`,
     * for the log, `rateLimit`, and wrong tokens. Default: `false`.
     */
    trustProxy?: boolean | number;
    /** When to try a failed delivery again, for targets without a `retry` of their own. */
    retry?: RetryOption;
    /** How long to keep events. relay never deletes one that is still waiting. */
    keep?: {
      /** After all its deliveries are done. Default: `"30d"`. */
      delivered?: Duration;
      /** With a dead letter. Default: `"90d"`. */
      dead?: Duration;
    };
    /** How long a stop waits for running attempts. Default: `"10s"`. */
    drain?: Duration;
    /** Language of messages, pages and commands. Default: `pt-BR`. */
    locale?: Locale;
    /** IANA time zone of all times in messages, pages and commands. Default: `America/Sao_Paulo`. */
    timeZone?: string;
  }
  interface ConnectvetsOptions extends SourceOptions {
  }
  /** Receives webhooks of ConnectVets. */
  export function connectvets(options: ConnectvetsOptions): SourceDefinition;
  interface HmacOptions extends SourceOptions {
    /** The header with the signature. */
    header: string;
    /** What comes before the signature in the header, such as `sha256=`. relay also accepts a signature without it. */
    prefix?: string;
    /** The hash function. Default: `sha256`. */
    algorithm?: "sha1" | "sha256" | "sha512";
    /** How the signature is written. Default: `hex`, in upper or lower case. */
    encoding?: "hex" | "base64";
  }
  /** Receives webhooks of any sender that signs the body with an HMAC. */
  export function hmac(options: HmacOptions): SourceDefinition;
  interface PeopleOptions<Event = AnyEvent> {
    /** Hours in which nothing is sent. Deliveries wait until they end, and use up no attempt. */
    quiet?: QuietOptions;
    /** One message of all events that have come in, such as every 15 minutes. `order` has no effect then. */
    digest?: DigestOptions<Event>;
  }
  interface ChatOptions<Api extends NoteApi | undefined = undefined> extends TargetOptions, PeopleOptions<AnyEvent & Noted<Api>>, DefaultMessageOptions, EnrichOptions<Api> {
    /** Text of the message. Markup in the event's texts has no effect. Default: a text in the language of `locale`. */
    text?: TextOption<AnyEvent & Noted<Api>>;
  }
  interface DiscordOptions<Api extends NoteApi | undefined = undefined> extends ChatOptions<Api> {
    /** The webhook's URL. Whoever has it can post to the channel: use `env`. */
    url: SecretText;
    /** The number of a thread of the channel, as a text. A forum's webhook needs one. */
    thread?: string;
    /** The name that the messages appear under. Default: the webhook's own. */
    username?: string;
  }
  /** Posts to a Discord webhook, at most 30 messages a minute. Delivered when Discord has stored the message. */
  export function discord<Api extends NoteApi | undefined = undefined>(options: DiscordOptions<Api>): TargetDefinition;
  interface ProviderOptions {
    /** The key of the provider's API. */
    apiKey: SecretText;
    /** Another address of the API, such as a proxy, or a server in your tests. */
    baseUrl?: string;
  }
  /** An email provider, made by `resend()` or one of the others: the `via` of an email target. */
  export interface EmailProvider {
    readonly provider: object;
    readonly options: unknown;
  }
  interface ProviderFunction<Options extends ProviderOptions = ProviderOptions> {
    (options: Options): EmailProvider;
  }
  interface EmailOptions<Api extends NoteApi | undefined = undefined> extends TargetOptions, PeopleOptions<AnyEvent & Noted<Api>>, DefaultMessageOptions, EnrichOptions<Api> {
    /**
     * A mail server, `smtp://user:password@host:587` (STARTTLS) or `smtps://…:465` (TLS), or a provider, such as
     * `resend({ apiKey: env("RESEND_API_KEY") })`.
     */
    via: SecretText | EmailProvider;
    /** The sender: `relay@clinica.example` or `Name <relay@clinica.example>`. */
    from: string;
    /** One recipient, or several, who all get the same mail. */
    to: string | readonly string[];
    /** Default: a subject in the language of `locale`. */
    subject?: TextOption<AnyEvent & Noted<Api>>;
    /** Default: a text in the language of `locale`. */
    text?: TextOption<AnyEvent & Noted<Api>>;
    /** Texts of the event are escaped. Default: HTML in the language of `locale`, unless you set `text`. */
    html?: TextOption<AnyEvent & Noted<Api>>;
    /** `false` allows a mail server without TLS. Default: `true`, except for a server on this machine. */
    requireTls?: boolean;
    /** The certificate of your own authority, in PEM, such as `file("ca.pem")`. It replaces the ones that relay knows. */
    ca?: SecretText;
    /** The name in EHLO, such as `relay.clinica.example`. Default: the machine's full name, or the domain of `from`. */
    name?: string;
  }
  /** Sends email. Delivered when the provider accepts it, or the server for at least one recipient. */
  export function email<Api extends NoteApi | undefined = undefined>(options: EmailOptions<Api>): TargetDefinition;
  interface GoogleChatOptions<Api extends NoteApi | undefined = undefined> extends ChatOptions<Api> {
    /** The webhook's URL. Whoever has it can post to the space: use `env`. */
    url: SecretText;
    /** A key, or a function that returns one. Messages with the same key are in one thread. Default: each has its own. */
    thread?: TextOption<AnyEvent & Noted<Api>>;
  }
  /** Posts to a Google Chat space, one message a second. Delivered when Google has made the message. */
  export function googleChat<Api extends NoteApi | undefined = undefined>(options: GoogleChatOptions<Api>): TargetDefinition;
  interface HttpOptions<Api extends NoteApi | undefined = undefined> extends TargetOptions, EnrichOptions<Api> {
    /** The address to send to. */
    url: SecretText;
    /** Default: `POST`. */
    method?: "POST" | "PUT" | "PATCH";
    /** Headers to add, such as `Authorization`. */
    headers?: Record<string, SecretText>;
    /** What to send, as JSON, in place of the bytes received. The sender's signature is left out. */
    body?: Json | ((event: AnyEvent & Noted<Api>) => unknown);
    /** A secret `whsec_…` that signs each request. @see https://www.standardwebhooks.com */
    sign?: SecretText;
  }
  /** Sends the event to a URL. Delivered when the answer is 2xx. Redirects are not followed. */
  export function http<Api extends NoteApi | undefined = undefined>(options: HttpOptions<Api>): TargetDefinition;
  interface NtfyOptions<Api extends NoteApi | undefined = undefined> extends ChatOptions<Api> {
    /** The server. Default: `https://ntfy.sh`, where whoever knows a topic that is not reserved can read it. */
    url?: SecretText;
    /** What the phones follow: at most 64 letters, digits, `-` and `_`. */
    topic: SecretText;
    /** An access token, `tk_…`, or `user:password`. */
    token?: SecretText;
    /** From 1, without a sound, to 5, which keeps ringing. Default: 4 if something failed, else 3. */
    priority?: 1 | 2 | 3 | 4 | 5;
    /** Tags; the name of an emoji shows it. @see https://docs.ntfy.sh/emojis/ */
    tags?: readonly string[];
    /** Title of the message. Default: that of the default message. */
    title?: TextOption<AnyEvent & Noted<Api>>;
    /** The URL that a touch opens. Default: the event's page, if `publicUrl` of `admin` says where that is. */
    click?: TextOption<AnyEvent & Noted<Api>>;
  }
  /** Publishes to a topic of ntfy, at most 60 messages in five minutes. Delivered when the server has taken the message. */
  export function ntfy<Api extends NoteApi | undefined = undefined>(options: NtfyOptions<Api>): TargetDefinition;
  interface ScriptOptions extends TargetOptions {
    /** The program and its arguments, without a shell. A relative path is relative to the config's folder. */
    command: readonly [
      program: string,
      ...args: string[]
    ];
    /** The program's environment, besides `PATH` and the `RELAY_…` variables. It gets no others. */
    env?: Record<string, SecretText>;
  }
  /** Runs a program. Delivered when it ends with 0. 65 is a dead letter at once; after any other code, relay tries again. */
  export function script(options: ScriptOptions): TargetDefinition;
  interface SlackOptions<Api extends NoteApi | undefined = undefined> extends TargetOptions, PeopleOptions<AnyEvent & Noted<Api>>, DefaultMessageOptions, EnrichOptions<Api> {
    /** The URL of the incoming webhook. Whoever has it can post to the channel: use `env`. */
    url: SecretText;
    /** Text of the message. `&`, `<` and `>` of the event are escaped. Default: a text in the language of `locale`. */
    text?: TextOption<AnyEvent & Noted<Api>>;
    /** Default: blocks in the language of `locale`, unless you set `text`. @see https://docs.slack.dev/reference/block-kit/blocks */
    blocks?: readonly unknown[] | ((event: AnyEvent & Noted<Api>) => readonly unknown[]);
  }
  /** Posts to a Slack incoming webhook, one message a second by default. Delivered when Slack answers `ok`. */
  export function slack<Api extends NoteApi | undefined = undefined>(options: SlackOptions<Api>): TargetDefinition;
  interface TeamsOptions<Api extends NoteApi | undefined = undefined> extends ChatOptions<Api> {
    /** The URL of the workflow's webhook. Whoever has it can post to the channel: use `env`. */
    url: SecretText;
  }
  /** Posts a card to Teams, at most 4 a second. Delivered when the workflow has started, which is all that Teams says. */
  export function teams<Api extends NoteApi | undefined = undefined>(options: TeamsOptions<Api>): TargetDefinition;
  interface TelegramOptions<Api extends NoteApi | undefined = undefined> extends ChatOptions<Api> {
    /** The bot's token, from @BotFather. */
    token: SecretText;
    /** The chat's number, negative for a group, or the `@name` of a public channel. The bot has to be a member. */
    chat: number | string;
    /** The topic of a group that has topics. */
    thread?: number;
    /** `true` sends without a sound. Default: `false`. */
    silent?: boolean;
    /** As `text`, in Telegram's HTML. @see https://core.telegram.org/bots/api#html-style */
    html?: TextOption<AnyEvent & Noted<Api>>;
    /** Another address of the API, such as your own Bot API server. Default: `https://api.telegram.org`. */
    baseUrl?: string;
  }
  /** Sends to a Telegram chat: one message a second, to a group 20 a minute. Delivered when Telegram has taken it. */
  export function telegram<Api extends NoteApi | undefined = undefined>(options: TelegramOptions<Api>): TargetDefinition;
  type Given$1 = string | number | undefined;
  type TemplateValue<Event = AnyEvent> = string | number | ((event: Event) => Given$1);
  type TemplateParameters<Value> = readonly Value[] | {
    readonly [name: string]: Value;
  };
  type TemplateButton<Event = AnyEvent> = {
    /** The button's place in the template, from 0. Default: its place in this list. */
    index?: number;
  } & ({
    /** What follows the address that the template has for the button. */
    url: TemplateValue<Event>;
  } | {
    /** What a quick reply sends back. */
    payload: TemplateValue<Event>;
  });
  interface TemplateOptions<Event = AnyEvent> {
    /** Its name in WhatsApp Manager. */
    name: string;
    /** Its language, as WhatsApp writes it: `"pt_BR"`. */
    language: string;
    /** What is filled into its body. Line breaks become blanks, and long texts are cut. */
    parameters?: TemplateParameters<TemplateValue<Event>> | ((event: Event) => TemplateParameters<Given$1>);
    /** What is filled into its header: one parameter, or an object with its name. */
    header?: TemplateValue<Event> | {
      readonly [name: string]: TemplateValue<Event>;
    };
    buttons?: readonly TemplateButton<Event>[];
  }
  /** A gateway to WhatsApp, made by `whatsappCloud()`, `evolution()` or `zapi()`: the `via` of a WhatsApp target. */
  export interface WhatsappGateway {
    readonly gateway: object;
    readonly options: unknown;
  }
  interface CloudReceiptOptions {
    /** The path that Meta calls, such as `/whatsapp`. Targets with the same app name the same path. */
    path: string;
    /** The app's secret, from its dashboard. */
    appSecret: SecretText;
    /** A text of your choice, which you enter in the app's dashboard as well. */
    verifyToken: SecretText;
  }
  interface TokenReceiptOptions {
    /** The path that the gateway calls, such as `/whatsapp`. */
    path: string;
    /** A long random text. */
    secret: SecretText;
  }
  interface WhatsappOptions<Api extends NoteApi | undefined = undefined> extends ChatOptions<Api> {
    /** The gateway: `whatsappCloud()`, which is WhatsApp's own, `evolution()` or `zapi()`. */
    via: WhatsappGateway;
    /**
     * One recipient, or several, each with deliveries of its own: numbers such as `"+5531999998888"`, or for
     * `whatsappCloud()` ids that are scoped to your business, such as `"BR.13491208655302741918"`.
     */
    to: string | readonly string[];
    /**
     * What is sent in place of the default text, by `whatsappCloud()` alone: WhatsApp takes free text only within 24 hours of
     * the recipient's last message. Beside `text`, it is sent when that time is over.
     */
    template?: TemplateOptions<AnyEvent & Noted<Api>>;
    /** Where the gateway tells what happened to each message: relay shows it, and tries again what never arrived. */
    receipts?: CloudReceiptOptions | TokenReceiptOptions;
  }
  /** Sends to people on WhatsApp, each at most one message in six seconds. Delivered when the gateway has taken it. */
  export function whatsapp<Api extends NoteApi | undefined = undefined>(options: WhatsappOptions<Api>): TargetDefinition;
  /**
   * Sends email through Brevo.
   * @example
   * ```ts
   * email({
   *   via: brevo({ apiKey: env("BREVO_API_KEY") }),
   *   from: "Clínica <relay@clinica.example>",
   *   to: "equipe@clinica.example",
   * })
   * ```
   */
  export const brevo: ProviderFunction;
  interface MailgunOptions extends ProviderOptions {
    /** Your sending domain at Mailgun. */
    domain: string;
    /** The region of that domain. Default: `"us"`. */
    region?: "us" | "eu";
  }
  /**
   * Sends email through Mailgun.
   * @example
   * ```ts
   * email({
   *   via: mailgun({ apiKey: env("MAILGUN_API_KEY"), domain: "mg.clinica.example" }),
   *   from: "Clínica <relay@clinica.example>",
   *   to: "equipe@clinica.example",
   * })
   * ```
   */
  export const mailgun: ProviderFunction<MailgunOptions>;
  /**
   * Sends email through Postmark. `apiKey` is the token of a Postmark server.
   * @example
   * ```ts
   * email({
   *   via: postmark({ apiKey: file("/run/secrets/postmark") }),
   *   from: "Clínica <relay@clinica.example>",
   *   to: "equipe@clinica.example",
   * })
   * ```
   */
  export const postmark: ProviderFunction;
  /**
   * Sends email through Resend, two messages a second by default.
   * @example
   * ```ts
   * email({
   *   via: resend({ apiKey: env("RESEND_API_KEY") }),
   *   from: "Clínica <relay@clinica.example>",
   *   to: "equipe@clinica.example",
   * })
   * ```
   */
  export const resend: ProviderFunction;
  interface SendgridOptions extends ProviderOptions {
    /** `"eu"` for a subuser in the European Union, with a key of its own. Default: `"global"`. */
    region?: "global" | "eu";
  }
  /**
   * Sends email through SendGrid.
   * @example
   * ```ts
   * email({
   *   via: sendgrid({ apiKey: env("SENDGRID_API_KEY") }),
   *   from: "Clínica <relay@clinica.example>",
   *   to: "equipe@clinica.example",
   * })
   * ```
   */
  export const sendgrid: ProviderFunction<SendgridOptions>;
  interface EvolutionOptions {
    /** Address of your Evolution API, version 2 or later, such as `http://localhost:8080`. */
    url: string;
    /** Name of the instance, not its id. */
    instance: string;
    /** The key of the instance, or of the server. */
    apiKey: SecretText;
  }
  /**
   * Sends by an Evolution API of your own. Delivered when it has taken the message, which it may do while its phone is gone.
   * @example
   * ```ts
   * whatsapp({
   *   via: evolution({ url: "http://localhost:8080", instance: "clinica", apiKey: env("EVOLUTION_KEY") }),
   *   to: "+5531999998888",
   * })
   * ```
   */
  export const evolution: (options: EvolutionOptions) => WhatsappGateway;
  interface WhatsappCloudOptions {
    /** The id of the sending number, which WhatsApp Manager shows; not the number itself. */
    phoneNumberId: string;
    /** A token of a system user with the permission `whatsapp_business_messaging`. One of the app's dashboard ends in a day. */
    token: SecretText;
    /** Version of the Graph API. Default: `"v25.0"`. */
    version?: string;
    /** Another address of the API, such as a proxy, or a server in your tests. Default: `https://graph.facebook.com`. */
    baseUrl?: string;
  }
  /**
   * Sends by WhatsApp's Cloud API. The recipient has to have written within 24 hours, or the target needs a `template`.
   * @example
   * ```ts
   * whatsapp({
   *   via: whatsappCloud({ phoneNumberId: "105512345678901", token: env("WA_TOKEN") }),
   *   to: "+5531999998888",
   *   template: { name: "nota_falhou", language: "pt_BR", parameters: (e) => [e.data.note_id] },
   * })
   * ```
   */
  export const whatsappCloud: (options: WhatsappCloudOptions) => WhatsappGateway;
  interface ZapiOptions {
    /** The id of the instance. */
    instance: SecretText;
    /** The token of the instance. */
    token: SecretText;
    /** The account's security token. @see https://developer.z-api.io/en/security/client-token */
    clientToken: SecretText;
    /** Another address of the API, such as a proxy, or a server in your tests. Default: `https://api.z-api.io`. */
    baseUrl?: string;
  }
  /**
   * Sends by Z-API. Delivered when it has put the message into its queue.
   * @example
   * ```ts
   * whatsapp({
   *   via: zapi({ instance: env("ZAPI_INSTANCE"), token: env("ZAPI_TOKEN"), clientToken: env("ZAPI_CLIENT_TOKEN") }),
   *   to: "+5531999998888",
   * })
   * ```
   */
  export const zapi: (options: ZapiOptions) => WhatsappGateway;
  /** The config of relay. Your editor checks the names of targets, and knows the payload of each route's events. */
  export function defineConfig<const Targets extends Record<string, TargetDefinition>, const On extends readonly Given[]>(config: RelayConfig<Targets, On>): RelayConfig<Targets, On>;
}
