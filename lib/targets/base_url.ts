/** The option for another address of a vendor's API, such as a proxy, or a server in a test. */

import * as z from "zod/mini";
import { expected } from "../options.ts";

/** Reads a URL to build others on: without a query, and without a slash at its end. */
export const baseUrl = z.optional(z.pipe(
  z.url({ protocol: /^https?$/, error: expected((words) => words.config.expectations.httpsUrl) }).check(
    z.refine((url) => !/[?#@]/.test(url), expected((words) => words.config.expectations.plainUrl)),
  ),
  z.transform((url) => url.replace(/\/+$/, "")),
));
