/** The lint rule that requests leave by one way out. */

import { isGlobal } from "./names.ts";
import { eachImport, isIn, placeOf } from "./place.ts";

/** What runs in a browser. */
const scripts = ["admin/pages/client.js", "admin/pages/events.js"];

const hint = "Use `request()` of lib/outbound/request.ts, which bounds what comes back";

const clients = /^(node:)?(http|https|http2)$|^undici$/;

/** Requests leave by one way out. */
export const oneWayOut: Deno.lint.Rule = {
  create(context) {
    const place = placeOf(context.filename);
    // What the pages load runs in a browser.
    if (place === undefined || isIn(place, "outbound") || scripts.includes(place)) return {};
    return {
      ...eachImport((specifier, node) => {
        if (!clients.test(specifier) || node.type === "TSImportType") return;
        if (node.type === "ImportDeclaration" && node.importKind === "type") return;
        context.report({ node, message: `"${specifier}" is imported, which can make requests of any kind`, hint });
      }),
      Identifier(node) {
        if (node.name === "fetch" && isGlobal(node)) {
          context.report({ node, message: "`fetch` reads an answer without bounds", hint });
        }
      },
    };
  },
};
