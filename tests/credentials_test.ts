/** Where a credential is looked for: what systemd gave, what the running service has, what its unit names. */

import assert from "node:assert/strict";
import { test } from "node:test";
import { credentialPath, type Surroundings } from "../lib/credentials.ts";

/** Surroundings where nothing is there and no unit known, besides what is given. */
const surroundings = (parts: Partial<Surroundings> = {}): Surroundings => ({
  folder: "/etc/relay",
  exists: () => false,
  unit: () => "",
  ...parts,
});

const unit = `# /etc/systemd/system/relay.service
[Service]
#LoadCredential=webhook:/etc/relay/never
LoadCredential=webhook:/etc/relay/first
LoadCredentialEncrypted=sealed:/etc/relay/sealed
LoadCredential=stored
LoadCredential=relative:webhook.secret

# /etc/systemd/system/relay.service.d/secrets.conf
[Service]
 LoadCredential = webhook:/etc/relay/colon:second
`;

test("credentialPath() is where systemd says, wherever the config lies", () => {
  for (const folder of ["/etc/relay", "/home/ana"]) {
    const path = credentialPath(
      "webhook",
      surroundings({ folder, credentialsDirectory: "/run/credentials/a.service" }),
    );
    assert.equal(path, "/run/credentials/a.service/webhook");
  }
});

test("credentialPath() of a shell is what the running service of a config in /etc has", () => {
  const exists = (path: string) => path === "/run/credentials/clinica.service/webhook";
  assert.equal(
    credentialPath("webhook", surroundings({ folder: "/etc/clinica", exists })),
    "/run/credentials/clinica.service/webhook",
  );
  for (const folder of ["/etc", "/etc/clinica/next", "/home/etc/clinica", "/srv/clinica"]) {
    assert.equal(credentialPath("webhook", surroundings({ folder, exists: () => true })), undefined, folder);
  }
});

test("credentialPath() is the file that the unit names last while the service does not run", () => {
  const asked: string[] = [];
  const find = (credential: string, text: string, isThere = true) =>
    credentialPath(
      credential,
      surroundings({
        exists: (path) => isThere && !path.startsWith("/run/"),
        unit: (name) => {
          asked.push(name);
          return text;
        },
      }),
    );
  assert.equal(find("webhook", unit), "/etc/relay/colon:second");
  assert.deepEqual(asked, ["relay.service"]);
  assert.equal(find("webhook", unit, false), undefined);
  assert.equal(find("webhook", `${unit}LoadCredential=\n`), undefined);
  for (const credential of ["sealed", "stored", "relative", "none"]) assert.equal(find(credential, unit), undefined);
});
