/** What `defineConfig` takes. */

import type { NoteApi, Noted } from "../connectvets/api.ts";
import type { EventOf, Pattern } from "../event.ts";
import type { Locale } from "../locale/mod.ts";
import type { SecretText } from "../secret.ts";
import type { SourceDefinition } from "../sources/source.ts";
import type { MessageOptions } from "../targets/message.ts";
import type { RetryOption, TargetDefinition } from "../targets/target.ts";
import type { Duration, Rate, Size } from "../units.ts";

/** One pattern, or several of which any will do. */
export type Patterns = Pattern | readonly Pattern[];

type PayloadOf<On extends Patterns> = EventOf<On extends readonly string[] ? On[number] : On & string>;

/** What tells the types of a route: its patterns, and where its notes come from. The compiler gathers both from one route. */
export type Given = Patterns | NoteApi;

type PatternsOf<What> = Extract<What, Patterns>;

/** Where events that match go. Every route that matches counts; a target named twice gets the event once. */
export interface Route<What extends Given = Given, TargetName extends string = string>
  extends MessageOptions<PayloadOf<PatternsOf<What>> & Noted<What>> {
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
  when: { dead: number } | { silent: Pattern; for: Duration } | { refused: number; within: Duration };
  /** The target that is told, in its default message: what the config says of messages is for events that come in. */
  to: TargetName;
}

/** A config: what receives, what is delivered to, and what goes where. */
export interface RelayConfig<
  Targets extends Record<string, TargetDefinition> = Record<string, TargetDefinition>,
  On extends readonly Given[] = readonly Given[],
> {
  /**
   * The public listener. Default: host `0.0.0.0`, port 3000. With `tls` it speaks HTTPS alone, TLS 1.2 and up: `cert` and
   * `key` are paths of files in PEM, relative to the config's folder, or secrets, such as `credential("key")`. `cert` holds
   * the whole chain, the listener's own certificate first. A reload takes both anew, for the connections that come then.
   */
  listen?: { host?: string; port?: number; tls?: { cert: SecretText; key: SecretText } };
  /**
   * The admin listener; `false` turns it off. Default: host `127.0.0.1`, port 9300. Elsewhere it needs a token.
   * `publicUrl` is the address under which a browser reaches it, if that is another, such as a proxy's. Default messages
   * link to it.
   */
  admin?: false | { host?: string; port?: number; token?: SecretText; publicUrl?: string };
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
  routes: { [Index in keyof On]: Route<On[Index], NoInfer<keyof Targets & string>> };
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
  keep?: { delivered?: Duration; dead?: Duration };
  /** How long a stop waits for attempts in flight. Default: 10 s. */
  drain?: Duration;
  /** Language of default messages. Default: `pt-BR`. */
  locale?: Locale;
  /** IANA time zone of times in default messages. Default: `America/Sao_Paulo`. */
  timeZone?: string;
}
