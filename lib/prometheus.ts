/**
 * What we use of `prom-client`. Its index loads a client for pushing and one for clusters as well, and with them the
 * runtime's own `http` and `cluster`: 11 MB of memory.
 */

import type * as client from "prom-client";
import counter from "prom-client/lib/counter.js";
import gauge from "prom-client/lib/gauge.js";
import histogram from "prom-client/lib/histogram.js";
import registry from "prom-client/lib/registry.js";

export const Counter: typeof client.Counter = counter;
export const Gauge: typeof client.Gauge = gauge;
export const Histogram: typeof client.Histogram = histogram;
export const Registry: typeof client.Registry = registry;
