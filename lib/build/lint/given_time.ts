/** The lint rule that time and chance are arguments where events are received, stored and delivered. */

import { globalName, isGlobal, propertyName } from "./names.ts";
import { eachImport, isIn, placeOf } from "./place.ts";

/** Folders of lib/ whose clock is given to them. */
const places = ["pipeline", "lanes", "duties", "store", "sources", "operator"];

/** Files of these that have a clock of their own all the same, and why. */
export const ownTime: Readonly<Record<string, string>> = {};

/** What tells the time, lets it pass or draws by chance: members of globals, and functions. */
const members: Readonly<Record<string, readonly string[]>> = {
  Date: ["now"],
  performance: ["now", "timeOrigin"],
  process: ["hrtime", "uptime"],
  AbortSignal: ["timeout"],
  Math: ["random"],
};
const functions = ["setTimeout", "setInterval"];

const modules = /^node:(timers(\/promises)?|perf_hooks)$/;

/** Gives the rest of its turn to others, and waits for no time. */
const allowed = "setImmediate";

/** Time and chance are given. */
export const givenTime: Deno.lint.Rule = {
  create(context) {
    const place = placeOf(context.filename);
    if (place === undefined || !places.some((one) => isIn(place, one))) return {};
    let count = 0;
    const report = (node: Deno.lint.Node, what: string) => {
      count++;
      if (Object.hasOwn(ownTime, place)) return;
      const hint = "Take a `Clock` of lib/clock.ts as an argument, and use what it gives";
      context.report({ node, message: `${what} is used where time and chance are given`, hint });
    };
    return {
      ...eachImport((specifier, node) => {
        if (!modules.test(specifier) || node.type === "TSImportType") return;
        const names = node.type === "ImportDeclaration" ? node.specifiers : [];
        const isAllowed = names.length > 0 &&
          names.every((one) =>
            one.type === "ImportSpecifier" && one.imported.type === "Identifier" && one.imported.name === allowed
          );
        if (!isAllowed) report(node, `"${specifier}"`);
      }),
      Identifier(node) {
        const isName = ["ImportSpecifier", "TSTypeQuery"].includes(node.parent.type);
        if (functions.includes(node.name) && !isName && isGlobal(node)) report(node, `\`${node.name}\``);
      },
      MemberExpression(node) {
        const [owner, name] = [globalName(node.object), propertyName(node)];
        if (owner && name && Object.hasOwn(members, owner) && members[owner]!.includes(name)) {
          report(node, `\`${owner}.${name}\``);
        }
      },
      VariableDeclarator(node) {
        const owner = globalName(node.init);
        if (node.id.type !== "ObjectPattern" || !owner || !Object.hasOwn(members, owner)) return;
        for (const one of node.id.properties) {
          const key = one.type === "Property" && one.key.type === "Identifier" ? one.key.name : "";
          if (members[owner]!.includes(key)) report(node, `\`${owner}.${key}\``);
        }
      },
      NewExpression(node) {
        if (globalName(node.callee) === "Date" && node.arguments.length === 0) report(node, "`new Date()`");
      },
      "Program:exit"(node) {
        if (count > 0 || !Object.hasOwn(ownTime, place)) return;
        const hint = "Strike it out of `ownTime` in lib/build/lint/given_time.ts";
        context.report({ node, message: `lib/${place} has no clock of its own any more`, hint });
      },
    };
  },
};
