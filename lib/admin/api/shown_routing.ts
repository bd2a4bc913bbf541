/** Where an event goes, as the API answers it. */

import type { RoutingStory } from "../../operator/story.ts";
import type { ChainRule } from "../../pipeline/route.ts";

/** Lists of a config cannot be written to; the answer's type says nothing of that. */
export function shownRouting({ chains, routes, ...routing }: RoutingStory) {
  return {
    ...routing,
    chains: chains.map(shownChain),
    routes: routes.map(({ on, to, chains, verdict }) => ({
      on: [...on],
      to: [...to],
      chains: chains.map(shownChain),
      verdict,
    })),
  };
}

function shownChain({ targets, ...chain }: ChainRule) {
  return { ...chain, targets: [...targets] };
}
