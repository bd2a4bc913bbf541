/** Delivers to people on WhatsApp, by Meta's own API or by another gateway. Each recipient has a lane of its own. */

import * as z from "zod/mini";
import { sampleEvent, sampleNames, sampleNote } from "../connectvets/samples.ts";
import type { NoteApi, Noted } from "../connectvets/api.ts";
import { MessageError } from "../errors.ts";
import { type AnyEvent, type Payload, payloadOf, type ReadableEvent } from "../event.ts";
import { writeChat } from "../messages/chat_message.ts";
import { cutMarked } from "../messages/cut.ts";
import { styleOf } from "../messages/style.ts";
import { expected, options, says, text } from "../options.ts";
import type { Dead, Outcome } from "../outcome.ts";
import { partOf } from "../part.ts";
import { isRecipient, laneOf, shownRecipient } from "../recipient.ts";
import { isSystem } from "../system_event.ts";
import type { Warning } from "../warnings.ts";
import { type ChatOptions, chatShape, type Content, contentOf, digestContentOf } from "./chat.ts";
import type { MessageFields } from "./message.ts";
import { peoplePolicy } from "./people.ts";
import { type Delivery, policyOf, type Target, type TargetDefinition, type TargetKind } from "./target.ts";
import type { Gateway, GatewayKind, WhatsappGateway, WhatsappMessage } from "./whatsapp/gateway.ts";
import { markedText, markup, MAX_TEXT, neutralise } from "./whatsapp/markup.ts";
import * as gateways from "./whatsapp/mod.ts";
import { hasKnownLength, isNumber, isSameNumber, meantNumber, recipientMask } from "./whatsapp/number.ts";
import {
  type CloudReceiptOptions,
  receiptEndpoint,
  receiptIssues,
  receiptsSchema,
  type TokenReceiptOptions,
} from "./whatsapp/receipts.ts";
import {
  fillTemplate,
  isTemplateName,
  type TemplateMessage,
  type TemplateOptions,
  type TemplateRead,
  templateSchema,
} from "./whatsapp/template.ts";

/** Options of `whatsapp()`. `rate` and `concurrency` are of all recipients together. */
export interface WhatsappOptions<Api extends NoteApi | undefined = undefined> extends ChatOptions<Api> {
  /** The gateway: `whatsappCloud()`, which is WhatsApp's own, `evolution()` or `zapi()`. */
  via: WhatsappGateway;
  /**
   * One recipient, or several, each with deliveries of its own: numbers such as `"+5531999998888"`, or for
   * `whatsappCloud()` ids that are scoped to your business, such as `"BR.13491208655302741918"`.
   */
  to: string | readonly string[];
  /**
   * What is sent in place of the default text, by `whatsappCloud()` alone: WhatsApp takes free text only within 24 hours of
   * the recipient's last message. Beside `text`, it is sent when that time is over.
   */
  template?: TemplateOptions<AnyEvent & Noted<Api>>;
  /** Where the gateway tells what happened to each message: relay shows it, and tries again what never arrived. */
  receipts?: CloudReceiptOptions | TokenReceiptOptions;
}

/** Sends to people on WhatsApp, each at most one message in six seconds. Delivered when the gateway has taken it. */
export function whatsapp<Api extends NoteApi | undefined = undefined>(options: WhatsappOptions<Api>): TargetDefinition {
  return { target: whatsappTarget, options };
}

/**
 * How often one recipient may be sent to.
 * @see https://developers.facebook.com/documentation/business-messaging/whatsapp/throughput
 */
const RECIPIENT_RATES = [{ perMs: 6_000, limit: 1 }];

const recipient = text((words) => words.config.expectations.whatsappRecipient, isRecipient, meantNumber);

const noGateway = expected((words) =>
  words.config.expectations.whatsappVia(Object.keys(gateways).map((name) => `${name}()`).join(", "))
);

