/** The verbs of the executable, as its help tells of them. */

import { runRelay } from "./relay.ts";

/** Every verb, as `relay --help` names it, and its options. */
export async function verbsOfHelp(): Promise<Map<string, string[]>> {
  const helpOf = async (...verb: string[]) => (await runRelay([...verb, "--help"])).stdout;
  const names = [...(await helpOf()).matchAll(/^ {2}(\w+) /gm)].map(([, name]) => name!);
  const known = names.filter((name) => name !== "relay");
  return new Map(
    await Promise.all(known.map(async (name) => {
      const options = [...(await helpOf(name)).matchAll(/^ {2}(?:-\w, )?(--[\w-]+)/gm)].map(([, option]) => option!);
      return [name, options] as const;
    })),
  );
}
