/** What `defineConfig` takes. */

import type { NoteApi, Noted } from "../connectvets/api.ts";
import type { EventOf, Pattern } from "../event.ts";
import type { Locale } from "../locale/mod.ts";
import type { SecretText } from "../secret.ts";
import type { SourceDefinition } from "../sources/source.ts";
import type { MessageOptions } from "../targets/message.ts";
import type { RetryOption, TargetDefinition } from "../targets/target.ts";
import type { Duration, Rate, Size } from "../units.ts";
import type { Chain } from "./first_of.ts";

/** One pattern, or a list: an event has to match one of them. */
export type Patterns = Pattern | readonly Pattern[];

type PayloadOf<On extends Patterns> = EventOf<On extends readonly string[] ? On[number] : On & string>;

/** What tells the types of a route: its patterns, and where its notes come from. The compiler gathers both from one route. */
export type Given = Patterns | NoteApi;

type PatternsOf<What> = Extract<What, Patterns>;

/** Where matching events go. Every route that matches counts; a target of several routes gets the event once. */
export interface Route<What extends Given = Given, TargetName extends string = string>
  extends MessageOptions<PayloadOf<PatternsOf<What>> & Noted<What>> {
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
export interface RelayConfig<
  Targets extends Record<string, TargetDefinition> = Record<string, TargetDefinition>,
  On extends readonly Given[] = readonly Given[],
> {
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
  routes: { [Index in keyof On]: Route<On[Index], NoInfer<keyof Targets & string>> };
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
