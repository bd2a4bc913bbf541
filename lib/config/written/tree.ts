/** Finds things in the syntax tree of a config. Pure functions. */

import type { Path } from "../path.ts";
import type { Node, Span } from "./parse.ts";

/** The nodes that a node consists of, in the order of the source. */
export function childrenOf(node: Node): Node[] {
  return Object.values(node).flat().filter(isNode);
}

/** Every node of a tree, those around it before it; `isOf` says which are gone into. */
export function* nodesOf(node: Node, goesInto: (node: Node) => boolean = () => true): Generator<Node> {
  yield node;
  if (!goesInto(node)) return;
  for (const child of childrenOf(node)) yield* nodesOf(child, goesInto);
}

function isNode(value: unknown): value is Node {
  return typeof value === "object" && value !== null && typeof (value as Node).type === "string" &&
    typeof (value as Node).start === "number";
}

/** An import by its name: `{ slack as chat }` from "relay" has the name `slack`; a default import has `default`. */
export interface ImportedName {
  name: string;
  from: string;
  span: Span;
}

/** Everything that a program imports by name, but for types. */
export function importsOf(program: Node): ImportedName[] {
  return importDeclarations(program).filter(({ importKind }) => importKind !== "type").flatMap((declaration) =>
    nodesIn(declaration.specifiers).filter(({ importKind }) => importKind !== "type").map((specifier) => {
      const imported = specifier.imported as Node | undefined;
      const isDefault = specifier.type === "ImportDefaultSpecifier";
      return { name: isDefault ? "default" : nameOf(imported) ?? "*", from: sourceOf(declaration), span: specifier };
    })
  );
}

/** Where the program names a module to import, by that name. */
export function importOf(program: Node, from: string): Span | undefined {
  const isIt = (one: Node) => sourceOf(one) === from;
  const found = [...nodesOf(program)].find((one) => isNode(one.source) && isIt(one));
  return found?.source as Node | undefined;
}

function importDeclarations(program: Node): Node[] {
  return nodesIn(program.body).filter(({ type }) => type === "ImportDeclaration");
}

function sourceOf({ source }: Node): string {
  return String((source as Node | undefined)?.value ?? "");
}

function nodesIn(value: unknown): Node[] {
  return Array.isArray(value) ? value.filter(isNode) : [];
}

/** Whether a program has a default export. */
export function exportsDefault(program: Node): boolean {
  return nodesIn(program.body).some(({ type, specifiers }) =>
    type === "ExportDefaultDeclaration" ||
    nodesIn(specifiers).some(({ exported }) => nameOf(exported as Node | undefined) === "default")
  );
}

/** What an identifier, a text or a number as a key says. */
export function nameOf(key: Node | undefined): string | undefined {
  if (key?.type === "Identifier") return String(key.name);
  return key?.type === "StringLiteral" || key?.type === "NumericLiteral" ? String(key.value) : undefined;
}

/**
 * Where a value of the config is written, or the closest thing around it that can be found; `undefined` if nothing can.
 * @param marksKey The key is meant, and not its value.
 */
export function spanOf(program: Node, path: Path, marksKey = false): Span | undefined {
  let value = nodesIn(program.body).find(({ type }) => type === "ExportDefaultDeclaration")?.declaration as
    | Node
    | undefined;
  let found = value && shortSpan(program, value);
  for (const [index, step] of path.entries()) {
    const member = value && memberOf(program, value, step);
    if (!member) return found;
    value = member.value;
    const isLast = index === path.length - 1;
    found = isLast && marksKey && member.key ? member.key : shortSpan(program, value, member.key);
  }
  return found;
}

/** A value that is written on one line; of another its key, its name, or how it begins. */
function shortSpan(program: Node, value: Node, key?: Node): Span {
  const { start, end } = value.loc as { start: { line: number }; end: { line: number } };
  if (start.line === end.line) return value;
  if (key) return key;
  const inner = unwrap(program, value);
  const callee = inner.type === "CallExpression" ? inner.callee as Node : undefined;
  return callee ?? { start: value.start, end: value.start + 1 };
}

/** The value that a step of a path leads to, and the key that it stands under. */
function memberOf(program: Node, node: Node, step: PropertyKey): { key?: Node; value: Node } | undefined {
  const holder = unwrap(program, node);
  if (holder.type === "CallExpression") {
    const [options, more] = nodesIn(holder.arguments);
    if (nameOf(holder.callee as Node) === "firstOf") {
      if (step === "firstOf") return options && { value: options };
      return more && memberOf(program, more, step);
    }
    return options && unwrap(program, options).type !== "CallExpression" ? memberOf(program, options, step) : undefined;
  }
  if (holder.type === "ArrayExpression") {
    const elements = holder.elements as (Node | null)[];
    const isSure = !elements.slice(0, Number(step) + 1).some((one) => one?.type === "SpreadElement");
    const value = isSure ? elements[Number(step)] : undefined;
    return value ? { value } : undefined;
  }
  if (holder.type !== "ObjectExpression") return undefined;
  // The last one counts.
  const property = nodesIn(holder.properties).findLast(({ key, computed }) =>
    !computed && nameOf(key as Node | undefined) === String(step)
  );
  if (!property) return undefined;
  const key = property.key as Node;
  return { key, value: property.type === "ObjectProperty" ? property.value as Node : property };
}

const WRAPPERS = /^(TSAs|TSSatisfies|TSNonNull|Parenthesized|TSTypeAssertion|Await)/;

/** What a value is without type annotations, of a name what it was declared as in this file. */
function unwrap(program: Node, node: Node, depth = 0): Node {
  if (depth > 10) return node;
  if (WRAPPERS.test(node.type)) return unwrap(program, (node.expression ?? node.argument) as Node, depth + 1);
  if (node.type === "CallExpression" && nameOf(node.callee as Node) === "defineConfig") {
    const [config] = nodesIn(node.arguments);
    return config ? unwrap(program, config, depth + 1) : node;
  }
  if (node.type !== "Identifier") return node;
  const declared = nodesIn(program.body).map((one) => (isNode(one.declaration) ? one.declaration : one))
    .filter(({ type }) => type === "VariableDeclaration").flatMap(({ declarations }) => nodesIn(declarations))
    .find(({ id }) => nameOf(id as Node) === node.name)?.init;
  return isNode(declared) ? unwrap(program, declared, depth + 1) : node;
}
