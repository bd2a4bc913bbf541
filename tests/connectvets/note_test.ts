/** Notes as the API tells of them, and as it should not. */

import assert from "node:assert/strict";
import { test } from "node:test";
import { noteOf } from "../../lib/connectvets/note.ts";
import { payloadOf } from "../../lib/event.ts";
import { readable } from "../../lib/sources/view.ts";

const section = { id: "abc123", title: "Anamnese", label: "anamnese", content: "Paciente apresenta…", order: "1" };

test("noteOf() gives the documented note as it is, and fields that nobody knows yet", () => {
  const data = {
    id: "6a4fe1de-52c4-4b2b-a30f-4b3fa9d7d8b3",
    name: "Rex",
    gender: "male",
    metadata: [{ key: "procedimento", value: "vacina" }],
    created_at: "2024-02-14T18:25:43Z",
    note_sections: [section],
    species: { name: "dog" },
  };
  assert.deepEqual(noteOf(data), data);
});

test("noteOf() puts empty texts and lists where the API gives none, so that a template need not ask", () => {
  assert.deepEqual(noteOf({}), { id: "", name: "", metadata: [], note_sections: [] });
  const odd = { id: 7, name: null, gender: null, metadata: "none", note_sections: [null, "x", { title: "Plano" }] };
  const empty = { id: "", title: "Plano", label: "", content: "", order: "" };
  assert.deepEqual(noteOf(odd), { id: "7", name: "", metadata: [], note_sections: [empty] });
});

test("noteOf() puts sections in their order, by number, those without one last", () => {
  const orders = ["10", "", "2", "x", "1"];
  const sections = noteOf({ note_sections: orders.map((order) => ({ ...section, order })) })!.note_sections;
  assert.deepEqual(sections.map(({ order }) => order), ["1", "2", "10", "", "x"]);
});

test("noteOf() gives nothing for what is no object", () => {
  for (const data of [undefined, null, "x", 1, []]) assert.equal(noteOf(data), undefined);
});

test("payloadOf() gives the note beside what was received", () => {
  const body = new TextEncoder().encode('{"event":"note.completed","data":{"note_id":"1"}}');
  const stored = { id: "", source: "", type: "note.completed", receivedAt: 0, body, headers: {} };
  const event = readable(stored, []);
  const note = noteOf({ name: "Rex" });
  assert.deepEqual(payloadOf(event), { event: "note.completed", data: { note_id: "1" } });
  assert.deepEqual(payloadOf({ ...event, note }), { event: "note.completed", data: { note_id: "1" }, note });
});
