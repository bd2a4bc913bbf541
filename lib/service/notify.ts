/** What a service tells systemd of itself, as sd_notify(3) and sd_watchdog_enabled(3) describe it. */

import process from "node:process";
import { monotonicUsec, sendDatagram } from "../libc.ts";
import type { Totals } from "../store/operator.ts";

/** How often the state that people see is looked at, in milliseconds. */
const STATUS_PAUSE_MS = 10_000;

/** How far deliveries are counted for it: a second look tells no more, and counting takes a millisecond at most. */
const MOST_SHOWN = 10_000;

/** What is added to the time that a drain may take before systemd kills what is left. */
const STOP_MARGIN_MS = 10_000;

/** Tells systemd what the relay does; without systemd, nothing. */
export interface ServiceNotifier {
  /** Gives systemd a socket to keep open under this name and pass to the next process; without systemd, asks for none. */
  keep(name: string, share: () => number | undefined): void;
  /** It serves. From now on systemd is told how it is, and that its event loop turns. */
  ready(): void;
  /** It loads its config again, until {@link reloaded}. */
  reloading(): void;
  /** It goes on, with the new config, or with the old one as the new one is not sound. */
  reloaded(isNew: boolean): void;
  /** It ends, which may take so long beyond what it takes to close everything. */
  stopping(drainMs: number): void;
  /** Tells nothing any more. */
  close(): void;
}

/** What a notifier needs of its surroundings. */
export interface NotifierOptions {
  /** Counts deliveries up to a limit; what it throws is left out, as the log tells of it. */
  totals(limit: number): Promise<Totals>;
  env?: Record<string, string | undefined>;
  send?: (socket: string, text: string, descriptor?: number) => void;
  statusPauseMs?: number;
}

/** A notifier for the service manager that `$NOTIFY_SOCKET` names. */
export function createNotifier(
  { totals, env = process.env, send = sendDatagram, statusPauseMs = STATUS_PAUSE_MS }: NotifierOptions,
): ServiceNotifier {
  const socket = env.NOTIFY_SOCKET;
  let statusTimer: NodeJS.Timeout | undefined;
  let watchdogTimer: NodeJS.Timeout | undefined;
  let refusal = "";
  let shown: string | undefined;

  const tell = (...lines: string[]) => {
    if (socket) send(socket, lines.join("\n"));
  };
  const showStatus = async () => {
    try {
      const { waiting, dead } = await totals(MOST_SHOWN);
      const status = `STATUS=${refusal}${shownCount(waiting)} waiting, ${shownCount(dead)} dead`;
      if (statusTimer && status !== shown) tell(shown = status);
    } catch {
      // The store cannot be read now: what needs it says so in the log.
    }
  };
  const endStatus = () => {
    clearInterval(statusTimer);
    statusTimer = undefined;
  };

  return {
    keep(name, share) {
      if (!socket) return;
      const descriptor = share();
      if (descriptor !== undefined) send(socket, `FDSTORE=1\nFDNAME=${name}`, descriptor);
    },
    ready() {
      if (!socket) return;
      tell("READY=1");
      statusTimer = setInterval(showStatus, statusPauseMs).unref();
      showStatus();
      const watchdog = watchdogMs(env);
      if (watchdog !== undefined) watchdogTimer = setInterval(() => tell("WATCHDOG=1"), watchdog / 2).unref();
    },
    reloading() {
      tell("RELOADING=1", `MONOTONIC_USEC=${monotonicUsec()}`);
    },
    reloaded(isNew) {
      refusal = isNew ? "" : "config not reloaded, the previous one stays in use; ";
      tell("READY=1");
      if (socket) showStatus();
    },
    stopping(drainMs) {
      endStatus();
      const longest = (drainMs + STOP_MARGIN_MS) * 1000;
      tell("STOPPING=1", "STATUS=finishing what is in flight", `EXTEND_TIMEOUT_USEC=${longest}`);
      // The watchdog's timer goes on: a drain that hangs is told from one that takes its time.
    },
    close() {
      endStatus();
      clearInterval(watchdogTimer);
    },
  };
}

function shownCount(count: number): string {
  return count < MOST_SHOWN ? `${count}` : `${MOST_SHOWN}+`;
}

/** Within how many milliseconds systemd wants to hear from this process, if it does. */
function watchdogMs({ WATCHDOG_USEC, WATCHDOG_PID }: Record<string, string | undefined>): number | undefined {
  const ms = Number(WATCHDOG_USEC) / 1000;
  const isMeant = WATCHDOG_PID === undefined || Number(WATCHDOG_PID) === process.pid;
  return isMeant && ms > 0 ? ms : undefined;
}
