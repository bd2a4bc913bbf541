/** Holds answers against an OpenAPI document. */

import { Ajv2020 } from "ajv/dist/2020.js";
import addFormats from "ajv-formats";

/** The parts of a document that are read here. */
export interface OpenApi {
  openapi: string;
  paths: Record<string, Record<string, { responses: Record<string, unknown> }>>;
  components: { schemas: Record<string, unknown> };
}

/** What is wrong with an answer to this operation by the document, in words; a field that it does not name is. */
export type CheckAnswer = (method: string, path: string, status: number, answer: unknown) => string | undefined;

/** Makes a check of a document. @throws {Error} from the check, if the document names no such answer. */
export function checkerOf(document: OpenApi): CheckAnswer {
  const ajv = new Ajv2020({ strict: false, allErrors: true });
  addFormats.default(ajv);
  ajv.addSchema({ $id: "api", ...(closed(document) as OpenApi) });
  return (method, path, status, answer) => {
    const pointer = ["paths", path, method, "responses", String(status), "content", "application/json", "schema"]
      .map((part) => encodeURIComponent(part.replaceAll("~", "~0").replaceAll("/", "~1"))).join("/");
    const isGood = ajv.validate({ $ref: `api#/${pointer}` }, answer);
    return isGood ? undefined : ajv.errorsText(ajv.errors);
  };
}

/** A copy in which no object has other fields than those it names. */
function closed(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(closed);
  if (typeof value !== "object" || value === null) return value;
  const copy = Object.fromEntries(Object.entries(value).map(([name, one]) => [name, closed(one)]));
  return "properties" in value && copy.type === "object" ? { additionalProperties: false, ...copy } : copy;
}