/** Reads a {@link WhatsappGateway} into its gateway; mistakes in its options lie where their author wrote them. */
const via = z.transform((value: unknown, { issues }): Gateway => {
  const part = partOf<GatewayKind>("gateway", value);
  const read = part?.kind.schema.safeParse(part.options);
  if (read?.success) return read.data;
  if (read) {
    for (const issue of read.error.issues) issues.push({ ...issue, input: value } as z.core.$ZodRawIssue);
  } else issues.push({ code: "custom", message: noGateway, input: value });
  return z.NEVER;
});

const schema = options({
  ...chatShape,
  via,
  to: z.union([
    z.pipe(recipient, z.transform((one) => [one])),
    z.array(recipient).check(z.minLength(1, expected((words) => words.config.expectations.oneRecipient))),
  ]),
  template: z.optional(templateSchema),
  receipts: z.optional(receiptsSchema),
}).check(z.superRefine(({ via, to, template, receipts }, { addIssue }) => {
  for (const [option, message] of receipts ? receiptIssues(via, receipts) : []) {
    addIssue({ code: "custom", path: ["receipts", option], message });
  }
  if (via.isOfficial) return;
  if (template) addIssue({ code: "custom", path: ["template"], message: says((words) => words.config.onlyWithCloud) });
  if (!to.every(isNumber)) {
    addIssue({ code: "custom", path: ["to"], message: says((words) => words.config.scopedIdOnlyWithCloud) });
  }
}));

/** {@link WhatsappOptions} as they are read. */
type Read = z.output<typeof schema>;

export const whatsappTarget: TargetKind<Read> = {
  schema,
  fields: ["text"],
  build(name, options, context) {
    const { via, enrich, template } = options;
    const receipts = options.receipts && receiptEndpoint(via, options.receipts);
    const secrets = [...via.secrets, ...receipts?.secrets ?? []];
    const style = styleOf(options, context);
    const { recipients, warnings } = recipientsOf(options);
    const policy = peoplePolicy(policyOf(options), options, context, style);

    function compose(event: ReadableEvent, message: MessageFields): Ways {
      const content = contentOf({ escape: neutralise }, event, options, message, style);
      const fill = templateOf(options, event);
      if (fill && content.text === undefined) return { template: fill };
      return { text: written(content), template: fill };
    }

    function composeAll(deliveries: readonly Pick<Delivery, "event">[]): { text: string } {
      return { text: written(digestContentOf({ escape: neutralise }, deliveries, options, style)) };
    }

    async function deliver(delivery: Delivery, recipient: string, signal: AbortSignal): Promise<Outcome> {
      const { id, attempt, event, message, lastReason } = delivery;
      const send = (one: WhatsappMessage) => via.send(one, { id, attempt, recipient }, signal);
      const { text, template } = compose(event, message);
      const isClosed = lastReason === "window_closed"; // as a receipt of the previous attempt said
      if (template && (text === undefined || isClosed)) return await send({ template: template() });
      const outcome = await send({ text: text! });
      return isOutsideWindow(outcome) && template ? await send({ template: template() }) : outcome;
    }

    /** WhatsApp takes no digest outside the window: then each event goes out by itself, as the template. */
    async function deliverAll(
      deliveries: readonly Delivery[],
      recipient: string,
      signal: AbortSignal,
    ): Promise<Outcome> {
      const { id, attempt } = deliveries[0]!;
      const outcome = await via.send(composeAll(deliveries), { id, attempt, recipient }, signal);
      return isOutsideWindow(outcome) && template ? { ...outcome, kind: "retry" } : outcome;
    }

    const masks = recipients.map(recipientMask);
    /** Whatever a gateway says of one recipient may name another one. */
    const mask = (text: string) => masks.reduce((shown, one) => one(shown), text);

    function targetOf(recipient: string): Target {
      return {
        name: laneOf(name, recipient),
        kind,
        policy: { ...policy, rates: RECIPIENT_RATES },
        address: `${shownRecipient(recipient)} via ${via.place}`,
        url: `${via.url}#${recipient}`,
        secrets,
        receipts,
        // The template is not bound to a window.
        judgeLate: (failure) =>
          template && failure.reason === "window_closed" ? { ...failure, kind: "retry" } : failure,
        warnings: [],
        enrich,
        render: (event, message) => rendered(compose(event, message)),
        deliver: async (delivery, signal) => masked(await deliver(delivery, recipient, signal), mask),
        renderAll: composeAll,
        deliverAll: async (deliveries, signal) => masked(await deliverAll(deliveries, recipient, signal), mask),
        aloneAfter: template && "window_closed",
        whole: { name, policy },
      };
    }

    const all = recipients.map(targetOf);
    return {
      name,
      kind,
      policy,
      address: `${recipients.map(shownRecipient).join(", ")} via ${via.place}`,
      url: `${via.url}#${recipients}`,
      secrets,
      receipts,
      warnings,
      enrich,
      render: all[0]!.render,
      deliver: all[0]!.deliver,
      renderAll: composeAll,
      recipients: all,
    };
  },
};

