/** What the operator's listener is made over. */

import type { LoadedConfig } from "../config/load.ts";
import type { Reporter } from "../pipeline/report.ts";
import type { Store } from "../store/mod.ts";

/** The relay, as the operator's listener sees it. */
export interface AdminContext {
  store: Store;
  /** What the relay says of itself, and what it refused. */
  reporter: Pick<Reporter, "run" | "refused">;
  /** The config at work; asked with every request, since a reload changes it. */
  loaded: () => LoadedConfig;
  /** What a caller has to show, if anything; asked with every request as well. */
  token: () => string | undefined;
  /** The config's `admin.host`. It belongs to the listener, as all that follows: a reload changes none. */
  host: string;
  /** The config's `admin.publicUrl`. */
  publicUrl?: string;
  /** Called after deliveries were made due, or a target was paused or resumed, so that the deliverer looks at once. */
  wake: () => void;
  /** Aborted when the relay stops: what would stay open ends then. */
  stopping: AbortSignal;
}
