/**
 * Reads HTTP/1.1 messages, requests and answers alike, with llhttp, the parser of Node.js. undici ships it as
 * WebAssembly, which runs on both runtimes, at about the cost of their own servers' parsers.
 */

import { Buffer } from "node:buffer";
// As text, since a bundler copies what the module exports: a property, 300 bytes of memory, for each byte of a buffer.
import llhttpSource from "undici/lib/llhttp/llhttp-wasm.js" with { type: "text" };

/** The head of a message: all of it but the body. */
export interface Head {
  /** Of a request, such as `POST`. */
  method: string;
  /** Of a request, as it was sent, such as `/webhook?a=b`. */
  target: string;
  /** Of an answer. */
  status: number;
  /** Names and values in turn, as they were sent: each byte is one character. */
  headers: string[];
  /** Whether its sender speaks HTTP/1.0. */
  isOld: boolean;
  /** Whether the connection may be used again after this message, as far as the head says. */
  isKeptAlive: boolean;
}

/** The value of a header, whose name may be in any case; several of one name are joined by commas (RFC 9110, 5.3). */
export function headerOf({ headers }: Head, name: string): string | null {
  let found: string | null = null;
  for (let at = 0; at < headers.length; at += 2) {
    const its = headers[at]!;
    if (its.length !== name.length) continue;
    if (its !== name && its.toLowerCase() !== name.toLowerCase()) continue;
    found = found === null ? headers[at + 1]! : `${found}, ${headers[at + 1]}`;
  }
  return found;
}

/** Who takes what is read. None of its functions may feed a parser. */
export interface MessageReader {
  /** The head is whole. Gives true where no body follows, whatever the head says. */
  onHead(head: Head): boolean;
  /** A part of the body: these bytes of what was fed. */
  onBody(fed: Buffer, start: number, end: number): void;
  /** The message is whole, trailers included. */
  onEnd(): void;
}

/** Why bytes are no message: a method that llhttp does not know, a head beyond its bounds, or anything else. */
export type ParserProblem = "method_unknown" | "head_too_large" | "malformed";

/** Most bytes of a head and of the trailers. */
export const MAX_HEAD_BYTES = 128 * 1024;

/** Most headers of a message, and most trailers. */
const MAX_HEADERS = 1_000;

/** The functions of llhttp's WebAssembly. Parsers are addresses. */
interface Llhttp {
  memory: { buffer: ArrayBuffer };
  malloc(bytes: number): number;
  llhttp_alloc(type: number): number;
  llhttp_free(parser: number): void;
  llhttp_execute(parser: number, bytes: number, length: number): number;
  llhttp_finish(parser: number): number;
  llhttp_resume(parser: number): void;
  llhttp_resume_after_upgrade(parser: number): void;
  llhttp_get_error_pos(parser: number): number;
  llhttp_get_method(parser: number): number;
  llhttp_get_http_major(parser: number): number;
  llhttp_get_http_minor(parser: number): number;
  llhttp_method_name(method: number): number;
  llhttp_set_lenient_keep_alive(parser: number, isOn: number): void;
  llhttp_set_lenient_optional_cr_before_lf(parser: number, isOn: number): void;
  llhttp_set_lenient_chunked_length(parser: number, isOn: number): void;
}

/** What llhttp returns, or a callback gives it. */
const Code = { ok: 0, invalidMethod: 6, paused: 21, pausedUpgrade: 22, user: 24 } as const;

const types = { request: 1, answer: 2 } as const;

/** Bytes that llhttp is handed at once, in a body and before it. */
const INPUT_BYTES = 64 * 1024;
const HEAD_INPUT_BYTES = 4 * 1024;

const SMALL_BYTES = 2 * 1024;

const EMPTY: Buffer = Buffer.alloc(0);

/** A parser, for the messages of one connection in one direction. */
export class Parser {
  /** What is wrong with what was fed; nothing more is read then. */
  problem?: ParserProblem;
  readonly #reader: MessageReader;
  #parser: number;
  #chunk = EMPTY;
  #whole?: string;
  #target = "";
  #headers: string[] = [];
  #headBytes = 0;
  #isInName = false;
  #isInBody = false;
  /** Whether the message that is being fed has come to its end. */
  #isEnded = false;

