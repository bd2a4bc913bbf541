/**
 * The rights with which root works on a file that another user can change. Whoever runs a service may place links, pipes
 * and folders where the service keeps its files, and swap them while they are being opened: with that user's own rights,
 * none of it leads to more than that user could do without root.
 */

import process from "node:process";
import { RelayError, sayError } from "../errors.ts";
import { libc } from "../libc.ts";
import type { Phrase } from "../locale/phrase.ts";
import type { User } from "./user.ts";
import { type ViewOf, viewOf } from "./file_view.ts";
import { wayTo } from "./way.ts";

/** With whose rights root has worked last, for a hint where these are not enough. */
let worked: { user: User; theirs: string } | undefined;

/**
 * The rights for whatever lies at a path and beside it. For any user but root, and where root alone can change it, these
 * are those that the process has.
 * @param path An absolute path; nothing need be there.
 * @param options.isNew Whether it will be made anew, by whoever takes care not to take what is there for it.
 * @throws {RelayError} if it cannot be told whose they are, or if root cannot take them on here.
 */
export function rightsTo(path: string, { isNew = false } = {}): Rights {
  if (process.geteuid?.() !== 0) return new Rights();
  const { owner, theirs, folder, shared, isSticky } = wayTo(path);
  if (shared !== undefined && !(isNew && isSticky)) {
    throw new RelayError(
      ({ errors: { rights } }) => rights.cannotUse(path, rights.shared(shared)),
      ({ errors: { rights } }) => isSticky ? rights.moveFile : rights.closeFolder(shared),
    );
  }
  if (!owner) return new Rights();
  return new Rights({ user: owner, theirs: theirs!, path, view: viewOf(folder!, owner) });
}

interface Ruler {
  user: User;
  /** What belongs to that user, on the way to the path or at its end. */
  theirs: string;
  path: string;
  view: ViewOf;
}

/** Rights to what lies at one path. */
export class Rights {
  readonly #ruler?: Ruler;

  constructor(ruler?: Ruler) {
    this.#ruler = ruler;
  }

  /** Does this with these rights, and has the old ones again afterwards. */
  use<Result>(work: () => Result): Result {
    const leave = this.#enter();
    try {
      return work();
    } finally {
      leave();
    }
  }

  /** As {@link use}; nothing else may be at work meanwhile. */
  async during<Result>(work: () => Promise<Result>): Promise<Result> {
    const leave = this.#enter();
    try {
      return await work();
    } finally {
      leave();
    }
  }

  /**
   * Has these rights alone from now on: there is no way back.
   * @param options.ports Keeps the right to listen on ports under 1024 besides, where the system is Linux.
   * @throws {RelayError} if that cannot be.
   */
  take({ ports = false } = {}): void {
    const ruler = this.#begin();
    if (!ruler) return;
    const { uid, gid } = ruler.user;
    this.#change(ruler, ({ setgroups, setgid, setuid }) => {
      const keep = ports ? libc() : undefined;
      keep?.prctl(PR_SET_KEEPCAPS, 1, 0, 0, 0);
      setgroups([gid]);
      setgid(gid);
      setuid(uid);
      // A container may have taken that right from root.
      if (keep && ![capsOf(CAP_NET_BIND_SERVICE), capsOf()].some((caps) => keep.capset(capHeader, caps) === 0)) {
        throw new RelayError(({ errors }) => errors.rights.keepsRights);
      }
      if (isRootAgain()) throw new RelayError(({ errors }) => errors.rights.staysRoot);
    });
  }

  #enter(): () => void {
    const ruler = this.#begin();
    if (!ruler) return () => {};
    const [groups, own] = [process.getgroups!(), process.getegid!()];
    const { uid, gid } = ruler.user;
    this.#change(ruler, ({ setgroups, setegid, seteuid }) => {
      setgroups([gid]);
      setegid(gid);
      seteuid(uid);
    });
    return () => {
      process.seteuid!(0);
      process.setegid!(own);
      process.setgroups!(groups);
      ruler.view.close();
    };
  }

  #begin(): Ruler | undefined {
    if (!this.#ruler || process.geteuid!() !== 0) return undefined;
    this.#ruler.view.open();
    return worked = this.#ruler;
  }

  #change({ user, theirs, path }: Ruler, change: (own: Required<typeof process>) => void): void {
    try {
      change(process as Required<typeof process>);
    } catch (error) {
      const reason: Phrase = error instanceof TypeError ? ({ errors }) => errors.rights.noWay : sayError(error);
      throw new RelayError(
        (words) => {
          const { rights } = words.errors;
          return rights.cannotUse(path, rights.cannotBecome(user.name, theirs, reason(words)));
        },
        ({ errors }) => errors.rights.runAs(user.sudo),
      );
    }
  }
}

/** What to say where the rights that root has taken on are not enough. */
export function rightsHint(): Phrase | undefined {
  if (!worked) return undefined;
  const { user, theirs } = worked;
  return ({ errors }) => errors.rights.limited(user.name, theirs);
}

/** Whether root is to be had again, which is the end of what this is for. */
function isRootAgain(): boolean {
  try {
    process.seteuid!(0);
    return true;
  } catch {
    return process.getuid!() === 0;
  }
}

const PR_SET_KEEPCAPS = 8;
const CAP_NET_BIND_SERVICE = 10;

/** Version 3 of the call, for this thread. @see capset(2) */
const capHeader = new Uint32Array([0x20080522, 0]);

/** This capability alone, or none, as effective, permitted, inheritable, for the first 32 and for the others. */
function capsOf(capability?: number): Uint32Array {
  const bit = capability === undefined ? 0 : 1 << capability;
  return new Uint32Array([bit, bit, 0, 0, 0, 0]);
}
