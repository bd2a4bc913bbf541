/// <reference path="./relay.d.ts" />
// What the relay receives, where it delivers, and what goes where. `relay check` shows it and finds mistakes.
import { connectvets, defineConfig, email, env, http, script, slack } from "relay";

export default defineConfig({
  sources: {
    connectvets: connectvets({ path: "/webhook", secret: env("WEBHOOK_SECRET") }),
  },

  targets: {
    plantao: slack({ url: env("SLACK_WEBHOOK_URL") }),
    equipe: email({
      via: env("SMTP_URL", { default: "smtp://127.0.0.1:25" }),
      from: "relay@clinica.example",
      to: ["equipe@clinica.example"],
    }),
    sistema: http({ url: "http://127.0.0.1:4000/webhook" }),
    arquivo: script({ command: ["logger", "--tag", "relay"] }),
  },

  routes: [
    { on: ["note.failed", "note.transcription.failed"], to: ["plantao", "equipe"] },
    { on: "note.*", to: "sistema", when: (e) => e.data.external_id !== undefined },
  ],

  // Where events that match no route go. Without a fallback they are stored, but go nowhere.
  fallback: "arquivo",
});
