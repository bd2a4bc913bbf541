/** The service's `.env` under a real systemd: one value, whoever reads it, and a word where systemd reads another one. */

import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import { test } from "node:test";
import { readAsSystemd } from "../../lib/config/environment_file.ts";
import { cases } from "../config/dotenv_cases.ts";
import { needsMachine, startMachine } from "../helpers/machine.ts";
import { CONFIG, installed, post, property } from "./installed.ts";

const DOTENV = "/etc/relay/.env";

/** Lines that give the secret, each in a way of its own; what is before it concerns nobody. */
const secrets = [
  "WEBHOOK_SECRET=whs_0123456789abcdef # nota",
  "WEBHOOK_SECRET=whs_0123456789#abcdef",
  "WEBHOOK_SECRET=whs_0123\\456789abcdef",
  "export WEBHOOK_SECRET=whs_0123456789abcdef",
  'WEBHOOK_SECRET="whs_0123\\n456789abcdef"',
  "WEBHOOK_SECRET=`whs_0123456789 abcdef`",
  "WEBHOOK_SECRET='whs_0123456789abcdef' # nota",
  "# nota \\\nWEBHOOK_SECRET=whs_0123456789abcdef",
  "\ufeffWEBHOOK_SECRET=whs_0123456789abcdef",
  "WEBHOOK_SECRET = whs_0123456789abcdef  \r",
];

test("the service reads what a shell reads, whatever systemd makes of the line", needsMachine, async () => {
  await installed(async (machine) => {
    for (const [index, line] of secrets.entries()) {
      await machine.write(DOTENV, `${line}\n`, "600");
      await machine.do("systemctl restart relay");
      assert.equal(await post(machine, `${index}`), true, line);
      assert.equal(await machine.do(`stat -c '%a %U' ${DOTENV}`), "600 root\n");
    }
    const check = await machine.do(`relay check --config ${CONFIG}`);
    assert.doesNotMatch(check, /\.env/);

    await machine.write(DOTENV, `# one\nexport WEBHOOK_SECRET=whs_0123456789abcdef\n`, "600");
    for (const command of [`relay check --config ${CONFIG}`, "relay service install"]) {
      assert.match(await machine.do(command), /\.env:2:? sets no variable for systemd/, command);
    }
    const { warnings } = JSON.parse(await machine.do("relay service install --json"));
    assert.equal(warnings.length, 1);
    assert.match(await machine.do("journalctl --unit relay --no-pager"), /\.env:2 sets no variable for systemd/);

    // What an administrator has put into the unit counts, and a service without the file starts.
    const drop = "[Service]\nEnvironmentFile=/root/more\n";
    await machine.write("/root/more", "WEBHOOK_SECRET=whs_of_the_administrator\n", "600");
    await machine.write("/etc/systemd/system/relay.service.d/more.conf", drop);
    await machine.do("systemctl daemon-reload && systemctl restart relay");
    assert.equal(await post(machine, "A"), false);
    const unit = "/etc/systemd/system/relay.service";
    await machine.do(`echo '# of mine' >> ${unit}`);
    assert.match(await machine.do("relay service install"), /relay\.service\.old/);
    assert.match(await machine.do(`tail -n 1 ${unit}.old`), /# of mine/);
    assert.equal(await post(machine, "A"), false);
    await machine.do(`rm ${DOTENV} && systemctl restart relay`);
    assert.equal(await property(machine, "ActiveState"), "active");

    await machine.do(`printf 'WEBHOOK_SECRET=ca\\347a\\n' > ${DOTENV}`);
    const { code, stderr } = await machine.sh("relay service install");
    assert.deepEqual([code, /\.env:1:? is not UTF-8/.test(stderr)], [78, true], stderr);
  });
});

test("readAsSystemd() reads what systemd reads", needsMachine, async () => {
  const machine = await startMachine();
  try {
    await machine.write(
      "/etc/systemd/system/read@.service",
      "[Service]\nType=oneshot\nEnvironmentFile=/root/%i.env\n" +
        `ExecStart=/bin/sh -c 'env -0 | base64 -w0 > /root/%i.read'\n`,
    );
    await machine.do("systemctl daemon-reload");
    for (const [index, [, text]] of cases.entries()) await machine.write(`/root/${index}.env`, text);
    const numbers = cases.map((_, index) => index);
    const read = await machine.do(
      `for i in ${numbers.join(" ")}; do systemctl start read@$i && cat /root/$i.read && echo; done`,
    );
    const own = (entries: [string, string][]) =>
      entries.filter(([name]) => /^(\w|my-name|my\.name|1S|export)$/.test(name) && name !== "_").sort();
    for (const [index, line] of read.trim().split("\n").entries()) {
      const [name, text] = cases[index]!;
      const variables = Buffer.from(line, "base64").toString().split("\0").filter((one) => one !== "");
      const real = variables.map((one): [string, string] => {
        const [key = "", value = ""] = one.split(/=(.*)/s);
        return [key, value];
      });
      const told = [...readAsSystemd(text, true)].map(([key, { value }]): [string, string] => [key, value]);
      assert.deepEqual(own(told), own(real), name);
    }
  } finally {
    await machine.close();
  }
});
