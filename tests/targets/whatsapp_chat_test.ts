/** WhatsApp as a chat, by each gateway: what every chat must do. */

import { evolution, whatsappCloud, zapi } from "../../lib/config/mod.ts";
import { whatsappTarget } from "../../lib/targets/whatsapp.ts";
import type { SinkRequest } from "../helpers/sink.ts";
import { EVOLUTION_KEY, evolutionError, INSTANCE, startEvolution } from "../helpers/vendors/evolution.ts";
import type { VendorAnswer } from "../helpers/vendors/server.ts";
import { CLOUD_TOKEN, cloudError, PHONE_NUMBER_ID, startWhatsappCloud } from "../helpers/vendors/whatsapp_cloud.ts";
import { CLIENT_TOKEN, startZapi, ZAPI_INSTANCE, ZAPI_TOKEN } from "../helpers/vendors/zapi.ts";
import type { ChatSetup } from "../helpers/chat.ts";
import { testChat } from "./chat_contract.ts";

const json = ({ body }: SinkRequest) => JSON.parse(body.toString());

const common: Pick<ChatSetup, "target" | "hostile" | "readAs" | "bold"> = {
  target: whatsappTarget,
  hostile: "*a* _b_ ~c~ `d` ```e``` *_f_* (*g*) CLIENTE_123_X\n- h\n> i\n1. j",
  readAs: (text) => text.replaceAll("\u200b", ""),
  bold: ["*", "bold"],
};

/** A limit with `Retry-After` and without. */
const limited = (answer: VendorAnswer): ChatSetup["limited"] => [
  { ...answer, headers: { "Retry-After": "17" } },
  17_000,
  answer,
];

const errorOf = ([status, body]: [number, object]): VendorAnswer => ({ status, body });

testChat({
  ...common,
  kind: "whatsapp by whatsappCloud()",
  start: (...answers) => startWhatsappCloud({}, ...answers),
  options: (baseUrl) => ({
    via: whatsappCloud({ phoneNumberId: PHONE_NUMBER_ID, token: CLOUD_TOKEN, baseUrl }),
    to: "+5531999998888",
  }),
  secrets: [CLOUD_TOKEN],
  size: [(request) => json(request).text.body.length, 4_096],
  limited: limited(cloudError({ code: 130429, status: 429 })),
  failing: cloudError({ code: 131000, status: 500 }),
  permanent: [
    [cloudError({ code: 190, status: 401 }), "token_refused"],
    [cloudError({ code: 131030 }), "recipient_unreachable"],
    [cloudError({ code: 999999 }), "refused"],
  ],
  inside: [cloudError({ code: 131026 }, true), "dead", "recipient_unreachable"],
});

testChat({
  ...common,
  kind: "whatsapp by evolution()",
  start: (...answers) => startEvolution({}, ...answers),
  options: (url) => ({ via: evolution({ url, instance: INSTANCE, apiKey: EVOLUTION_KEY }), to: "+5531999998888" }),
  secrets: [EVOLUTION_KEY],
  size: [(request) => json(request).text.length, 4_096],
  limited: limited(errorOf(evolutionError(429, "Too Many Requests"))),
  failing: errorOf(evolutionError(500, "Internal Server Error", "Connection Closed")),
  permanent: [[errorOf(evolutionError(401, "Unauthorized")), "token_refused"]],
  inside: [{ status: 200, body: { status: 401, error: "Unauthorized" } }, "dead", "token_refused"],
});

testChat({
  ...common,
  kind: "whatsapp by zapi()",
  start: (...answers) => startZapi({}, ...answers),
  options: (baseUrl) => ({
    via: zapi({ instance: ZAPI_INSTANCE, token: ZAPI_TOKEN, clientToken: CLIENT_TOKEN, baseUrl }),
    to: "+5531999998888",
  }),
  secrets: [ZAPI_INSTANCE, ZAPI_TOKEN, CLIENT_TOKEN],
  size: [(request) => json(request).message.length, 4_096],
  limited: limited({ status: 429, body: {} }),
  failing: { status: 500, body: { error: "Internal error" } },
  permanent: [[{ status: 400, body: { error: "Instance not found" } }, "token_refused"]],
  inside: [{ status: 200, body: { error: "Phone number does not exist" } }, "dead", "recipient_unreachable"],
});
