/**
 * Whom to trust at a login, by asking the person who logs in.
 *
 * @module
 */
import { askYes } from "./ask.ts";
import { failure } from "./failure.ts";
import type { Io } from "./io.ts";
import { fingerprintOf, readClaimedCa } from "./trust.ts";

/** The CA of `controller`, if the person says that it is the right one. */
export async function caByAsking(io: Io, controller: string): Promise<string> {
  if (!io.stdin.isTerminal || !io.stderr.isTerminal) {
    throw await failure(
      "permission_denied",
      `Cannot trust ${controller}: its CA is not known, and there is no terminal to ask on`,
      { hint: "give --ca FILE or --ca-fingerprint SHA256" },
    );
  }
  const pem = await readClaimedCa(controller);
  io.stderr.write(
    `${controller} is not known yet. Its CA has the SHA-256 fingerprint\n  ${await fingerprintOf(
      pem,
    )}\n`,
  );
  if (await askYes(io, "Is that the one the site's administrator told you?")) {
    return pem;
  }
  throw await failure("permission_denied", `${controller} is not trusted`, {
    hint: "ask the site's administrator for the fingerprint",
  });
}
