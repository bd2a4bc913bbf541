/** Certificates and keys as people have them, right and wrong: what is told of each. */

import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { join } from "node:path";
import { test } from "node:test";
import { type KeyPair, readKeyPair, summaryOf } from "../../lib/tls/certificate.ts";
import { toldIn } from "../../lib/warnings.ts";
import { makeCertificate, needsOpenssl } from "../helpers/certificate.ts";
import { makeFolder } from "../helpers/folder.ts";
import { inEnglish } from "../../lib/locale/phrase.ts";

const DAY_MS = 86_400_000;

const textsOf = (pem: KeyPair, nowMs = Date.now()) => {
  const { issues, warnings } = readKeyPair(pem, nowMs);
  const told = toldIn("en", warnings.map((warning) => ({ path: "cert", warning })));
  return [
    issues.map(({ part, message }) => `${part} ${inEnglish(message)}`),
    told.map(({ path, message }) => `${path} ${message}`),
  ];
};

/** Gives a test its folder, and a chain: a root, who it vouches for, and a certificate of that one. */
function withChain(work: (folder: string, chain: Record<"root" | "between" | "own", KeyPair>) => void): void {
  const folder = makeFolder();
  try {
    const root = makeCertificate(folder.path, "root", { isAuthority: true });
    const between = makeCertificate(folder.path, "between", { issuer: "root", isAuthority: true });
    work(folder.path, { root, between, own: makeCertificate(folder.path, "own", { issuer: "between" }) });
  } finally {
    folder.remove();
  }
}

test("readKeyPair() takes a whole chain and its key, whatever stands around them", needsOpenssl, () => {
  withChain((_, { root, between, own }) => {
    for (const cert of [own.cert + between.cert, own.cert + between.cert + root.cert]) {
      assert.deepEqual(textsOf({ cert, key: own.key }), [[], []]);
    }
    const noisy = `Bag Attributes\n${own.key}\nsubject=CN = own\n${own.cert}\r\n# between\n${between.cert}`;
    const { pair } = readKeyPair({ cert: noisy, key: noisy }, Date.now());
    assert.deepEqual(pair, { cert: own.cert + between.cert, key: own.key });
  });
});

test("readKeyPair() takes keys in every form in which OpenSSL writes them", needsOpenssl, () => {
  withChain((folder, { own, between }) => {
    const sec1 = execFileSync("openssl", ["ec", "-in", join(folder, "own.key")], { encoding: "utf8", stdio: "pipe" });
    assert.match(sec1, /BEGIN EC PRIVATE KEY/);
    assert.deepEqual(textsOf({ cert: own.cert + between.cert, key: sec1 }), [[], []]);
    for (const key of [["rsa:2048"], ["ed25519"]]) {
      assert.deepEqual(textsOf(makeCertificate(folder, "other", { key, issuer: "root" }))[0], []);
    }
  });
});

