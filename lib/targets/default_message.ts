/** The message that a person gets where the config gives none, in Brazilian Portuguese or English. */

import { z } from "zod";
import { payloadOf, type RelayEvent } from "../event.ts";
import { isOwn } from "../own_event.ts";
import { ownMessage } from "./own_message.ts";

/** Language of the default messages. */
export type Locale = "pt-BR" | "en";

/** Options of targets that have a default message. */
export interface LocaleOptions {
  /** Language of the default message. Default: the config's `locale`. */
  locale?: Locale;
  /** IANA time zone of the times in it. Default: the config's `timeZone`. */
  timeZone?: string;
}

/** The zod shape of {@link LocaleOptions}. */
export const localeShape = {
  locale: z.enum(["pt-BR", "en"]).optional(),
  timeZone: z.string().refine(isTimeZone, 'expected an IANA time zone such as "America/Sao_Paulo"').optional(),
};

function isTimeZone(name: string): boolean {
  try {
    return !!new Intl.DateTimeFormat("en", { timeZone: name });
  } catch {
    return false;
  }
}

interface Words {
  titles: Record<string, string>;
  otherTitle: (type: string) => string;
  event: string;
  note: string;
  patient: string;
  client: string;
  time: string;
  error: string;
}

const words: Record<Locale, Words> = {
  "pt-BR": {
    titles: {
      "note.processing": "Nota em processamento",
      "note.completed": "Nota concluída",
      "note.failed": "Falha no processamento da nota",
      "note.transcription.completed": "Transcrição concluída",
      "note.transcription.failed": "Falha na transcrição",
    },
    otherTitle: (type) => `Evento ${type}`,
    event: "Evento",
    note: "Nota",
    patient: "Paciente",
    client: "Referência do cliente",
    time: "Horário",
    error: "Erro",
  },
  en: {
    titles: {
      "note.processing": "Note is being processed",
      "note.completed": "Note completed",
      "note.failed": "Note failed",
      "note.transcription.completed": "Transcription completed",
      "note.transcription.failed": "Transcription failed",
    },
    otherTitle: (type) => `Event ${type}`,
    event: "Event",
    note: "Note",
    patient: "Patient",
    client: "Client reference",
    time: "Time",
    error: "Error",
  },
};

/** What a default message says. */
export interface DefaultMessage {
  /** What happened, in a few words; also an email's subject. */
  title: string;
  /** Label and value of each thing that is known, most important first. */
  facts: [label: string, value: string][];
}

/**
 * The default message for an event, from whatever its payload holds.
 * @param timeZone IANA name of the zone in which the time is given.
 */
export function defaultMessage(event: RelayEvent, locale: Locale, timeZone: string): DefaultMessage {
  const payload = payloadOf(event);
  const timeOf = (iso: unknown) => localTime(iso, event.receivedAt, locale, timeZone);
  if (isOwn(event)) return ownMessage(payload, locale, timeOf);
  const data = objectOf(payload.data);
  const error = objectOf(data.error);
  const w = words[locale];
  const facts: [string, string | undefined][] = [
    [w.error, [error.code, error.message].map(oneLine).filter(Boolean).join(": ")],
    [w.patient, oneLine(data.name)],
    [w.note, oneLine(data.note_id ?? data.id)],
    [w.client, oneLine(data.external_id)],
    [w.time, timeOf(payload.timestamp)],
    [w.event, oneLine(event.type)],
  ];
  return {
    // A type such as "constructor" names no title, though every object has one.
    title: Object.hasOwn(w.titles, event.type) ? w.titles[event.type]! : w.otherTitle(oneLine(event.type) ?? ""),
    facts: facts.filter((fact): fact is [string, string] => !!fact[1]),
  };
}

function objectOf(value: unknown): Record<string, unknown> {
  return typeof value === "object" && value !== null ? value as Record<string, unknown> : {};
}

/** A value on one line of at most 500 characters; `undefined` for what is not a text or a number. */
function oneLine(value: unknown): string | undefined {
  if (typeof value !== "string" && typeof value !== "number") return undefined;
  const line = String(value).toWellFormed().replaceAll(/[\s\p{Cc}]+/gu, " ").trim();
  return line.length > 500 ? `${line.slice(0, 499).toWellFormed()}…` : line;
}

/** The event's own time, or when it was received. */
function localTime(timestamp: unknown, receivedAt: number, locale: Locale, timeZone: string): string {
  const own = typeof timestamp === "string" ? Date.parse(timestamp) : NaN;
  const format = new Intl.DateTimeFormat(locale, { timeZone, dateStyle: "short", timeStyle: "medium" });
  return `${format.format(Number.isNaN(own) ? receivedAt : own)} (${timeZone})`;
}
