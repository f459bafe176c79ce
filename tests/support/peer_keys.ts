/**
 * What nodes of a test know each other by: certificates of one CA for as long
 * as the test's process lives, made by the code that signs the real ones.
 *
 * @module
 */
import { generateKeyPairSync } from "node:crypto";
import {
  type KeyPair,
  makeCa,
  makePeerCertificate,
} from "../../src/ctrl/trust/certificates.ts";
import type { Peers } from "../../src/driver/driver.ts";
import { DH_GROUP } from "../../src/lnm/dh_group.ts";
import { credentialsIn } from "../../src/lnm/peers.ts";

let ca: Promise<KeyPair> | null = null;

/** Writes a certificate for `name` into `folder`, by the CA of this test or by one that nobody knows. */
export async function writePeerKeys(
  folder: string,
  name: string,
  from: "site" | "stranger" = "site",
): Promise<void> {
  ca ??= makeCa(Date.now());
  const signer = from === "site" ? await ca : await makeCa(Date.now());
  const keys = generateKeyPairSync("ec", { namedCurve: "P-256" });
  const pem = (key: typeof keys.privateKey, type: "pkcs8" | "spki") =>
    String(key.export({ type: type as "pkcs8", format: "pem" }));
  const cert = await makePeerCertificate(
    signer,
    name,
    pem(keys.publicKey, "spki"),
    Date.now(),
  );
  await Deno.mkdir(folder, { recursive: true });
  const files = {
    "ca-cert": signer.certPem,
    "server-cert": cert,
    "client-cert": cert,
    "server-key": pem(keys.privateKey, "pkcs8"),
    "client-key": pem(keys.privateKey, "pkcs8"),
    "dh-params": DH_GROUP,
  };
  for (const [file, text] of Object.entries(files)) {
    await Deno.writeTextFile(`${folder}/${file}.pem`, text);
  }
}

/** The peers of a node called `name`, on loopback; its certificate is made when it is first asked for. */
export function testPeers(
  folder: string,
  name: string,
  ports: Peers["ports"] = { first: 49152, last: 49400 },
): Peers {
  return {
    ports,
    address: () => Promise.resolve("127.0.0.1"),
    credentials: async () => {
      // A test may have put others there.
      const isThere = await Deno.stat(`${folder}/client-key.pem`)
        .then(() => true, () => false);
      if (!isThere) await writePeerKeys(folder, name);
      return credentialsIn(folder);
    },
  };
}
