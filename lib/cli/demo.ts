/** `relay demo` */

import { Command } from "commander";

export function demoVerb(): Command {
  return new Command("demo").description("show the whole way on this machine, with no account anywhere")
    .option("--keep", "go on serving afterwards")
    .action(() => {});
}
