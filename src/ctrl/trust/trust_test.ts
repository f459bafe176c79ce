/**
 * The controller's CA and certificate, over real TLS and by openssl's judgement.
 *
 * @module
 */
import {
  deepStrictEqual,
  match,
  notStrictEqual,
  ok,
  rejects,
  strictEqual,
} from "node:assert/strict";
import { generateKeyPairSync } from "node:crypto";
import { isUsherError } from "../../error/mod.ts";
import { serveTls } from "../../sys/listen.ts";
import { fingerprint } from "../../sys/pem.ts";
import { needsRenewal } from "../../sys/validity.ts";
import type { Trust } from "./site_trust.ts";
import { openTrust, type TrustOptions } from "./trust.ts";

/** The first server loads libc, which stays: no leak. */
const LOADS_LIBC = { sanitizeResources: false };

const NOW = Date.now();
const DAY_MS = 86_400_000;

async function withFolder(
  run: (folder: string) => Promise<void>,
): Promise<void> {
  const folder = await Deno.makeTempDir({ prefix: "usher-trust-" });
  try {
    await run(folder);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

function open(
  stateDir: string,
  more: Partial<TrustOptions> = {},
): Promise<Trust> {
  return openTrust({
    stateDir,
    names: ["usher.lab.example", "10.1.2.3"],
    host: "Head-1",
    now: NOW,
    ...more,
  });
}

async function fetchWith(caPem: string, url: string): Promise<string> {
  using client = Deno.createHttpClient({
    caCerts: [caPem],
    poolMaxIdlePerHost: 0,
  });
  const response = await fetch(url, { client });
  return await response.text();
}

Deno.test(
  "openTrust() makes a certificate that TLS accepts with its CA and no other",
  LOADS_LIBC,
  async () => {
    await withFolder(async (folder) => {
      const trust = await open(`${folder}/a`);
      const other = await open(`${folder}/b`);
      const server = serveTls({
        hostname: "127.0.0.1",
        port: 0,
        ...trust.leaf(),
        handler: () => new Response("hello"),
      });
      try {
        for (const host of ["127.0.0.1", "localhost"]) {
          strictEqual(
            await fetchWith(trust.caPem, `https://${host}:${server.port}/`),
            "hello",
          );
        }
        await rejects(
          fetchWith(other.caPem, `https://127.0.0.1:${server.port}/`),
        );
      } finally {
        await server.close(0);
      }
    });
  },
);

Deno.test("openTrust() keeps CA and certificate, with keys that only the owner reads", async () => {
  await withFolder(async (folder) => {
    const first = await open(folder);
    const second = await open(folder);
    strictEqual(second.caPem, first.caPem);
    deepStrictEqual(second.leaf(), first.leaf());
    const modes = await Promise.all(
      ["ca-key.pem", "server-key.pem", "ca.pem"].map(async (name) => {
        const { mode } = await Deno.stat(`${folder}/tls/${name}`);
        return (mode ?? 0) & 0o777;
      }),
    );
    deepStrictEqual(modes, [0o600, 0o600, 0o644]);
    strictEqual(await Deno.readTextFile(`${folder}/tls/ca.pem`), first.caPem);
  });
});

Deno.test("openTrust() makes a new certificate when the names change, under the same CA", async () => {
  await withFolder(async (folder) => {
    const first = await open(folder);
    const second = await open(folder, { names: ["other.example"] });
    strictEqual(second.caPem, first.caPem);
    notStrictEqual(second.leaf().certPem, first.leaf().certPem);
  });
});

Deno.test("renewIfDue() renews when a third of the life is left, and not before", async () => {
  await withFolder(async (folder) => {
    const trust = await open(folder);
    const before = trust.leaf();
    strictEqual(await trust.renewIfDue(NOW + 59 * DAY_MS), false);
    strictEqual(trust.leaf(), before);
    strictEqual(await trust.renewIfDue(NOW + 61 * DAY_MS), true);
    ok(trust.leaf().notAfter > before.notAfter);
    const reopened = await open(folder, { now: NOW + 61 * DAY_MS });
    strictEqual(reopened.leaf().certPem, trust.leaf().certPem);
  });
});

Deno.test("needsRenewal() is true from the last third on", () => {
  const life = { notBefore: 0, notAfter: 300 };
  strictEqual(needsRenewal(life, 0), false);
  strictEqual(needsRenewal(life, 200), false);
  strictEqual(needsRenewal(life, 201), true);
  strictEqual(needsRenewal(life, 1000), true);
  // Made while the clock was ahead: nobody takes it yet.
  strictEqual(needsRenewal(life, -1), true);
});

Deno.test("openTrust() recovers what a crash left: lost, cut and temporary files", async () => {
  await withFolder(async (folder) => {
    const first = await open(folder);
    const tls = `${folder}/tls`;
    await Deno.remove(`${tls}/ca.pem`);
    await Deno.writeTextFile(
      `${tls}/server-key.pem`,
      first.leaf().keyPem.slice(0, 40),
    );
    await Deno.writeTextFile(`${tls}/server-key.pem.x.tmp`, "half");
    const second = await open(folder);
    strictEqual(second.caPem, first.caPem);
    notStrictEqual(second.leaf().certPem, first.leaf().certPem);
    const names = [...Deno.readDirSync(tls)].map(({ name }) => name).sort();
    deepStrictEqual(names, ["ca-key.pem", "ca.pem", "server-key.pem"]);
  });
});

Deno.test("openTrust() refuses a damaged CA instead of replacing it", async () => {
  await withFolder(async (folder) => {
    await open(folder);
    await Deno.truncate(`${folder}/tls/ca-key.pem`, 300);
    await rejects(
      open(folder),
      (error) =>
        isUsherError(error, "invalid_input") && /damaged/.test(error.message),
    );
  });
});

Deno.test("openTrust() refuses what is no name", async () => {
  await withFolder(async (folder) => {
    await rejects(
      open(folder, { names: ["fine.example", "not a name"] }),
      (error) =>
        isUsherError(error, "invalid_input") &&
        error.details.field === "names[1]",
    );
  });
});

Deno.test("openTrust() takes a site's own files, and the ones that replace them", async () => {
  await withFolder(async (folder) => {
    const own = await writeOwn(folder, await open(`${folder}/made`));
    const trust = await open(`${folder}/state`, { own });
    strictEqual(trust.leaf().certPem, await Deno.readTextFile(own.cert));
    strictEqual(await trust.renewIfDue(NOW), false);
    const next = await open(`${folder}/made`, { names: ["next.example"] });
    await writeOwn(folder, next);
    strictEqual(await trust.renewIfDue(NOW), true);
    strictEqual(trust.leaf().keyPem, next.leaf().keyPem);
  });
});

Deno.test("openTrust() knows when the CA of nodes ends that a site's own one needs, also after a restart", async () => {
  await withFolder(async (folder) => {
    const made = await open(`${folder}/made`);
    strictEqual(made.peerCaNotAfter(), null);
    const own = await writeOwn(folder, made);
    const { publicKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });
    const pem = publicKey.export({ type: "spki", format: "pem" }).toString();
    const first = await open(`${folder}/state`, { own });
    strictEqual(first.peerCaNotAfter(), null, "nobody needed it yet");
    await first.signPeer("n1", pem, NOW);
    const end = first.peerCaNotAfter() ?? 0;
    ok(end > NOW + 3600 * DAY_MS, String(end));
    const second = await open(`${folder}/state`, { own });
    strictEqual(second.peerCaNotAfter(), end);
    // What it would sign then, no node would take.
    await rejects(second.signPeer("n1", pem, end + 1), /it has expired/);
  });
});

Deno.test("openTrust() says what is wrong with a site's own files", async () => {
  await withFolder(async (folder) => {
    const made = await open(`${folder}/made`);
    const other = await open(`${folder}/other`);
    const good = await writeOwn(folder, made);
    const wrongKey = `${folder}/wrong.key`;
    await Deno.writeTextFile(wrongKey, other.leaf().keyPem);
    const wrongCa = `${folder}/wrong-ca.pem`;
    await Deno.writeTextFile(wrongCa, other.caPem);
    const garbage = `${folder}/garbage.pem`;
    await Deno.writeTextFile(
      garbage,
      "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n",
    );
    const cases: [Partial<typeof good>, number, RegExp][] = [
      [{ key: wrongKey }, NOW, /wrong\.key": it is not the key of/],
      [{ key: good.cert }, NOW, /no private key in PEM/],
      [{ ca: wrongCa }, NOW, /no CA of .*wrong-ca\.pem" has signed it/],
      [{ cert: good.ca }, NOW, /it is a CA/],
      [{ cert: garbage }, NOW, /garbage\.pem/],
      [{ cert: `${folder}/nowhere` }, NOW, /there is no such file/],
      [{}, NOW + 91 * DAY_MS, /it has expired, it ended at/],
      [{}, NOW - DAY_MS, /it begins at/],
    ];
    for (const [change, now, message] of cases) {
      await rejects(
        open(`${folder}/state`, { own: { ...good, ...change }, now }),
        (error) =>
          isUsherError(error, "invalid_input") &&
          match(error.message, message) === undefined,
      );
    }
  });
});

Deno.test("the certificate passes openssl verify, and the fingerprint is openssl's", async () => {
  await withFolder(async (folder) => {
    const trust = await open(folder);
    const cert = `${folder}/cert.pem`;
    await Deno.writeTextFile(cert, trust.leaf().certPem);
    const ca = `${folder}/tls/ca.pem`;
    match(
      await runOpenssl([
        "verify",
        "-x509_strict",
        "-purpose",
        "sslserver",
        "-CAfile",
        ca,
        cert,
      ]),
      /cert\.pem: OK/,
    );
    for (const host of ["usher.lab.example", "head-1"]) {
      match(
        await runOpenssl([
          "verify",
          "-verify_hostname",
          host,
          "-CAfile",
          ca,
          cert,
        ]),
        /OK/,
      );
    }
    for (const address of ["10.1.2.3", "::1"]) {
      match(
        await runOpenssl([
          "verify",
          "-verify_ip",
          address,
          "-CAfile",
          ca,
          cert,
        ]),
        /OK/,
      );
    }
    const printed = await runOpenssl([
      "x509",
      "-in",
      ca,
      "-noout",
      "-fingerprint",
      "-sha256",
    ]);
    strictEqual(fingerprint(trust.caPem), printed.trim().split("=")[1]);
    strictEqual(trust.caFingerprint, fingerprint(trust.caPem));
  });
});

async function runOpenssl(args: string[]): Promise<string> {
  const { success, stdout, stderr } = await new Deno.Command("openssl", {
    args,
  }).output();
  const decoder = new TextDecoder();
  if (!success) throw new Error(decoder.decode(stderr));
  return decoder.decode(stdout);
}

async function writeOwn(
  folder: string,
  trust: Trust,
): Promise<{ ca: string; cert: string; key: string }> {
  const own = {
    ca: `${folder}/own-ca.pem`,
    cert: `${folder}/own.pem`,
    key: `${folder}/own.key`,
  };
  await Deno.writeTextFile(own.ca, trust.caPem);
  await Deno.writeTextFile(own.cert, trust.leaf().certPem);
  await Deno.writeTextFile(own.key, trust.leaf().keyPem);
  return own;
}
