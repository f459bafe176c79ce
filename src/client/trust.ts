/**
 * Whom to trust at a login, when nothing is known of a site yet.
 *
 * @module
 */
import { getUnverified } from "#machine";
import { connectCause } from "./connect_cause.ts";
import { failure } from "./failure.ts";

const READ_MS = 15_000;
const CERTIFICATE =
  /^-----BEGIN CERTIFICATE-----[A-Za-z0-9+/=\s]+-----END CERTIFICATE-----\s*$/;

/** The SHA-256 of a certificate, as bytes in hex separated by colons. */
export async function fingerprintOf(pem: string): Promise<string> {
  const [, base64 = ""] =
    /-----BEGIN CERTIFICATE-----([\s\S]*?)-----END CERTIFICATE-----/.exec(
      pem,
    ) ?? [];
  const der = Uint8Array.from(
    atob(base64.replace(/\s/g, "")),
    (char) => char.charCodeAt(0),
  );
  const digest = new Uint8Array(await crypto.subtle.digest("SHA-256", der));
  return Array.from(digest, (byte) => byte.toString(16).padStart(2, "0"))
    .join(":").toUpperCase();
}

/** Whether two fingerprints are the same, however they are written. */
export function sameFingerprint(a: string, b: string): boolean {
  return plain(a) === plain(b);
}

function plain(fingerprint: string): string {
  return fingerprint.replace(/^sha-?256:/i, "").replace(/[:\s]/g, "")
    .toLowerCase();
}

/** Reads the CA that a controller says it has. Whoever answers is not checked. */
export async function readClaimedCa(controller: string): Promise<string> {
  try {
    const { status, body } = await getUnverified(
      `${controller}/v1/ca`,
      AbortSignal.timeout(READ_MS),
    );
    const { pem } = JSON.parse(body);
    if (status === 200 && CERTIFICATE.test(pem)) return pem;
  } catch (error) {
    if (!(error instanceof SyntaxError)) {
      throw await failure(
        "unavailable",
        `Cannot reach the controller at ${controller}: ${connectCause(error)}`,
        {
          hint: "check the address and that the controller runs there",
          cause: error,
        },
      );
    }
  }
  throw await failure(
    "unavailable",
    `Cannot read the CA of ${controller}: the answer is not a controller's`,
    { hint: "check that this is the address at which it serves clients" },
  );
}

/** The CA of `controller`, if it has this fingerprint. */
export async function caByFingerprint(
  controller: string,
  expected: string,
): Promise<string> {
  const pem = await readClaimedCa(controller);
  const found = await fingerprintOf(pem);
  if (sameFingerprint(found, expected)) return pem;
  throw await failure(
    "permission_denied",
    `Cannot trust ${controller}: its CA has the fingerprint ${found}`,
    { hint: "someone may be in between; ask the site's administrator" },
  );
}
