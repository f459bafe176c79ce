/**
 * The certificates of a state directory, as `usher ctrl check` looks at them:
 * whether they can be read, and whether they hold for 30 days more.
 *
 * Nothing is made and nothing is written, other than by `openTrust`.
 *
 * @module
 */
import {
  broken,
  doubtful,
  type Finding,
} from "../../core/invariants/finding.ts";
import { messageOf } from "../../error/mod.ts";
import type { CtrlConfig } from "../../schema/config.ts";
import { isoTime } from "../../sys/clock.ts";
import { readTextOrNull } from "../../sys/file.ts";
import { readCertificate } from "./certificate_check.ts";
import { AHEAD_MS } from "./notices.ts";

/** What is wrong with the certificates that a controller of `config` would use at `now`. */
export async function checkCertificates(
  { tls, state_dir }: Pick<CtrlConfig, "tls" | "state_dir">,
  now: number,
): Promise<Finding[]> {
  const made = `${state_dir}/tls`;
  const files = tls === undefined
    ? {
      "The site's CA": `${made}/ca.pem`,
      "The controller's certificate": `${made}/server-key.pem`,
    }
    : {
      "The site's CA": tls.ca,
      "The controller's certificate": tls.cert,
      "The CA that nodes know each other by": `${made}/peer-ca-key.pem`,
    };
  const findings: Finding[] = [];
  for (const [what, path] of Object.entries(files)) {
    const isMade = path.startsWith(`${made}/`);
    const finding = await checkFile(what, path, now, isMade);
    if (finding !== null) findings.push(finding);
  }
  return findings;
}

async function checkFile(
  what: string,
  path: string,
  now: number,
  isMade: boolean,
): Promise<Finding | null> {
  const record = `certificate ${path}`;
  try {
    const pem = await readTextOrNull(path);
    // The next start makes what usher makes.
    if (pem === null && isMade) return null;
    const { notBefore, notAfter } = await readCertificate(pem ?? "", path);
    if (now < notBefore) {
      return broken(
        "certificate",
        record,
        `${what} "${path}" begins at ${isoTime(notBefore)}`,
        `one that holds now, or another clock: this machine's says ${
          isoTime(now)
        }`,
      );
    }
    if (notAfter - now > AHEAD_MS) return null;
    const isOver = notAfter <= now;
    const find = isOver ? broken : doubtful;
    return find(
      "certificate",
      record,
      `${what} "${path}" ${isOver ? "ended" : "ends"} at ${isoTime(notAfter)}`,
      "one that holds for 30 days at least",
    );
  } catch (error) {
    return broken("certificate", record, messageOf(error), "a certificate");
  }
}
