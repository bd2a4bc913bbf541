/** What the admin listener is made over. */

import type { LoadedConfig } from "../config/load.ts";
import type { BodyProblem } from "../http/body.ts";
import type { Locale } from "../locale/mod.ts";
import type { Reporter } from "../duties/report.ts";
import type { SharedView } from "../metrics.ts";
import type { Store } from "../store/mod.ts";
import type { ConfigWarning } from "../warnings.ts";

/** What the admin listener knows of a request beside the request. */
export interface Bindings {
  /** Address of the client: of the other end of the connection, or what a trusted proxy there says. */
  client: string;
  /** The config's language, if it names one. */
  locale?: Locale;
  /** Why its body could not be read. */
  problem?: BodyProblem;
  /** Whether what let the request in would let it in still: for an answer that goes on. */
  isStillIn?: () => Promise<boolean>;
}

/** The relay, as the admin listener sees it. */
export interface AdminContext {
  /** It tells of what is under way as well. */
  store: Store;
  /** What the relay sees of those that share its store; `undefined` where that is for one relay alone. */
  shared: () => SharedView | undefined;
  /** What the relay says of itself, and what it refused. */
  reporter: Pick<Reporter, "run" | "refused">;
  /** The config at work; asked with every request, since a reload changes it. */
  loaded: () => LoadedConfig;
  /** What an operator should know of it and of its files, as they are now. */
  warnings: () => readonly ConfigWarning[];
  /** What a caller has to show, if anything; asked with every request as well. */
  token: () => string | undefined;
  /** The config's `admin.host`. It belongs to the listener, as all that follows: a reload changes none. */
  host: string;
  /** The config's `admin.publicUrl`. */
  publicUrl?: string;
  /** Writes to the store, and changes nothing. @throws {StoreError} if it cannot take what it refused last. */
  probe: () => Promise<void>;
  /** Called after deliveries were made due, or a target was paused or resumed, so that the deliverer looks at once. */
  wake: () => void;
  /** Aborted when the relay stops: what would stay open ends then. */
  stopping: AbortSignal;
}
