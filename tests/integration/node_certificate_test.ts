/**
 * The certificates by which nodes know each other: got when they are first
 * needed, for a node's own name alone, and renewed in time.
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
import { X509Certificate } from "node:crypto";
import { startCtrl } from "../../src/ctrl/ctrl.ts";
import type { Credential } from "../../src/lnm/credential.ts";
import { peersOf } from "../../src/lnm/peers.ts";
import { CtrlConfig, LnmConfig } from "../../src/schema/config.ts";
import { type Clock, systemClock } from "../../src/sys/clock.ts";
import { HttpClient } from "../../src/sys/http_client.ts";
import { silentLog } from "../../src/sys/log.ts";
import { FakeClock } from "../support/fake_clock.ts";
import { until } from "../support/wait.ts";
import { localPlugins } from "../support/local_plugins.ts";
import { CA_A, CERT_A, KEY_A } from "../support/certificates.ts";

const DAY = 86_400_000;

/** A controller, and what nodes of it keep. */
class Signing implements AsyncDisposable {
  readonly folder: string;
  readonly #stack: AsyncDisposableStack;
  readonly #controller: Awaited<ReturnType<typeof startCtrl>>;

  private constructor(
    folder: string,
    controller: Awaited<ReturnType<typeof startCtrl>>,
    stack: AsyncDisposableStack,
  ) {
    this.folder = folder;
    this.#controller = controller;
    this.#stack = stack;
  }

  static async start(more: Record<string, unknown> = {}): Promise<Signing> {
    const stack = new AsyncDisposableStack();
    const folder = await Deno.makeTempDir({ prefix: "usher_sign_" });
    stack.defer(() => Deno.remove(folder, { recursive: true }));
    const own = more.tls as { ca: string; cert: string; key: string };
    const config = CtrlConfig.parse({
      state_dir: `${folder}/ctrl`,
      listen: { clients: "127.0.0.1:0", nodes: "127.0.0.1:0" },
      names: ["127.0.0.1"],
      ...more,
      ...(own === undefined ? {} : { tls: await writeOwn(folder, own) }),
    });
    const controller = stack.use(
      await startCtrl({
        config,
        version: "0",
        log: silentLog,
        plugins: localPlugins(),
      }),
    );
    return new Signing(folder, controller, stack);
  }

  /** A node that has joined. */
  async joined(name: string): Promise<Credential> {
    const { site } = this.#controller;
    const { secret } = await site.nodes.newToken(null, DAY);
    const answer = await site.nodes.enrol({ secret, name, version: "0" });
    return { url: site.nodesUrl, ca: site.ca.pem, ...answer };
  }

  /** What that node's drivers are given. */
  peers(credential: Credential, clock: Clock = systemClock) {
    const config = LnmConfig.parse({
      state_dir: `${this.folder}/${credential.name}`,
    });
    return peersOf({ config, credential, clock, log: silentLog });
  }

  /** Asks for a certificate as a stranger might. */
  async ask(
    credential: Credential,
    body: Record<string, unknown>,
  ): Promise<{ status: number; text: string }> {
    using client = new HttpClient(credential.ca);
    const response = await client.fetch(`${credential.url}/v1/certificate`, {
      method: "POST",
      body: JSON.stringify(body),
    });
    return { status: response.status, text: await response.text() };
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.#stack.disposeAsync();
  }
}

async function writeOwn(
  folder: string,
  own: { ca: string; cert: string; key: string },
): Promise<Record<string, string>> {
  const paths: Record<string, string> = {};
  for (const [name, pem] of Object.entries(own)) {
    paths[name] = `${folder}/own-${name}.pem`;
    await Deno.writeTextFile(paths[name], pem);
  }
  return paths;
}

async function read(folder: string): Promise<Record<string, string>> {
  const files: Record<string, string> = {};
  for await (const { name } of Deno.readDir(folder)) {
    files[name] = await Deno.readTextFile(`${folder}/${name}`);
  }
  return files;
}

/** A clock so many days ahead. */
function ahead(days: number): Clock {
  return { ...systemClock, now: () => Date.now() + days * DAY };
}

Deno.test("a node gets a certificate for its own name when it is first needed, and keeps it", async () => {
  await using signing = await Signing.start();
  const credential = await signing.joined("n1");
  const peers = signing.peers(credential);
  const { folder } = await peers.credentials();
  const files = await read(folder);

  deepStrictEqual(Object.keys(files).toSorted(), [
    "ca-cert.pem",
    "client-cert.pem",
    "client-key.pem",
    "dh-params.pem",
    "server-cert.pem",
    "server-key.pem",
  ]);
  const certificate = new X509Certificate(files["server-cert.pem"] ?? "");
  strictEqual(certificate.subject, "CN=n1");
  strictEqual(files["ca-cert.pem"], credential.ca);
  for (const name of ["server-key.pem", "client-key.pem"]) {
    const { mode } = await Deno.stat(`${folder}/${name}`);
    strictEqual((mode ?? 0) & 0o777, 0o600, name);
  }
  strictEqual((await peers.credentials()).folder, folder);
  deepStrictEqual(await read(folder), files);
  strictEqual(await peers.address(), "127.0.0.1");
});

