/** The body of a request, as it comes in piece by piece. */

import { Buffer } from "node:buffer";

/** Why a body could not be read: over its limit, cut short, not there in time, compressed, or room was needed for others. */
export type BodyProblem = "too_large" | "cut" | "late" | "encoded" | "no_room";

const EMPTY: Buffer = Buffer.alloc(0);

export class Body {
  /** All of it has come, or it is known that it will not. */
  isWhole = false;
  readonly #declared: number;
  #buffer = EMPTY;
  #length = 0;
  #maxBytes = Infinity;
  #problem?: BodyProblem;
  #settle?: (result: Uint8Array | BodyProblem) => void;

  /** @param declared How many bytes its sender says that it has; `Infinity` where it does not say. */
  constructor(declared: number) {
    this.#declared = declared;
  }

  /** Bytes of memory that it takes. */
  get held(): number {
    return this.#buffer.length;
  }

  /** Whether none of it has come, and it is wanted. */
  get isAwaited(): boolean {
    return !this.isWhole && this.#length === 0 && this.#problem === undefined;
  }

  /** Resolves with its bytes when all have come. To be called once. */
  read(maxBytes: number): Promise<Uint8Array | BodyProblem> {
    this.#maxBytes = maxBytes;
    if (this.#length > maxBytes || (this.#declared !== Infinity && this.#declared > maxBytes)) this.fail("too_large");
    if (this.#problem !== undefined) return Promise.resolve(this.#problem);
    if (this.isWhole) return Promise.resolve(this.#bytes());
    return new Promise((resolve) => this.#settle = resolve);
  }

  /** More of it. What is declared costs nothing until it comes: a sender may declare what it never sends. */
  add(bytes: Buffer, start: number, end: number): void {
    if (this.#problem !== undefined) return;
    const at = this.#length;
    this.#length += end - start;
    if (this.#length > this.#maxBytes) return this.fail("too_large");
    if (at === 0 && this.#length === this.#declared) {
      this.#buffer = bytes.subarray(start, end); // whole at one stroke, as most are: nobody writes to these bytes
      return;
    }
    if (this.#length > this.#buffer.length) this.#grow();
    bytes.copy(this.#buffer, at, start, end);
  }

  end(): void {
    this.isWhole = true;
    this.#finish(this.#problem ?? this.#bytes());
  }

  /** Gives it up, and the memory that it takes. The first problem counts. */
  fail(problem: BodyProblem): void {
    this.#problem ??= problem;
    this.#buffer = EMPTY;
    this.#finish(this.#problem);
  }

  /** One buffer that grows, since a sender may cut a megabyte into a million pieces. */
  #grow(): void {
    const bytes = this.#buffer.length === 0 ? this.#length : Math.min(2 * this.#length, this.#declared);
    const larger = Buffer.allocUnsafeSlow(bytes);
    larger.set(this.#buffer);
    this.#buffer = larger;
  }

  #bytes(): Uint8Array {
    return this.#buffer.length === this.#length ? this.#buffer : this.#buffer.subarray(0, this.#length);
  }

  #finish(result: Uint8Array | BodyProblem): void {
    this.#settle?.(result);
    this.#settle = undefined;
  }
}
