/**
 * Why a controller's certificate is not taken, told with what is needed to
 * tell a wrong clock from a certificate that has ended, and a site that has a
 * new CA from somebody in between.
 *
 * For that the controller is asked once more, unverified, and told nothing.
 * What it says is shown as its word and trusted by nobody.
 *
 * @module
 */
import { getUnverified } from "#machine";
import { clocksText } from "./notices.ts";
import { fingerprintOf } from "./trust.ts";

const READ_MS = 5_000;
const APART_MS = 5 * 60_000;

/** What is said instead, and what to do. */
export interface Doubt {
  readonly why: string;
  readonly hint: string;
}

/** What is behind `why`, as `connectCause` says it; null when there is no more to say. */
export async function explainTls(
  controller: string,
  caPem: string | undefined,
  why: string,
): Promise<Doubt | null> {
  const isTime = /has expired|not valid yet/.test(why);
  if (!isTime && !why.includes("CA that is trusted")) return null;
  try {
    const shown = await getUnverified(
      `${controller}/v1/ca`,
      AbortSignal.timeout(READ_MS),
    );
    return isTime
      ? timeDoubt(why, shown, Date.now())
      : await siteDoubt(caPem, shown.body);
  } catch {
    return null;
  }
}

/** What is known of a certificate's time and of the clock of who shows it. */
export interface ShownTime {
  /** ISO 8601, or as TLS says it; absent when it could not be read. */
  readonly notBefore?: string | undefined;
  readonly notAfter?: string | undefined;
  /** The `Date` of its answer. */
  readonly date?: string | undefined;
}

/** A certificate that holds not now, at `now` by this machine's clock. */
export function timeDoubt(why: string, shown: ShownTime, now: number): Doubt {
  const theirs = Date.parse(shown.date ?? "");
  const begins = Date.parse(shown.notBefore ?? "");
  const ends = Date.parse(shown.notAfter ?? "");
  const isApart = Math.abs(theirs - now) >= APART_MS;
  const since = /expired/.test(why)
    ? Number.isNaN(ends) ? "" : `, it ended at ${iso(ends)}`
    : Number.isNaN(begins)
    ? ""
    : `, it begins at ${iso(begins)}`;
  const holdsThere = theirs >= begins && theirs <= ends;
  if (isApart) {
    return {
      why: why + since,
      hint: holdsThere
        ? `is this machine's clock right? by the controller's the certificate holds: ${
          clocksText(now, theirs)
        }`
        : `is this machine's clock right? ${clocksText(now, theirs)}`,
    };
  }
  return {
    why: why + since,
    hint: `the clocks of this machine and of the controller agree (${
      iso(now)
    }), so an administrator has to renew the certificate: usher renews its own when it starts, one of your own is in the files of tls in ctrl.yaml`,
  };
}

async function siteDoubt(
  caPem: string | undefined,
  body: string,
): Promise<Doubt | null> {
  const { pem } = JSON.parse(body) as { pem?: unknown };
  if (caPem === undefined || typeof pem !== "string") return null;
  const trusted = await fingerprintOf(caPem);
  const found = await fingerprintOf(pem);
  const why = "its certificate is not from the CA that is trusted for it";
  if (trusted === found) {
    return {
      why: `${why}, though it says that it has the same CA`,
      hint:
        "what answers there may be somebody in between, or the controller was given a certificate of another CA; ask the site's administrator",
    };
  }
  return {
    why: `${why}: trusted is ${trusted}, and it says that it has ${found}`,
    hint:
      `it is another site, or this one has a new CA, or somebody is in between: ask the site's administrator for the fingerprint, then usher login URL --ca-fingerprint SHA256`,
  };
}

function iso(time: number): string {
  return `${new Date(time).toISOString().slice(0, 19)}Z`;
}
