/** How a file uses a name that every file has, such as `fetch` and `Date`. */

const globals = ["globalThis", "window", "self"];

/** Properties and methods may have the name of a global function. */
const named = ["Property", "PropertyDefinition", "MethodDefinition", "TSPropertySignature", "TSMethodSignature"];

/** Whether this identifier stands for the global of its name: it is no property of another object, nor the name of one. */
export function isGlobal(node: Deno.lint.Identifier): boolean {
  const { parent } = node;
  if (parent.type === "MemberExpression" && parent.property === node && !parent.computed) {
    return isGlobalObject(parent.object);
  }
  return !(named.includes(parent.type) && "key" in parent && parent.key === node);
}

/** The name of a global that an expression is, such as `Date` and `globalThis.Date`. */
export function globalName(node: Deno.lint.Node | null | undefined): string | undefined {
  if (node?.type === "Identifier") return node.name;
  return node?.type === "MemberExpression" && isGlobalObject(node.object) ? propertyName(node) : undefined;
}

/** The name of the property that is read, if it is a literal. */
export function propertyName({ property, computed }: Deno.lint.MemberExpression): string | undefined {
  if (property.type === "Literal") return String(property.value);
  return property.type === "Identifier" && !computed ? property.name : undefined;
}

function isGlobalObject(node: Deno.lint.Node): boolean {
  return node.type === "Identifier" && globals.includes(node.name);
}
