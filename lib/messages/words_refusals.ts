/** Why requests are refused, in one sentence with what to do about it, in both languages. */

import type { Refusal } from "../refusal.ts";

/** A refusal in words. */
export interface RefusalWords {
  name: string;
  /** What happened, and what to do about it. Between backticks stands what is to be typed as it is. */
  advice: string;
}

export const refusalsEn: Record<Refusal, RefusalWords> = {
  signature_missing: {
    name: "no signature",
    advice: "The request came without a signature: the sender has no secret set, or somebody else posts to this path.",
  },
  signature_malformed: {
    name: "malformed signature",
    advice: "The signature header is not in the form of this source: see that the source fits the sender.",
  },
  signature_wrong: {
    name: "wrong signature",
    advice: "The sender signs with another secret, or a proxy changes the body on its way: compare the secrets first.",
  },
  body_too_large: {
    name: "body too large",
    advice: "The body is larger than `maxBody`: raise it in the config if these requests are genuine.",
  },
  body_cut: {
    name: "body cut short",
    advice: "The connection ended before the whole body came: check network and proxy.",
  },
  body_late: { name: "body too slow", advice: "The body did not come in time: check network and proxy." },
  body_encoded: {
    name: "compressed body",
    advice: "The body has a `Content-Encoding`: let the sender, or the proxy in front, send it as it was signed.",
  },
  body_no_room: {
    name: "no room for bodies",
    advice: "Too many bodies came in at the same time: the log says from whom; a genuine sender tries again.",
  },
  body_invalid: {
    name: "not an event",
    advice: "The signature is good, but the body is not what this source takes: the log says what is wrong with it.",
  },
  rate_limited: {
    name: "rate limited",
    advice: "One client sent more than `rateLimit` allows: raise it in the config if these requests are genuine.",
  },
  store_failed: {
    name: "not stored",
    advice: "The event could not be stored: the log says why, such as a full disk; the sender tries again.",
  },
};

export const refusalsPt: Record<Refusal, RefusalWords> = {
  signature_missing: {
    name: "sem assinatura",
    advice: "O pedido veio sem assinatura: falta o segredo em quem envia, ou outra pessoa usa este caminho.",
  },
  signature_malformed: {
    name: "assinatura malformada",
    advice: "O cabeçalho de assinatura não tem a forma desta origem: confira se a origem é a certa para quem envia.",
  },
  signature_wrong: {
    name: "assinatura errada",
    advice: "Quem envia assina com outro segredo, ou um proxy altera o corpo no caminho: compare primeiro os segredos.",
  },
  body_too_large: {
    name: "corpo grande demais",
    advice: "O corpo é maior que `maxBody`: aumente o limite na configuração se estes pedidos são legítimos.",
  },
  body_cut: {
    name: "corpo incompleto",
    advice: "A conexão acabou antes que o corpo inteiro chegasse: verifique a rede e o proxy.",
  },
  body_late: { name: "corpo lento demais", advice: "O corpo não chegou a tempo: verifique a rede e o proxy." },
  body_encoded: {
    name: "corpo comprimido",
    advice: "O corpo tem `Content-Encoding`: quem envia, ou o proxy na frente, deve mandá-lo como foi assinado.",
  },
  body_no_room: {
    name: "sem espaço para corpos",
    advice: "Chegaram corpos demais ao mesmo tempo: o log diz de quem; quem é legítimo tenta de novo.",
  },
  body_invalid: {
    name: "não é um evento",
    advice: "A assinatura confere, mas o corpo não é o que esta origem aceita: o log diz o que há de errado.",
  },
  rate_limited: {
    name: "acima do limite",
    advice: "Um cliente enviou mais do que `rateLimit` permite: aumente o limite se estes pedidos são legítimos.",
  },
  store_failed: {
    name: "não guardado",
    advice: "O evento não pôde ser guardado: o log diz por quê, como um disco cheio; quem envia tenta de novo.",
  },
};