Deno.test("a wrong secret, another node's name and what is no key are refused", async () => {
  await using signing = await Signing.start();
  const n1 = await signing.joined("n1");
  const n2 = await signing.joined("n2");
  const { folder } = await signing.peers(n1).credentials();
  const pem = await Deno.readTextFile(`${folder}/server-cert.pem`);
  const publicKey = String(
    new X509Certificate(pem).publicKey.export({ type: "spki", format: "pem" }),
  );

  for (
    const { name, secret } of [{ ...n1, secret: "x" }, { ...n1, name: "n2" }, {
      ...n2,
      name: "n3",
    }]
  ) {
    const { status, text } = await signing.ask(n1, { name, secret, publicKey });
    strictEqual(status, 401, text);
  }
  const junk = await signing.ask(n1, { ...n1, publicKey: "none" });
  strictEqual(junk.status, 400, junk.text);
  match(junk.text, /no public key/);
  await rejects(
    signing.peers({ ...n1, name: "n2" }).credentials(),
    /Node "n2" is unknown here, or its secret is wrong/,
  );
});

Deno.test("a certificate is renewed for the same key once less than a third of its life is left", async () => {
  await using signing = await Signing.start();
  const n1 = await signing.joined("n1");
  const { folder } = await signing.peers(n1).credentials();
  const first = await read(folder);

  await signing.peers(n1, ahead(58)).credentials();
  deepStrictEqual(await read(folder), first, "renewed too early");

  await signing.peers(n1, ahead(61)).credentials();
  const second = await read(folder);
  notStrictEqual(second["server-cert.pem"], first["server-cert.pem"]);
  strictEqual(second["server-cert.pem"], second["client-cert.pem"]);
  strictEqual(second["server-key.pem"], first["server-key.pem"]);

  // Nobody answers: what still holds is used, what does not is refused.
  const nobody = { ...n1, url: "https://127.0.0.1:1" };
  const { folder: kept } = await signing.peers(nobody, ahead(61)).credentials();
  strictEqual(kept, folder);
  await rejects(
    signing.peers(nobody, ahead(91)).credentials(),
    /Cannot get a certificate for node "n1"/,
  );
});

Deno.test("a certificate that nobody uses is renewed, too; a node that needs none gets none", async () => {
  await using site = await Signing.start();
  const credential = await site.joined("n1");
  const clock = new FakeClock(Date.now());
  const peers = site.peers(credential, clock);
  const closing = new AbortController();
  const kept = peers.keep(closing.signal);
  await clock.advance(7 * 3_600_000);
  strictEqual(peers.certificateEnd(), null);
  const { certificate } = await peers.credentials();
  ok((peers.certificateEnd() ?? 0) > clock.now() + 80 * DAY);
  const first = await Deno.readTextFile(certificate);
  // More than a third of its life is left, then less.
  await clock.advance(50 * DAY);
  strictEqual(await Deno.readTextFile(certificate), first);
  await clock.advance(11 * DAY);
  await until(
    "it is renewed",
    async () => {
      // It looks at files in between, which take their own time.
      await clock.advance(6 * 3_600_000);
      return await Deno.readTextFile(certificate) !== first;
    },
  );
  closing.abort();
  await kept;
});

Deno.test("what was damaged or is another's is replaced", async () => {
  await using signing = await Signing.start();
  const n1 = await signing.joined("n1");
  const peers = signing.peers(n1);
  const { folder } = await peers.credentials();
  const first = await read(folder);

  await Deno.writeTextFile(`${folder}/client-cert.pem`, "nothing");
  await peers.credentials();
  const again = await read(folder);
  strictEqual(again["client-cert.pem"], again["server-cert.pem"]);

  await Deno.writeTextFile(`${folder}/server-key.pem`, "nothing");
  await peers.credentials();
  const rekeyed = await read(folder);
  notStrictEqual(rekeyed["server-key.pem"], first["server-key.pem"]);
  strictEqual(rekeyed["client-key.pem"], rekeyed["server-key.pem"]);
  ok(new X509Certificate(rekeyed["server-cert.pem"] ?? "").subject === "CN=n1");
});

Deno.test("at a site with a certificate of its own, nodes know each other by a CA of usher's", async () => {
  await using signing = await Signing.start({
    tls: { ca: CA_A, cert: CERT_A, key: KEY_A },
  });
  const [n1, n2] = [await signing.joined("n1"), await signing.joined("n2")];
  const [first, second] = await Promise.all(
    [n1, n2].map(async (node) =>
      await read((await signing.peers(node).credentials()).folder)
    ),
  );
  notStrictEqual(first?.["ca-cert.pem"], n1.ca);
  strictEqual(first?.["ca-cert.pem"], second?.["ca-cert.pem"]);
});
