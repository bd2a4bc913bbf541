/** Sample events in the forms that ConnectVets documents, each with a note of its own. */

import { randomUUID } from "node:crypto";
import { type Note, noteOf } from "./note.ts";

/** Names of the events that there is a sample of. */
export const sampleNames = [
  "note.processing",
  "note.completed",
  "note.failed",
  "note.transcription.completed",
  "note.transcription.failed",
] as const;

/** A new event of this name; one whose name is not known has the form of the webhook guide. */
export function sampleEvent(event: string): { event: string; timestamp: string; data: object } {
  const timestamp = new Date().toISOString().replace(/\.\d+Z$/, "Z");
  const id = randomUUID();
  const common = { external_id: "CLIENTE_123" };
  const status = event.split(".").at(-1)!;
  if (!event.startsWith("note.transcription.")) {
    return { event, timestamp, data: { note_id: id, status, ...common } };
  }
  const error = { code: "AUDIO_QUALITY_LOW", message: "Áudio com qualidade insuficiente para transcrição" };
  const end = status === "failed" ? { error, failed_at: timestamp } : { completed_at: timestamp };
  const data = { id, name: "Rex", transcription_status: status, ...common, created_at: timestamp, ...end };
  return { event, timestamp, data };
}

/** A note in full, as ConnectVets' API would give it for a sample. */
export function sampleNote(): Note {
  return noteOf({
    id: randomUUID(),
    name: "Rex",
    gender: "male",
    transcription_status: "completed",
    external_id: "CLIENTE_123",
    note_sections: [
      { id: "s1", title: "Anamnese", label: "anamnese", content: "Paciente apresenta tosse há três dias.", order: "1" },
      { id: "s2", title: "Conduta", label: "conduta", content: "Repouso e retorno em sete dias.", order: "2" },
    ],
  })!;
}
