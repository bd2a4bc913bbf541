/** Targets and deliveries, made as the relay makes them. */

import { Buffer } from "node:buffer";
import type { ReadableEvent, RelayEvent } from "../../lib/event.ts";
import { readable } from "../../lib/sources/view.ts";
import type { Delivery, Target, TargetContext, TargetKind } from "../../lib/targets/target.ts";

/** Builds a target of this kind, named `alvo`, from options as a config gives them. */
export function makeTarget<Options>(
  kind: TargetKind<Options>,
  options: Record<string, unknown>,
  context: Partial<TargetContext> = {},
): Target {
  const defaults: TargetContext = { folder: "/", locale: "pt-BR", timeZone: "America/Sao_Paulo" };
  return kind.build("alvo", kind.schema.parse(options), { ...defaults, ...context });
}

/** A payload in the form of ConnectVets' guide. */
export const samplePayload = {
  event: "note.failed",
  timestamp: "2024-02-14T18:25:43.000Z",
  data: { note_id: "nota-42", status: "failed", external_id: "consulta-7" },
};

/** An event that carries this payload; `parts` goes before what follows from the payload. */
export function makeEvent(payload: object = samplePayload, parts: Partial<RelayEvent> = {}): ReadableEvent {
  const event = {
    id: "0190b0f0-0000-7000-8000-000000000001",
    source: "connectvets",
    type: (payload as { event: string }).event,
    receivedAt: Date.UTC(2024, 1, 14, 18, 25, 44),
    body: Buffer.from(JSON.stringify(payload)),
    headers: { "content-type": "application/json", "x-connectvets-signature": "sha256=abc123" },
    ...parts,
  };
  return readable(event, []);
}

/** A first attempt to deliver an event. */
export function makeDelivery(event: ReadableEvent = makeEvent(), parts: Partial<Delivery> = {}): Delivery {
  return { id: "0190b0f0-0000-7000-8000-00000000000d", attempt: 1, event, message: {}, ...parts };
}

/** A signal that never stops anything. */
export const never = new AbortController().signal;
