/** Rules of this project for `deno lint`: what a file may use, by where it lies. */

import { fileLength } from "./lint/file_length.ts";
import { givenTime } from "./lint/given_time.ts";
import { oneDirection } from "./lint/one_direction.ts";
import { oneWayOut } from "./lint/one_way_out.ts";

export default {
  name: "relay",
  rules: {
    "file-length": fileLength,
    "given-time": givenTime,
    "one-direction": oneDirection,
    "one-way-out": oneWayOut,
  },
} satisfies Deno.lint.Plugin;
