// Types of the module "relay", for editors. Made from relay's source; do not edit.

declare module "relay" {
  interface Secret {
    /** Always throws: a secret inside another text would go unseen by what masks secrets in logs. */
    toString(): never;
  }
  type SecretText = string | Secret;
  /**
   * The value of an environment variable, or of a line in `.env` beside the config; the environment wins.
   * Missing or empty is a config error unless there is a default.
   */
  export function env(name: string, options?: {
    default?: string;
  }): Secret;
  /** The content of a file, without one trailing newline. A relative path is relative to the config's folder. */
  export function file(path: string): Secret;
  /**
   * A credential that systemd hands to the service, by the name in `LoadCredential=`. For a config in `/etc/NAME`, a shell of
   * root reads that of `NAME.service`.
   * @see https://www.freedesktop.org/software/systemd/man/latest/systemd.exec.html#Credentials
   */
  export function credential(name: string): Secret;
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
    /** Its place among the sections, from `"1"`. */
    order: string;
  }
  /**
   * A note in full. Texts that the API leaves out are empty here, and so are lists.
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
    /** The reference that the clinic's own system gave. */
    external_id?: string;
    metadata: NoteMetadata[];
    /** ISO 8601, UTC. */
    created_at?: string;
    /** ISO 8601, UTC. */
    updated_at?: string;
    /** In the order of the note. */
    note_sections: NoteSection[];
  }
  interface NoteData<Status extends string> {
    note_id: string;
    status: Status;
    /** The reference that the clinic's own system gave, if it gave one. */
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
    /** The subscription that sent this; it does not identify the event. */
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
  /** An event whose name nobody knows yet. */
  export interface UnknownEvent {
    event: string;
    data: Record<string, unknown>;
    [field: string]: unknown;
  }
  /** Any event: every documented field, each of which may be absent. */
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
   * An event's name, or a pattern of names: `*` matches within one dot-separated part, `**` any number of parts.
   * Names that are not listed here are accepted too: new ones will come.
   */
  export type Pattern = keyof KnownEvents | "note.*" | "note.transcription.*" | "**" | (string & Record<never, never>);
  /** The payload that a pattern lets through. */
  export type EventOf<P extends string> = P extends unknown ? PayloadOfOne<P> : never;
  type PayloadOfOne<P extends string> = string extends P ? AnyEvent : [
    MatchingName<P>
  ] extends [
    never
  ] ? UnknownEvent : KnownEvents[MatchingName<P>];
  type Locale = "pt-BR" | "en";
  interface ConnectvetsApiOptions {
    /** The API key, `cvn_live_…` or `cvn_test_…`. */
    key: SecretText;
    /** Asks the sandbox, with a key of the sandbox. Default: `false`. */
    sandbox?: boolean;
    /**
     * `true` delivers without the note when it cannot be had: at once where the API refuses it or has none, after a minute
     * where the API fails or its limit is reached. Default: `false`, such a delivery fails, is tried again, waits.
     */
    optional?: boolean;
    /** Base of the API, in place of ConnectVets' own: a proxy, or a server of your tests. */
    url?: string;
  }
  interface NoteApi<Optional extends boolean = boolean> extends ConnectvetsApiOptions {
    readonly api: "connectvets";
    readonly optional: Optional;
  }
  /** Asks ConnectVets' API for the note before a delivery: the functions of its message see it as `note`. */
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
  interface LocaleOptions {
    /** Language of the default message. Default: the config's `locale`. */
    locale?: Locale;
    /** IANA time zone of the times in it. Default: the config's `timeZone`. */
    timeZone?: string;
  }
  interface DefaultMessageOptions extends LocaleOptions {
    /**
     * The default message of an event with its note's details holds the text of the note's sections, which is clinical.
     * Default: `false`; then it names the sections only.
     */
    includeNoteText?: boolean;
  }
  type TextOption<Event = AnyEvent> = string | ((event: Event) => string);
  type Json = string | number | boolean | null | readonly Json[] | {
    readonly [key: string]: Json | undefined;
  };
  interface MessageOptions<Event = AnyEvent> {
    /** Text of a Slack message or an email. In a Slack message's function `&`, `<` and `>` of the event are escaped. */
    text?: TextOption<Event>;
    /** Slack blocks. @see https://docs.slack.dev/reference/block-kit/blocks */
    blocks?: readonly unknown[] | ((event: Event) => readonly unknown[]);
    /** Subject of an email. */
    subject?: TextOption<Event>;
    /** HTML of an email; in a function, the event's texts are HTML-escaped. */
    html?: TextOption<Event>;
    /** What an HTTP target sends as JSON instead of the bytes received. */
    body?: Json | ((event: Event) => unknown);
  }
  type Duration = number | `${number}${"ms" | "s" | "m" | "h" | "d"}`;
  type Size = number | `${number}${"b" | "kb" | "mb" | "gb"}`;
  interface Rate {
    /** Length of the window. */
    per: Duration;
    /** The most in one window. */
    limit: number;
  }
  type RetryOption = readonly Duration[] | "none" | {
    /** Pauses: n pauses, n + 1 attempts. */
    schedule: readonly Duration[];
    /** How far each pause is moved at random, as a part of it: 0.2 is 20 % either way. Default: 0.2. */
    jitter?: number;
  };
  interface TargetOptions {
    /** Longest time of one attempt. Default: 15 s. */
    timeout?: Duration;
    /** Most attempts at the same time. Default: 8; for `http()` without `rate`, up to 64 while it answers within 100 ms. */
    concurrency?: number;
    /** Most attempts in a span of time. */
    rate?: Rate;
    /** Pauses between attempts: n pauses, n + 1 attempts. Default: 5 s, 30 s, 2 m, 10 m, 30 m, 2 h, 5 h, 10 h. */
    retry?: RetryOption;
    /**
     * After so many failures in a row the target is held, for so long, then tried with one delivery; what waits meanwhile
     * costs no attempt. `false` never holds it. Default: 5 failures, 60 s.
     */
    circuit?: false | {
      failures?: number;
      pause?: Duration;
    };
    /** Gives a key; deliveries with the same key go out one after the other in the order of acceptance. */
    order?: (event: AnyEvent) => string;
  }
  interface EnrichOptions<Api extends NoteApi | undefined> {
    /** Asks for the note in full before the message is made of it, by `connectvetsApi()`; its functions see it as `note`. */
    enrich?: Api;
  }
  interface TargetDefinition {
    readonly target: object;
    readonly options: unknown;
  }
  interface SourceOptions {
    /** Path that receives this source's events, such as `/webhook`. */
    path: string;
    /** The secret that signs them; a list while a secret is being replaced: each of them is accepted. */
    secret: SecretText | readonly SecretText[];
    /** Gives the key that makes an event the same as one before; without it, the payload's `id`, else its bytes. */
    dedupe?: (event: AnyEvent) => string;
    /** Most bytes of a body. Default: the config's `maxBody`. */
    maxBody?: Size;
    /** Most requests of one client address. Default: the config's `rateLimit`. */
    rateLimit?: Rate;
  }
  interface SourceDefinition {
    readonly source: object;
    readonly options: unknown;
  }
  type Patterns = Pattern | readonly Pattern[];
  type PayloadOf<On extends Patterns> = EventOf<On extends readonly string[] ? On[number] : On & string>;
  type Given = Patterns | NoteApi;
  type PatternsOf<What> = Extract<What, Patterns>;
  /** Where events that match go. Every route that matches counts; a target named twice gets the event once. */
  export interface Route<What extends Given = Given, TargetName extends string = string> extends MessageOptions<PayloadOf<PatternsOf<What>> & Noted<What>> {
    /** Events that this route is for. */
    on: What & Patterns;
    /** One target, or several. */
    to: TargetName | readonly TargetName[];
    /** A further condition. One that throws is no match, and is recorded on the event. */
    when?: (event: PayloadOf<PatternsOf<What>>) => boolean;
    /** Asks for the note in full before the message is made of it, by `connectvetsApi()`; its functions see it as `note`. */
    enrich?: What & NoteApi;
  }
  /** What somebody is told of: one message when it begins, one when it ends, whatever comes between and however often relay restarts. */
  export interface Alert<TargetName extends string = string> {
    /**
     * `dead`: there are so many dead letters (1 to 1000) or more; it ends when there are fewer.
     * `silent`: no event of this pattern was received `for` so long (at most 30 days), counted from the last one, or from
     * the start of the first relay that had this alert; it ends with the next one.
     * `refused`: so many requests or more were refused `within` so long (1 minute to 1 day), whatever the source and the
     * reason, but for those that `rateLimit` refused; it ends when none was for as long.
     */
    when: {
      dead: number;
    } | {
      silent: Pattern;
      for: Duration;
    } | {
      refused: number;
      within: Duration;
    };
    /** The target that is told, in its default message: what the config says of messages is for events that come in. */
    to: TargetName;
  }
  /** A config: what receives, what is delivered to, and what goes where. */
  export interface RelayConfig<Targets extends Record<string, TargetDefinition> = Record<string, TargetDefinition>, On extends readonly Given[] = readonly Given[]> {
    /**
     * The public listener. Default: host `0.0.0.0`, port 3000. With `tls` it speaks HTTPS alone, TLS 1.2 and up: `cert` and
     * `key` are paths of files in PEM, relative to the config's folder, or secrets, such as `credential("key")`. `cert` holds
     * the whole chain, the listener's own certificate first. A reload takes both anew, for the connections that come then.
     */
    listen?: {
      host?: string;
      port?: number;
      tls?: {
        cert: SecretText;
        key: SecretText;
      };
    };
    /**
     * The admin listener; `false` turns it off. Default: host `127.0.0.1`, port 9300. Elsewhere it needs a token.
     * `publicUrl` is the address under which a browser reaches it, if that is another, such as a proxy's. Default messages
     * link to it.
     */
    admin?: false | {
      host?: string;
      port?: number;
      token?: SecretText;
      publicUrl?: string;
    };
    /**
     * Where events are kept: `sqlite:PATH`, in a file, or `postgres://USER:PASSWORD@HOST/DATABASE`, in PostgreSQL 14 or later,
     * which several relays may share. A relative path is relative to `$STATE_DIRECTORY`, else, for a config in `/etc/NAME`, to
     * `/var/lib/NAME` if that is there, else to the config's folder. A URL takes `sslmode`, `sslrootcert`, `schema` (default
     * `relay`), and `direct=HOST:PORT`, the server itself where `HOST` is a pooler. Default: `sqlite:relay.db`.
     */
    store?: SecretText;
    /** What receives events, by name. */
    sources: Record<string, SourceDefinition>;
    /** What events are delivered to, by name. */
    targets: Targets;
    /** What goes where. */
    routes: {
      [Index in keyof On]: Route<On[Index], NoInfer<keyof Targets & string>>;
    };
    /** Target of events that no route matched; without it they are kept as `unrouted`. */
    fallback?: NoInfer<keyof Targets & string>;
    /** What somebody is told of. */
    alerts?: readonly Alert<NoInfer<keyof Targets & string>>[];
    /** Most bytes of a body. Default: 1 MiB. */
    maxBody?: Size;
    /** Most requests of one client address to one source. Off by default. */
    rateLimit?: Rate;
    /** Most deliveries that may wait; beyond it events are answered 503. Off by default. */
    maxBacklog?: number;
    /**
     * How many proxies stand in front (`true`: one); the client is then whom they name in `X-Forwarded-For`, in the log,
     * for `rateLimit`, and behind `admin.publicUrl` for wrong tokens. Default: `false`, the client is the other end of the
     * connection.
     */
    trustProxy?: boolean | number;
    /** When failed deliveries are tried again, for targets that do not say. */
    retry?: RetryOption;
    /**
     * How long events are kept: those whose deliveries were all made, and those with a dead one. What waits is kept
     * whatever its age. Default: 30 days, 90 days.
     */
    keep?: {
      delivered?: Duration;
      dead?: Duration;
    };
    /** How long a stop waits for attempts in flight. Default: 10 s. */
    drain?: Duration;
    /** Language of default messages. Default: `pt-BR`. */
    locale?: Locale;
    /** IANA time zone of times in default messages. Default: `America/Sao_Paulo`. */
    timeZone?: string;
  }
  interface ConnectvetsOptions extends SourceOptions {
  }
  /** Receives ConnectVets' webhooks. */
  export function connectvets(options: ConnectvetsOptions): SourceDefinition;
  interface HmacOptions extends SourceOptions {
    /** Header that carries the signature. */
    header: string;
    /** What stands before the digest in the header, such as `sha256=`; a bare digest is accepted too. */
    prefix?: string;
    /** Hash function. Default: `sha256`. */
    algorithm?: "sha1" | "sha256" | "sha512";
    /** How the digest is written. Default: `hex`, in upper or lower case. */
    encoding?: "hex" | "base64";
  }
  /** Receives events of any sender that signs the body with an HMAC. */
  export function hmac(options: HmacOptions): SourceDefinition;
  interface ProviderOptions {
    /** Key of the provider's API. */
    apiKey: SecretText;
    /** Where the API is, for a server of your own that stands for it. Default: the provider's address. */
    baseUrl?: string;
  }
  /** An email provider in a config, made by `resend()` or one of the others: the `via` of an email target. */
  export interface EmailProvider {
    readonly provider: object;
    readonly options: unknown;
  }
  interface ProviderFunction<Options extends ProviderOptions = ProviderOptions> {
    (options: Options): EmailProvider;
  }
  interface EmailOptions<Api extends NoteApi | undefined = undefined> extends TargetOptions, DefaultMessageOptions, EnrichOptions<Api> {
    /**
     * Mail server: `smtp://user:password@host:587` (STARTTLS) or `smtps://…:465` (TLS from the start); or a provider's
     * API, such as `resend({ apiKey: env("RESEND_API_KEY") })`.
     */
    via: SecretText | EmailProvider;
    /** Sender, `relay@clinica.example` or `Name <relay@clinica.example>`. */
    from: string;
    /** Recipients. */
    to: string | readonly string[];
    /** Default: a subject in `locale`. */
    subject?: TextOption<AnyEvent & Noted<Api>>;
    /** Default: a text in `locale`. */
    text?: TextOption<AnyEvent & Noted<Api>>;
    /** In a function, the event's texts are HTML-escaped. Default: a page in `locale`, unless `text` is given. */
    html?: TextOption<AnyEvent & Noted<Api>>;
    /** `false` sends without TLS where a mail server offers none. Default: `true`, but for a server on this machine. */
    requireTls?: boolean;
    /**
     * Certificate of the authority that vouches for the mail server, in PEM, such as `file("ca.pem")`; it counts in place
     * of those that this machine trusts.
     */
    ca?: SecretText;
    /**
     * What this machine calls itself towards a mail server (EHLO), such as `relay.clinica.example`. Default: its full name,
     * or the domain of `from` where its name has no dot.
     */
    name?: string;
  }
  /** Delivers by email. Delivered: the server took the message for at least one recipient, or the provider took it. */
  export function email<Api extends NoteApi | undefined = undefined>(options: EmailOptions<Api>): TargetDefinition;
  interface HttpOptions<Api extends NoteApi | undefined = undefined> extends TargetOptions, EnrichOptions<Api> {
    /** Where to send. */
    url: SecretText;
    /** Default: `POST`. */
    method?: "POST" | "PUT" | "PATCH";
    /** Headers to add. */
    headers?: Record<string, SecretText>;
    /** What to send as JSON instead of the bytes received; the sender's signature is left out then. */
    body?: Json | ((event: AnyEvent & Noted<Api>) => unknown);
    /** Secret `whsec_…` to sign with. @see https://www.standardwebhooks.com */
    sign?: SecretText;
  }
  /** Delivers to a URL. Delivered: 2xx. Redirects are not followed. */
  export function http<Api extends NoteApi | undefined = undefined>(options: HttpOptions<Api>): TargetDefinition;
  interface ScriptOptions extends TargetOptions {
    /** Program and arguments, passed as they are: no shell takes part. A relative program is relative to the config's folder. */
    command: readonly [
      program: string,
      ...args: string[]
    ];
    /** Variables for the program, besides `PATH` and the `RELAY_…` ones. It gets no others. */
    env?: Record<string, SecretText>;
  }
  /** Runs a program. Delivered: exit 0. Exit 65 is dead at once, any other is tried again. */
  export function script(options: ScriptOptions): TargetDefinition;
  interface SlackOptions<Api extends NoteApi | undefined = undefined> extends TargetOptions, DefaultMessageOptions, EnrichOptions<Api> {
    /** The incoming webhook's URL; whoever has it can write to the channel. */
    url: SecretText;
    /** Text of the message. In a function, `&`, `<` and `>` of the event are escaped. Default: a text in `locale`. */
    text?: TextOption<AnyEvent & Noted<Api>>;
    /** Default: blocks in `locale`, unless `text` is given. @see https://docs.slack.dev/reference/block-kit/blocks */
    blocks?: readonly unknown[] | ((event: AnyEvent & Noted<Api>) => readonly unknown[]);
  }
  /** Delivers to a Slack incoming webhook, one message a second by default. Delivered: 200 with the body `ok`. */
  export function slack<Api extends NoteApi | undefined = undefined>(options: SlackOptions<Api>): TargetDefinition;
  /**
   * Delivers email by Brevo.
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
    /** The sending domain, as Mailgun knows it. */
    domain: string;
    /** Region in which that domain was made. Default: `"us"`. */
    region?: "us" | "eu";
  }
  /**
   * Delivers email by Mailgun.
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
   * Delivers email by Postmark. `apiKey` is the token of a server there.
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
   * Delivers email by Resend, two messages a second by default.
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
    /** `"eu"` for a subuser whose data stay in the European Union, with a key of its own. Default: `"global"`. */
    region?: "global" | "eu";
  }
  /**
   * Delivers email by SendGrid.
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
  /**
   * Types a config. Names of targets in `routes` and `fallback` must be among `targets`, and functions see the payload
   * that their route lets through.
   */
  export function defineConfig<const Targets extends Record<string, TargetDefinition>, const On extends readonly Given[]>(config: RelayConfig<Targets, On>): RelayConfig<Targets, On>;
}
