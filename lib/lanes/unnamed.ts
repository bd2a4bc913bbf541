/** Stands in for one of relay's own lanes that no config names any more: whatever is awaited there has failed. */

import { Told } from "../locale/told.ts";
import type { Target } from "../targets/target.ts";

export function unnamed(name: string): Target {
  return {
    name,
    kind: "unnamed",
    policy: { timeoutMs: 1_000, concurrency: 8, rates: [], retry: { scheduleMs: [], jitter: 0 } },
    address: name,
    secrets: [],
    warnings: [],
    render: () => ({}),
    deliver: () =>
      Promise.resolve({
        kind: "dead",
        reason: "internal",
        detail: Told.of((words) => words.outcomes.note.noAccess),
      }),
  };
}
