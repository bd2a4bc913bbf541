/** Where events go, as a person reads it: `arquivo; whats, then tg (each after 10 min, until delivered)`. Pure functions. */

import type { Format } from "../locale/format.ts";
import type { Language } from "../locale/mod.ts";
import type { ChainRule } from "../pipeline/route.ts";
import { targetOfLane } from "../recipient.ts";
import type { DeliveryView } from "../store/views.ts";

/** Targets, and which of them are told one after the other. */
export interface Destinations {
  targets: readonly string[];
  chains?: readonly ChainRule[];
}

/** The targets one by one, those of a chain as one item. */
export function destinationItems(
  { targets, chains = [] }: Destinations,
  { chains: words }: Pick<Language["pages"], "chains">,
  format: Pick<Format, "duration">,
): string[] {
  return targets.flatMap((target) => {
    const chain = chains.find((one) => one.targets.includes(target));
    if (!chain) return [target];
    if (chain.targets[0] !== target) return []; // it stands with the first of its chain
    const within = format.duration(chain.withinMs).replaceAll("\u00a0", " ");
    return [words.inOrder(chain.targets, within, chain.until)];
  });
}

/** As {@link destinationItems}, in one line. */
export function destinationLine(
  where: Destinations,
  words: Pick<Language["pages"], "chains">,
  format: Pick<Format, "duration">,
): string {
  const isPlain = !where.chains || where.chains.length === 0;
  return destinationItems(where, words, format).join(isPlain ? ", " : "; ");
}

/** Where these deliveries go, each target once, with the chains that they were made for. */
export function destinationsOf(deliveries: readonly DeliveryView[]): Required<Destinations> {
  const nameOf = ({ target, chain }: DeliveryView) => chain ? targetOfLane(target) : target;
  const chained = Map.groupBy(deliveries.filter(({ chain }) => chain !== null), ({ chain }) => chain!.id);
  const chains = [...chained.values()].map((own): ChainRule => {
    const { withinMs, until } = own[0]!.chain!;
    return { targets: [...new Set(own.map(nameOf))], withinMs, until };
  });
  return { targets: [...new Set(deliveries.map(nameOf))], chains };
}
