/** Bodies of requests: read whole, within bounds of size, time and memory, whatever the sender does. */

/** Why a body could not be read: over its limit, cut short, not there in time, or more at once than there is room for. */
export type BodyProblem = "too_large" | "cut" | "late" | "no_room";

/** A body of up to so many bytes is read at one stroke, at half the cost of a stream, and counts as it was declared. */
const SMALL_BYTES = 16 * 1024;

/** Reads the bodies of all requests that are being received. */
export class Bodies {
  /** Bytes of bodies that are being received. */
  #held = 0;

  /**
   * @param timeoutMs How long a body may take from its headers on.
   * @param roomBytes Most bytes of bodies that are held at once while they come in; one body that may be larger still
   * can come alone.
   */
  constructor(readonly timeoutMs = 30_000, readonly roomBytes = 64 * 1024 ** 2) {}

  /** The bytes of a body that has at most so many. Never throws. */
  async read(request: Request, maxBytes: number): Promise<Uint8Array | BodyProblem> {
    const header = request.headers.get("Content-Length");
    const declared = header === null ? Infinity : Number(header);
    if (header !== null && declared > maxBytes) return "too_large";

    let timer: ReturnType<typeof setTimeout> | undefined;
    const late = new Promise<"late">((resolve) => timer = setTimeout(resolve, this.timeoutMs, "late"));
    try {
      return await (declared <= SMALL_BYTES
        ? this.#readSmall(request, declared, late)
        : this.#readStream(request, maxBytes, late));
    } catch {
      return "cut";
    } finally {
      clearTimeout(timer);
    }
  }

  async #readSmall(request: Request, bytes: number, late: Promise<"late">): Promise<Uint8Array | BodyProblem> {
    if (this.#held + bytes > this.roomBytes) return "no_room";
    this.#held += bytes;
    try {
      const body = await Promise.race([request.arrayBuffer(), late]);
      return body === "late" ? body : new Uint8Array(body);
    } finally {
      this.#held -= bytes;
    }
  }

  /** Counts what has come, not what was declared: a declaration costs a sender nothing, and would crowd out others. */
  async #readStream(request: Request, maxBytes: number, late: Promise<"late">): Promise<Uint8Array | BodyProblem> {
    const reader = request.body?.getReader();
    if (!reader) return new Uint8Array(0);
    let body = new Uint8Array(SMALL_BYTES); // one, that grows: a sender may cut a megabyte into a million pieces
    let bytes = 0;
    let isLate = false;
    const cancel = () => reader.cancel().catch(() => {}); // ends a `read` that waits
    late.then(() => {
      isLate = true;
      cancel();
    });
    try {
      for (;;) {
        const { done, value } = await reader.read();
        if (isLate) return "late";
        if (done) return body.subarray(0, bytes);
        const at = bytes;
        bytes += value.byteLength;
        this.#held += value.byteLength;
        if (bytes > maxBytes) return "too_large";
        if (this.#held > Math.max(this.roomBytes, maxBytes)) return "no_room";
        if (bytes > body.byteLength) body = grown(body, Math.min(2 * bytes, maxBytes));
        body.set(value, at);
      }
    } finally {
      this.#held -= bytes;
      cancel();
    }
  }
}

function grown(bytes: Uint8Array<ArrayBuffer>, length: number): Uint8Array<ArrayBuffer> {
  const larger = new Uint8Array(length);
  larger.set(bytes);
  return larger;
}
