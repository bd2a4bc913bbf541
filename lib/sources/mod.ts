/** Every kind of source. A new one is one file beside this, and one line here. */

import { connectvetsSource } from "./connectvets.ts";
import { hmacSource } from "./hmac.ts";

export const sourceKinds = [connectvetsSource, hmacSource] as const;