test("readKeyPair() says what is wrong with a certificate or a key", needsOpenssl, () => {
  withChain((folder, { own, between }) => {
    const chain = own.cert + between.cert;
    const encrypted = execFileSync("openssl", ["pkey", "-in", "own.key", "-aes256", "-passout", "pass:x"], {
      cwd: folder,
      encoding: "utf8",
    });
    const damaged = (pem: string) => pem.replace(/\n.{20}/, "\nAAAAAAAAAAAAAAAAAAAA");
    const request = "-----BEGIN CERTIFICATE REQUEST-----\nAA==\n-----END CERTIFICATE REQUEST-----\n";
    const rows: [pem: KeyPair, issues: RegExp[]][] = [
      [{ cert: "hello", key: own.key }, [/^cert contains no certificate in PEM/]],
      [{ cert: request, key: own.key }, [/^cert contains no .*; it contains a request for one$/]],
      [{ cert: own.key, key: chain }, [
        /^cert .*; it contains a private key, which belongs in `key`$/,
        /^key .*`cert`$/,
      ]],
      [{ cert: damaged(own.cert), key: own.key }, [/^cert is damaged: cannot read certificate 1 in it$/]],
      [{ cert: own.cert + damaged(between.cert), key: own.key }, [/^cert is damaged: cannot read certificate 2 in it/]],
      [{ cert: chain, key: "hello" }, [/^key contains no private key in PEM/]],
      [{ cert: chain, key: damaged(own.key) }, [/^key is damaged/]],
      [{ cert: chain, key: encrypted }, [/^key needs a passphrase; `openssl pkey -in FILE -out OTHER`/]],
      [{ cert: own.cert, key: between.key }, [/^key is not the key of the certificate in `cert`$/]],
      [{ cert: between.cert + own.cert, key: own.key }, [
        /^cert starts with another certificate; certificate 2 is the one of the key, and must come first$/,
      ]],
      [makeCertificate(folder, "weak", { key: ["rsa:1024"] }), [
        /^key is an RSA key of 1024 bits; expected 2048 or more$/,
      ]],
    ];
    for (const [pem, expected] of rows) {
      const [issues] = textsOf(pem);
      assert.equal(issues!.length, expected.length, `${issues} for ${expected}`);
      expected.forEach((pattern, index) => assert.match(issues![index]!, pattern));
      assert.equal(readKeyPair(pem, Date.now()).pair, undefined);
      assert.doesNotMatch(issues!.join(), /[\w+/=]{40}/, "nothing of the key");
    }
  });
});

test("readKeyPair() warns of a chain that senders may refuse", needsOpenssl, () => {
  withChain((folder, { root, between, own }) => {
    const other = makeCertificate(folder, "other", { isAuthority: true });
    const rows: [pem: KeyPair, warning: RegExp][] = [
      [root, /^cert is self-signed; senders that do not know it refuse it$/],
      [own, /^cert lacks the certificate of its issuer "between"; .*fullchain\.pem$/],
      [{ ...own, cert: own.cert + other.cert }, /^cert is not a chain: certificate 2 did not issue certificate 1; /],
      [
        { ...own, cert: own.cert + between.cert + other.cert },
        /^cert is not a chain: certificate 3 did not issue .* 2; /,
      ],
    ];
    for (const [pem, expected] of rows) {
      const [issues, warnings] = textsOf(pem);
      assert.deepEqual([issues, warnings!.length], [[], 1]);
      assert.match(warnings![0]!, expected);
    }
  });
});

test(
  "readKeyPair() warns of a certificate outside of its time, and of one that ends within 14 days",
  needsOpenssl,
  () => {
    withChain((folder, { between, own }) => {
      const pem = { ...own, cert: own.cert + between.cert };
      const { validTo } = summaryOf(own.cert);
      const [end, day] = [Date.parse(validTo), validTo.slice(0, 10)];
      const warningsAt = (nowMs: number) => textsOf(pem, nowMs)[1]!.filter((text) => !text.includes("certificate 2"));
      assert.deepEqual(warningsAt(end - 15 * DAY_MS), []);
      const inTen = `cert expires in 10 days, on ${day}; renew it, then reload relay`;
      assert.deepEqual(warningsAt(end - 10.5 * DAY_MS), [inTen]);
      assert.match(warningsAt(end - 1.5 * DAY_MS)[0]!, /^cert expires in 1 day, on/);
      assert.match(warningsAt(end - 1000)[0]!, /^cert expires within a day, on/);
      assert.deepEqual(warningsAt(end), [`cert expired on ${day}; senders refuse it`]);
      assert.match(
        warningsAt(Date.now() - 5 * DAY_MS)[0]!,
        /^cert is not valid before 20\d\d-\d\d-\d\d; senders refuse it$/,
      );
      const short = makeCertificate(folder, "short", { days: 1, issuer: "root", isAuthority: true });
      const late = { ...makeCertificate(folder, "late", { issuer: "short" }) };
      const [, warnings] = textsOf({ ...late, cert: late.cert + short.cert }, Date.now() + 2 * DAY_MS);
      assert.match(warnings!.join(), /^cert expired on \S+ \(certificate 2 in the file\); senders refuse it$/);
    });
  },
);
