/** A note in full, as ConnectVets' API tells of it: the payloads of events name it, and little more. */

import { isObject } from "../json.ts";

/** What the clinic's own system stored with a note. */
interface NoteMetadata {
  key: string;
  value: string;
}

/** One section of a note: clinical text. */
export interface NoteSection {
  id: string;
  title: string;
  label: string;
  content: string;
  /** Its position among the sections, from `"1"`. */
  order: string;
}

/**
 * A note in full. A text or list that the API leaves out is empty here.
 * @see GET /notes/{id} of ConnectVets' API
 */
export interface Note {
  id: string;
  /** The patient's name. */
  name: string;
  gender?: string;
  audio_name?: string;
  audio_url?: string;
  transcription_status?: string;
  transcription_url?: string;
  /** The clinic's own reference, if it has set one. */
  external_id?: string;
  metadata: NoteMetadata[];
  /** ISO 8601, UTC. */
  created_at?: string;
  /** ISO 8601, UTC. */
  updated_at?: string;
  /** In the order of the note. */
  note_sections: NoteSection[];
}

/** Reads the `data` of the API's answer; what it has beside the documented fields stays. `undefined` if it is no object. */
export function noteOf(data: unknown): Note | undefined {
  if (!isObject(data)) return undefined;
  const sections = listOf(data.note_sections).map((one): NoteSection => ({
    ...one,
    id: textOf(one.id),
    title: textOf(one.title),
    label: textOf(one.label),
    content: textOf(one.content),
    order: textOf(one.order),
  }));
  const metadata = listOf(data.metadata).map((one) => ({ ...one, key: textOf(one.key), value: textOf(one.value) }));
  const given = Object.fromEntries(Object.entries(data).filter(([, value]) => value !== null));
  return { ...given, id: textOf(data.id), name: textOf(data.name), metadata, note_sections: inOrder(sections) };
}

/** A section without a number stays behind those that have one. */
function inOrder(sections: NoteSection[]): NoteSection[] {
  const placeOf = ({ order }: NoteSection) => order === "" || Number.isNaN(Number(order)) ? Infinity : Number(order);
  return sections.toSorted((one, other) => {
    const [a, b] = [placeOf(one), placeOf(other)];
    return a === b ? 0 : a - b;
  });
}

function listOf(value: unknown): Record<string, unknown>[] {
  return Array.isArray(value) ? value.filter(isObject) : [];
}

/** Numbers as texts too: `order` is a text in the API's documents, and a number is a slip that it may make. */
function textOf(value: unknown): string {
  return typeof value === "string" ? value : typeof value === "number" ? String(value) : "";
}
