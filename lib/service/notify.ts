/** What a service tells systemd of itself, as sd_notify(3) and sd_watchdog_enabled(3) describe it. */

import process from "node:process";
import { monotonicUsec, sendDatagram } from "../libc.ts";

/** How often the state that people see is looked at, in milliseconds. */
const STATUS_PAUSE_MS = 10_000;

/** What waits and what is dead, counted in deliveries. */
export interface Counts {
  waiting: number;
  dead: number;
}

/** Tells systemd what the relay does; without systemd, nothing. */
export interface ServiceNotifier {
  /** It serves. From now on systemd is told how it is, and that its event loop turns. */
  ready(): void;
  /** It loads its config again, until {@link reloaded}. */
  reloading(): void;
  /** It goes on, with the new config, or with the old one as the new one is not sound. */
  reloaded(isNew: boolean): void;
  /** It ends. */
  stopping(): void;
  /** Tells nothing any more. */
  close(): void;
}

/** What a notifier needs of its surroundings. */
export interface NotifierOptions {
  /** Counts what is shown; what it throws is left out, as the log tells of it. */
  counts(): Promise<Counts>;
  env?: Record<string, string | undefined>;
  send?: (socket: string, text: string) => void;
  statusPauseMs?: number;
}

/** A notifier for the service manager that `$NOTIFY_SOCKET` names. */
export function createNotifier(
  { counts, env = process.env, send = sendDatagram, statusPauseMs = STATUS_PAUSE_MS }: NotifierOptions,
): ServiceNotifier {
  const socket = env.NOTIFY_SOCKET;
  const timers: ReturnType<typeof setInterval>[] = [];
  let refusal = "";
  let shown: string | undefined;

  const tell = (...lines: string[]) => {
    if (socket) send(socket, lines.join("\n"));
  };
  const showStatus = async () => {
    try {
      const { waiting, dead } = await counts();
      const status = `STATUS=${refusal}${waiting} waiting, ${dead} dead`;
      if (status !== shown) tell(shown = status);
    } catch {
      // The store cannot be read now: what needs it says so in the log.
    }
  };
  const every = (ms: number, work: () => void) => {
    timers.push(setInterval(work, ms).unref());
  };
  const close = () => timers.splice(0).forEach((timer) => clearInterval(timer));

  return {
    ready() {
      tell("READY=1");
      if (!socket) return;
      showStatus();
      every(statusPauseMs, showStatus);
      const watchdog = watchdogMs(env);
      if (watchdog !== undefined) every(watchdog / 2, () => tell("WATCHDOG=1"));
    },
    reloading() {
      tell("RELOADING=1", `MONOTONIC_USEC=${monotonicUsec()}`);
    },
    reloaded(isNew) {
      refusal = isNew ? "" : "config not reloaded, the old one goes on; ";
      tell("READY=1");
      if (socket) showStatus();
    },
    stopping() {
      shown = undefined;
      tell("STOPPING=1", "STATUS=finishing what is in flight");
      // The watchdog's timer goes on: a drain that hangs is told from one that takes its time.
    },
    close,
  };
}

/** Within how many milliseconds systemd wants to hear from this process, if it does. */
function watchdogMs({ WATCHDOG_USEC, WATCHDOG_PID }: Record<string, string | undefined>): number | undefined {
  const ms = Number(WATCHDOG_USEC) / 1000;
  const isMeant = WATCHDOG_PID === undefined || Number(WATCHDOG_PID) === process.pid;
  return isMeant && ms > 0 ? ms : undefined;
}
