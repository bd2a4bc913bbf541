/// <reference path="./relay.d.ts" />
// What the relay receives, what it delivers to, and what goes where. After a change, as root:
//
//   relay check --config /etc/relay/relay.config.ts    says what is wrong with it, or what goes where
//   systemctl reload relay                             takes it up; `listen`, `admin` and `store` need a restart
//
// Secrets are in /etc/relay/.env, which only root can read. Put the one that ConnectVets gives you there in place of the
// one that was made up at installation.
import { connectvets, defineConfig, env, script } from "relay";

export default defineConfig({
  // A server that does HTTPS, such as Caddy or nginx, stands before it.
  listen: { host: "127.0.0.1", port: 3000 },

  sources: {
    connectvets: connectvets({ path: "/webhook", secret: env("WEBHOOK_SECRET") }),
  },

  targets: {
    // Writes each event to the journal: journalctl -t relay-event
    journal: script({ command: ["logger", "--tag", "relay-event"] }),
    // The others (name them in the `import` above):
    // plantao: slack({ url: env("SLACK_WEBHOOK_URL") }),
    // equipe: email({ via: env("SMTP_URL"), from: "relay@clinica.example", to: ["equipe@clinica.example"] }),
    // sistema: http({ url: "http://127.0.0.1:4000/webhook" }),
  },

  routes: [
    // { on: ["note.failed", "note.transcription.failed"], to: ["plantao", "equipe"] },
    // { on: "note.*", to: "sistema", when: (e) => e.data.external_id !== undefined },
  ],

  // Where events go that no route matched.
  fallback: "journal",
});
