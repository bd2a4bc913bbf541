/** The payloads that ConnectVets documents. */

/** What the guide's three events carry. */
interface NoteData<Status extends string> {
  note_id: string;
  status: Status;
  /** The clinic's own reference, if it has set one. */
  external_id?: string;
}

/** An event in the form of ConnectVets' webhook guide. */
interface NoteEvent<Name extends string, Status extends string> {
  event: Name;
  /** ISO 8601, UTC. */
  timestamp: string;
  data: NoteData<Status>;
}

/** What the transcription events carry. */
interface TranscriptionData<Status extends string> {
  id: string;
  /** The patient's name. */
  name?: string;
  transcription_status: Status;
  external_id?: string;
  /** ISO 8601, UTC. */
  created_at?: string;
}

/** An event in the form of ConnectVets' transcription notices. */
interface TranscriptionEvent<Name extends string, Data> {
  event: Name;
  /** ISO 8601, UTC. */
  timestamp: string;
  /** The subscription that sent this event. It does not identify the event. */
  webhook_id?: string;
  data: Data;
}

/** Why a transcription failed. */
export interface NoteError {
  code: string;
  message: string;
}

/** The events that ConnectVets documents, by name. */
export interface KnownEvents {
  "note.processing": NoteEvent<"note.processing", "processing">;
  "note.completed": NoteEvent<"note.completed", "completed">;
  "note.failed": NoteEvent<"note.failed", "failed">;
  "note.transcription.completed": TranscriptionEvent<
    "note.transcription.completed",
    TranscriptionData<"completed"> & { completed_at?: string }
  >;
  "note.transcription.failed": TranscriptionEvent<
    "note.transcription.failed",
    TranscriptionData<"failed"> & { failed_at?: string; error?: NoteError }
  >;
}
