/** Rules of this project for `deno lint`: what a file may use, by where it lies. */

/** The part of a path from the program's folder on, such as `outbound/request.ts`; `undefined` for other files. */
function placeOf(file: string): string | undefined {
  return /.*[\\/]lib[\\/](.*)$/.exec(file)?.[1]?.replaceAll("\\", "/");
}

const hint = "Use `request()` of lib/outbound/request.ts, which bounds what comes back";

const clients = /^(node:)?(http|https|http2)$|^undici$/;

const globals = ["globalThis", "window", "self"];

/** Properties and methods may have the name of a global function. */
const named = ["Property", "PropertyDefinition", "MethodDefinition", "TSPropertySignature", "TSMethodSignature"];

/** Requests leave by one way out. */
const oneWayOut: Deno.lint.Rule = {
  create(context) {
    const place = placeOf(context.filename);
    // What the pages load runs in a browser.
    if (place === undefined || place.startsWith("outbound/") || place === "admin/pages/client.js") return {};
    const checkImport = (node: Deno.lint.ImportDeclaration | Deno.lint.ImportExpression) => {
      const { source } = node;
      if (source.type !== "Literal" || !clients.test(String(source.value))) return;
      if (node.type === "ImportDeclaration" && node.importKind === "type") return;
      context.report({ node, message: `"${source.value}" is imported, which can make requests of any kind`, hint });
    };
    return {
      ImportDeclaration: checkImport,
      ImportExpression: checkImport,
      Identifier(node) {
        if (node.name !== "fetch") return;
        const { parent } = node;
        if (parent.type === "MemberExpression" && parent.property === node && !parent.computed) {
          if (parent.object.type !== "Identifier" || !globals.includes(parent.object.name)) return;
        } else if (named.includes(parent.type) && "key" in parent && parent.key === node) return;
        context.report({ node, message: "`fetch` reads an answer without bounds", hint });
      },
    };
  },
};

export default { name: "relay", rules: { "one-way-out": oneWayOut } } satisfies Deno.lint.Plugin;