  constructor(kind: keyof typeof types, reader: MessageReader) {
    this.#reader = reader;
    const library = llhttp();
    this.#parser = library.llhttp_alloc(types[kind]);
    // Whether the connection goes on is for the parser's user to decide, by the head: llhttp would look at a trailer as well.
    library.llhttp_set_lenient_keep_alive(this.#parser, 1);
    if (kind === "request") return; // read strictly: it must mean here what it means to a proxy in front
    library.llhttp_set_lenient_optional_cr_before_lf(this.#parser, 1);
    library.llhttp_set_lenient_chunked_length(this.#parser, 1);
  }

  /**
   * Reads on, to the end of a message at most; the next call begins with what comes after it.
   * @returns How many bytes were read: less than all if a message ended before, or there is a problem.
   */
  feed(bytes: Buffer): number {
    let read = 0;
    this.#isEnded = false;
    while (read < bytes.length && !this.#isEnded && this.problem === undefined) {
      // Little at a time until a body comes: each of many small requests that came together would be copied with the rest.
      const most = this.#isInBody ? INPUT_BYTES : HEAD_INPUT_BYTES;
      const chunk = read === 0 && bytes.length <= most ? bytes : bytes.subarray(read, read + most);
      read += this.#execute(chunk);
    }
    return read;
  }

  /** The connection ended: what lasts until then, such as the body of an answer without a length, is whole now. */
  finish(): void {
    if (this.problem !== undefined) return;
    const code = this.#run(EMPTY, (parser) => llhttp().llhttp_finish(parser));
    if (code !== Code.ok && code !== Code.paused) this.problem = "malformed";
  }

  /** Gives its memory back. It must not be fed any more. */
  free(): void {
    if (this.#parser !== 0) llhttp().llhttp_free(this.#parser);
    this.#parser = 0;
    this.#headers = [];
    this.problem ??= "malformed";
  }

  #execute(chunk: Buffer): number {
    const { memory, llhttp_execute, llhttp_get_error_pos, llhttp_resume, llhttp_resume_after_upgrade } = llhttp();
    if (inputBytes.byteLength === 0) inputBytes = new Uint8Array(memory.buffer, input, INPUT_BYTES); // it has grown
    inputBytes.set(chunk);
    const execute = () => this.#run(chunk, (parser) => llhttp_execute(parser, input, chunk.length));
    let code = execute();
    if (code === Code.pausedUpgrade) {
      // Behind a request for another protocol, which this program does not speak, HTTP goes on.
      llhttp_resume_after_upgrade(this.#parser);
      code = execute();
    }
    if (code === Code.ok) return chunk.length;
    const read = llhttp_get_error_pos(this.#parser) - input;
    if (code === Code.paused) llhttp_resume(this.#parser);
    else this.problem ??= code === Code.invalidMethod ? "method_unknown" : "malformed";
    return read;
  }

  #run(chunk: Buffer, call: (parser: number) => number): number {
    this.#chunk = chunk;
    this.#whole = undefined;
    current = this;
    try {
      return call(this.#parser);
    } finally {
      this.#chunk = EMPTY;
    }
  }

  /** @internal What llhttp calls; see {@link callbacks}. */
  _begin(): number {
    this.#target = "";
    this.#headers = [];
    this.#headBytes = 0;
    this.#isInName = false;
    return Code.ok;
  }

  _target(at: number, length: number): number {
    this.#target += this.#text(at, length);
    return this.#count(length);
  }

  _name(at: number, length: number): number {
    const text = this.#text(at, length);
    if (this.#isInName) this.#headers[this.#headers.length - 1] += text;
    else this.#headers.push(text);
    this.#isInName = true;
    return this.#count(length);
  }

  _value(at: number, length: number): number {
    const text = this.#text(at, length);
    if (this.#isInName) this.#headers.push(text);
    else this.#headers[this.#headers.length - 1] += text;
    this.#isInName = false;
    return this.#count(length);
  }

  _head(status: number, isKeptAlive: boolean): number {
    const { llhttp_get_method, llhttp_get_http_major, llhttp_get_http_minor } = llhttp();
    if (llhttp_get_http_major(this.#parser) !== 1) {
      this.problem = "malformed"; // llhttp takes any version that there is
      return Code.user;
    }
    const headers = this.#headers;
    for (let at = 1; at < headers.length; at += 2) headers[at] = withoutTrailingSpace(headers[at]!);
    // Trailers are read and dropped: merged, they would let a sender say what only the head may (RFC 9110, 6.5.1).
    this.#headers = [];
    const hasNoBody = this.#reader.onHead({
      method: methodName(llhttp_get_method(this.#parser)),
      target: this.#target,
      status,
      headers,
      isOld: llhttp_get_http_minor(this.#parser) === 0,
      isKeptAlive,
    });
    return hasNoBody ? 1 : 0;
  }

  _body(at: number, length: number): number {
    const start = at - input;
    this.#isInBody = true;
    this.#reader.onBody(this.#chunk, start, start + length);
    return Code.ok;
  }

  _end(): number {
    this.#isInBody = false;
    this.#isEnded = true;
    this.#reader.onEnd();
    return Code.paused;
  }

  /** A part of what is fed. Small requests are made a text at one stroke, of which their parts are cut, as that is faster. */
  #text(at: number, length: number): string {
    const start = at - input;
    if (this.#chunk.length > SMALL_BYTES) return this.#chunk.toString("latin1", start, start + length);
    this.#whole ??= this.#chunk.toString("latin1");
    return this.#whole.substring(start, start + length);
  }

  #count(bytes: number): number {
    this.#headBytes += bytes;
    if (this.#headBytes <= MAX_HEAD_BYTES && this.#headers.length <= 2 * MAX_HEADERS) return Code.ok;
    this.problem = "head_too_large";
    return Code.user;
  }
}

let exports: Llhttp | undefined;

/** Where llhttp reads, in its memory, and the bytes there. */
let input = 0;
let inputBytes = new Uint8Array(0);

/** The parser that is being fed: llhttp calls back while it is, and at no other time. */
let current: Parser;

/** llhttp, compiled with the first parser. */
function llhttp(): Llhttp {
  if (exports) return exports;
  // Parsers never wait in the middle of a call, so that all of them share one piece of memory to read from.
  const [, base64 = ""] = /'([A-Za-z0-9+/=]{1000,})'/.exec(llhttpSource) ?? [];
  const module = new WebAssembly.Module(Buffer.from(base64, "base64"));
  exports = new WebAssembly.Instance(module, { env: callbacks }).exports as unknown as Llhttp;
  input = exports.malloc(INPUT_BYTES);
  return exports;
}

const callbacks = {
  wasm_on_message_begin: () => current._begin(),
  wasm_on_url: (_: number, at: number, length: number) => current._target(at, length),
  wasm_on_status: () => Code.ok,
  wasm_on_header_field: (_: number, at: number, length: number) => current._name(at, length),
  wasm_on_header_value: (_: number, at: number, length: number) => current._value(at, length),
  wasm_on_headers_complete: (_: number, status: number, _upgrade: number, keepAlive: number) =>
    current._head(status, keepAlive !== 0),
  wasm_on_body: (_: number, at: number, length: number) => current._body(at, length),
  wasm_on_message_complete: () => current._end(),
};

/** White space may follow a header's value and is no part of it (RFC 9112, 5.1); llhttp leaves it there. */
function withoutTrailingSpace(value: string): string {
  let end = value.length;
  while (end > 0 && isSpace(value.charCodeAt(end - 1))) end--;
  return end === value.length ? value : value.slice(0, end);
}

/** A blank or a tab. */
function isSpace(code: number): boolean {
  return code === 32 || code === 9;
}

const methodNames: string[] = [];

function methodName(method: number): string {
  return methodNames[method] ??= readText(llhttp().llhttp_method_name(method));
}

/** A text in llhttp's memory, which ends with a zero. */
function readText(at: number): string {
  const bytes = new Uint8Array(llhttp().memory.buffer, at);
  return Buffer.from(bytes.subarray(0, bytes.indexOf(0))).toString("latin1");
}