const kind = "whatsapp";

/** The config's text, or the notice, as WhatsApp takes it. */
function written(content: Content): string {
  return cutMarked(content.text ?? writeChat(content.notice, markup), MAX_TEXT, markedText);
}

function isOutsideWindow(outcome: Outcome): outcome is Dead {
  return outcome.kind === "dead" && outcome.reason === "window_closed";
}

/** What can be sent: at least one of them. A template is filled in only when it is sent. */
interface Ways {
  text?: string;
  template?: () => TemplateMessage;
}

function rendered({ text, template }: Ways): Record<string, unknown> {
  return text === undefined ? { template: template!() } : { text };
}

/** The template for an event. A test message shows it with a sample; other system events are not what it is made for. */
function templateOf({ template, enrich }: Pick<Read, "template" | "enrich">, event: ReadableEvent): Ways["template"] {
  if (!template) return undefined;
  if (!isSystem(event)) return () => fillTemplate(template, payloadOf(event));
  return event.type === "relay.test" ? () => fillWithSample(template, enrich !== undefined) : undefined;
}

/**
 * The template, filled in for the first sample event that it can be filled in for: its functions may expect another one.
 * @throws {MessageError} if there is none.
 */
function fillWithSample(template: TemplateRead, hasNote: boolean): TemplateMessage {
  const problems: MessageError[] = [];
  for (const name of ["note.failed", ...sampleNames]) {
    const payload: Payload = { ...sampleEvent(name), ...(hasNote && { note: sampleNote() }) };
    try {
      return fillTemplate(template, payload);
    } catch (error) {
      if (!(error instanceof MessageError)) throw error;
      problems.push(error);
    }
  }
  throw problems[0]!;
}

/** Each recipient once, and what an operator should know. */
function recipientsOf({ via, to, template, digest }: Read): { recipients: string[]; warnings: Warning[] } {
  const recipients: string[] = [];
  const warnings: Warning[] = [];
  for (const one of to) {
    const shown = shownRecipient(one);
    const isTwice = recipients.some((other) => isSameNumber(one, other));
    if (isTwice) warnings.push(({ whatsapp }) => whatsapp.twice(shown));
    else recipients.push(one);
    if (!hasKnownLength(one)) warnings.push(({ whatsapp }) => whatsapp.length(shown));
  }
  if (via.isOfficial && !template) warnings.push(({ whatsapp }) => whatsapp.noTemplate);
  if (via.isOfficial && digest) warnings.push(({ whatsapp }) => whatsapp.digest(template !== undefined));
  if (template && !isTemplateName(template.name)) warnings.push(({ whatsapp }) => whatsapp.templateName(template.name));
  return { recipients, warnings };
}

/** An outcome that tells no more of a recipient than the last digits. */
function masked(outcome: Outcome, mask: (text: string) => string): Outcome {
  const answer = outcome.answer === undefined ? {} : { answer: mask(outcome.answer) };
  return outcome.kind === "delivered"
    ? { ...outcome, ...answer }
    : { ...outcome, ...answer, detail: outcome.detail.map(mask) };
}
