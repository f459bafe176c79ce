import { strictEqual } from "node:assert/strict";
import { createHash } from "node:crypto";
import { fingerprintOf, sameFingerprint } from "./trust.ts";

Deno.test("fingerprintOf() is the SHA-256 of the certificate's bytes", async () => {
  const der = new TextEncoder().encode("certificate, as bytes");
  const pem = `-----BEGIN CERTIFICATE-----\n${
    btoa(String.fromCharCode(...der))
  }\n-----END CERTIFICATE-----\n`;
  const found = await fingerprintOf(pem);
  const expected = createHash("sha256").update(der).digest("hex");
  strictEqual(found.replaceAll(":", "").toLowerCase(), expected);
  strictEqual(found.slice(2, 3), ":");
});

Deno.test("sameFingerprint() does not mind how they are written", () => {
  strictEqual(sameFingerprint("AB:CD:01", "abcd01"), true);
  strictEqual(sameFingerprint("SHA256:abcd01", "AB CD 01"), true);
  strictEqual(sameFingerprint("abcd01", "abcd02"), false);
});
