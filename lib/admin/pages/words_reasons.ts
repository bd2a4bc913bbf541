/** Why an attempt failed, in one sentence with what to do about it, in both languages. */

import type { Reason } from "../../outcome.ts";
import type { ReasonWords } from "./words.ts";

export const reasonsEn: Record<Reason, ReasonWords> = {
  connection_refused: {
    name: "connection refused",
    advice: "Nothing listens at the target's address: start the program there, or correct the address in the config.",
  },
  connection_reset: {
    name: "connection cut",
    advice: "The target cut the connection before it answered: look at its own log, and at any proxy in between.",
  },
  dns_failed: {
    name: "name not found",
    advice: "The target's host name could not be resolved: check its spelling, and this machine's DNS.",
  },
  tls_failed: {
    name: "TLS failed",
    advice: "No secure connection could be made: check that the target's certificate is valid and for this host name.",
  },
  network_failed: {
    name: "network failed",
    advice: "The target could not be reached: check this machine's network, its routes and firewalls.",
  },
  proxy_failed: {
    name: "proxy failed",
    advice: "The proxy of `http_proxy` or `https_proxy` let nothing through: mend it, or put the host into `no_proxy`.",
  },
  timed_out: {
    name: "timed out",
    advice: "No answer came in time: find out what slows the target down, or give it a longer `timeout` in the config.",
  },
  rate_limited: {
    name: "rate limited",
    advice: "The target asked for fewer requests: relay waits as it was told; set a lower `rate` if it happens often.",
  },
  redirected: {
    name: "redirected",
    advice: "The target answered with another address, and redirects are not followed: put the new one in the config.",
  },
  refused: {
    name: "refused",
    advice: "The target refused the message: its answer says why; mend the message, the address or the credentials.",
  },
  server_failed: {
    name: "target failed",
    advice: "The target had an error of its own: look at its log, and retry once it is mended.",
  },
  unexpected_answer: {
    name: "unexpected answer",
    advice: "The answer is not what this kind of target gives: check that the address is the right one.",
  },
  script_failed: {
    name: "script failed",
    advice: "The script ended with an error: its output stands with the attempt; run it by hand with the same event.",
  },
  script_not_run: {
    name: "script not run",
    advice: "The script could not be started: the attempt says why; mend its file, and retry.",
  },
  message_invalid: {
    name: "message invalid",
    advice: "The config could not make the message from this event: mend its function, reload, and retry.",
  },
  note_missing: {
    name: "no such note",
    advice: "ConnectVets' API does not know the note: it may be deleted, or `sandbox` in `enrich` is wrong.",
  },
  note_refused: {
    name: "note refused",
    advice: "ConnectVets' API refused the key: mend the `key` in `enrich`, or its `sandbox`, reload, and retry.",
  },
  note_unavailable: {
    name: "note not to be had",
    advice: "ConnectVets' API gave no note: relay asks again by itself; retry once the API is back.",
  },
  crashed: {
    name: "the relay crashed over it",
    advice:
      "The relay ended several times while it made this delivery, so it makes it no more. Look at what the target answers, and report it; the other deliveries go on.",
  },
  internal: {
    name: "error in relay",
    advice: "Something went wrong inside relay: its log says what; retry, and report it if it happens again.",
  },
};

export const reasonsPt: Record<Reason, ReasonWords> = {
  connection_refused: {
    name: "conexão recusada",
    advice: "Nada escuta no endereço do destino: inicie o programa de lá, ou corrija o endereço na configuração.",
  },
  connection_reset: {
    name: "conexão cortada",
    advice: "O destino cortou a conexão antes de responder: veja o log dele e os proxies no caminho.",
  },
  dns_failed: {
    name: "nome não encontrado",
    advice: "O nome do servidor do destino não foi resolvido: confira a grafia e o DNS desta máquina.",
  },
  tls_failed: {
    name: "falha de TLS",
    advice:
      "Não foi possível fazer uma conexão segura: confira se o certificado do destino é válido e deste nome de servidor.",
  },
  network_failed: {
    name: "falha de rede",
    advice: "O destino não foi alcançado: confira a rede desta máquina, as rotas e os firewalls.",
  },
  proxy_failed: {
    name: "falha do proxy",
    advice:
      "O proxy de `http_proxy` ou `https_proxy` não deixou passar: corrija-o, ou inclua o servidor no `no_proxy`.",
  },
  timed_out: {
    name: "tempo esgotado",
    advice: "A resposta não veio a tempo: descubra o que atrasa o destino, ou aumente o `timeout` na configuração.",
  },
  rate_limited: {
    name: "limite de envios",
    advice: "O destino pediu menos envios: o relay espera o que foi pedido; reduza o `rate` se isso se repete.",
  },
  redirected: {
    name: "redirecionado",
    advice: "O destino indicou outro endereço, e redirecionamentos não são seguidos: coloque o novo na configuração.",
  },
  refused: {
    name: "recusado",
    advice: "O destino recusou a mensagem: a resposta diz por quê; corrija a mensagem, o endereço ou as credenciais.",
  },
  server_failed: {
    name: "falha no destino",
    advice: "O destino teve um erro interno: veja o log dele e reenvie quando estiver corrigido.",
  },
  unexpected_answer: {
    name: "resposta inesperada",
    advice: "A resposta não é a que este tipo de destino dá: confira se o endereço é o certo.",
  },
  script_failed: {
    name: "falha no script",
    advice: "O script terminou com erro: a saída está junto da tentativa; execute-o à mão com o mesmo evento.",
  },
  script_not_run: {
    name: "script não executado",
    advice: "Não foi possível iniciar o script: a tentativa diz por quê; corrija o arquivo e reenvie.",
  },
  message_invalid: {
    name: "mensagem inválida",
    advice: "A configuração não conseguiu montar a mensagem: corrija a função, recarregue e reenvie.",
  },
  note_missing: {
    name: "nota inexistente",
    advice: "A API do ConnectVets não conhece a nota: pode ter sido apagada, ou o `sandbox` do `enrich` está errado.",
  },
  note_refused: {
    name: "nota recusada",
    advice: "A API do ConnectVets recusou a chave: corrija a `key` do `enrich`, ou o `sandbox`, recarregue e reenvie.",
  },
  note_unavailable: {
    name: "nota indisponível",
    advice: "A API do ConnectVets não forneceu a nota: o relay pede de novo sozinho; reenvie quando a API voltar.",
  },
  crashed: {
    name: "o relay caiu durante a entrega",
    advice:
      "O relay caiu várias vezes durante esta entrega e por isso não a tenta mais. Veja o que o destino responde e avise quem cuida do relay; as outras entregas continuam.",
  },
  internal: {
    name: "erro no relay",
    advice: "Algo falhou dentro do relay: o log diz o quê; reenvie, e informe o erro se ele se repetir.",
  },
};
