/** The words of `relay init` and of the files that it writes, in English and in Brazilian Portuguese. */

import type { Locale } from "../messages/style.ts";

/** Every word of `relay init`. */
export interface InitWords {
  wrote: string;
  kept: string;
  next: string;
  /** What to do next; the commands follow by themselves. */
  edit: string;
  otherTerminal: string;
  /** What is missing in a `.env` that was left as it was. */
  missing: (names: string) => string;
  config: { about: string; fallback: string };
  dotenv: { about: string; secret: string; slack: string; smtp: string; http: string };
  ask: {
    intro: string;
    failures: string;
    completed: string;
    kinds: Record<"slack" | "email" | "http" | "script" | "none", string>;
    slackUrl: string;
    smtpUrl: string;
    from: string;
    to: string;
    httpUrl: string;
    script: string;
    secret: string;
    later: string;
    invalid: { url: string; smtp: string; address: string; empty: string };
    cancelled: string;
    done: string;
  };
}

const en: InitWords = {
  wrote: "wrote",
  kept: "kept ",
  next: "Next:",
  edit: "Put your secrets into .env, and your targets and routes into relay.config.ts.",
  otherTerminal: "from another terminal",
  missing: (names) => `.env was there already; add to it: ${names}`,
  config: {
    about:
      "What the relay receives, what it delivers to, and what goes where. `relay check` reads it and says what it found.",
    fallback: "Events that no route matched. Without it they are kept, but go nowhere.",
  },
  dotenv: {
    about: "Secrets of relay.config.ts. Only you can read this file; keep it out of version control.",
    secret: "The secret that ConnectVets gave you. Until then, this one serves for `relay send`.",
    slack: "Your Slack incoming webhook.",
    smtp: "Your mail server.",
    http: "Your other system.",
  },
  ask: {
    intro: "A config for relay",
    failures: "Where should failed notes go?",
    completed: "Where should completed notes go?",
    kinds: { slack: "Slack", email: "Email", http: "Another system, by HTTP", script: "A script", none: "Nowhere yet" },
    slackUrl: "URL of the Slack incoming webhook",
    smtpUrl: "Mail server, smtp://user:password@host:587",
    from: "The sender's address",
    to: "The recipient's address",
    httpUrl: "URL of the other system",
    script: "Command to run, with its arguments",
    secret: "Secret of the webhook, from ConnectVets",
    later: "empty: put it into .env later",
    invalid: {
      url: 'Expected a URL such as "https://sistema.example/webhook"',
      smtp: 'Expected a URL such as "smtp://user:password@host:587"',
      address: 'Expected an address such as "equipe@clinica.example"',
      empty: "Expected something",
    },
    cancelled: "Nothing is written",
    done: "Thank you",
  },
};

const pt: InitWords = {
  wrote: "criado  ",
  kept: "mantido ",
  next: "Próximos passos:",
  edit: "Coloque os segredos em .env, e os destinos e as rotas em relay.config.ts.",
  otherTerminal: "em outro terminal",
  missing: (names) => `.env já existia; acrescente a ele: ${names}`,
  config: {
    about:
      "O que o relay recebe, para onde entrega, e o que vai para onde. `relay check` lê este arquivo e diz o que achou.",
    fallback: "Eventos que nenhuma rota pegou. Sem isto eles ficam guardados, mas não vão a lugar nenhum.",
  },
  dotenv: {
    about: "Segredos de relay.config.ts. Só você pode ler este arquivo; não o coloque no controle de versão.",
    secret: "O segredo que o ConnectVets deu a você. Até lá, este serve para `relay send`.",
    slack: "Seu incoming webhook do Slack.",
    smtp: "Seu servidor de email.",
    http: "Seu outro sistema.",
  },
  ask: {
    intro: "Uma configuração para o relay",
    failures: "Para onde devem ir as notas que falharam?",
    completed: "Para onde devem ir as notas concluídas?",
    kinds: {
      slack: "Slack",
      email: "Email",
      http: "Outro sistema, por HTTP",
      script: "Um script",
      none: "Por enquanto, nenhum lugar",
    },
    slackUrl: "URL do incoming webhook do Slack",
    smtpUrl: "Servidor de email, smtp://usuario:senha@host:587",
    from: "Endereço do remetente",
    to: "Endereço do destinatário",
    httpUrl: "URL do outro sistema",
    script: "Comando a executar, com seus argumentos",
    secret: "Segredo do webhook, dado pelo ConnectVets",
    later: "vazio: coloque em .env depois",
    invalid: {
      url: 'É preciso uma URL como "https://sistema.example/webhook"',
      smtp: 'É preciso uma URL como "smtp://usuario:senha@host:587"',
      address: 'É preciso um endereço como "equipe@clinica.example"',
      empty: "É preciso escrever algo",
    },
    cancelled: "Nada foi criado",
    done: "Obrigado",
  },
};

const words: Record<Locale, InitWords> = { en, "pt-BR": pt };

export function initWords(locale: Locale): InitWords {
  return words[locale];
}
