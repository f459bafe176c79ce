/**
 * Why a controller cannot be reached, in a few words: every machine says it in
 * its own.
 *
 * @module
 */

/** What stands behind a failed connection, in a few words. */
export function connectCause(error: unknown): string {
  let deepest = error;
  while (deepest instanceof Error && deepest.cause instanceof Error) {
    deepest = deepest.cause;
  }
  const text = deepest instanceof Error ? deepest.message : String(deepest);
  const cause = text
    .replace(/^.*client error \(\w+\): /, "")
    .replace(/^(tcp connect error|dns error|tls handshake error): /, "")
    .replace(/^error sending request for url \([^)]*\): /, "")
    .replace(/ \(os error \d+\)/g, "")
    .trim();
  if (/ECONNREFUSED/.test(cause)) return "connection refused";
  if (/lookup address|ENOTFOUND/.test(cause)) return "the name is not known";
  if (
    /UnknownIssuer|BadSignature|issuer certificate|self.signed|unable to verify/i
      .test(cause)
  ) {
    return "its certificate is not from the CA that is trusted for it";
  }
  if (/NotValidForName|does not match certificate/i.test(cause)) {
    return "its certificate does not carry that name";
  }
  if (
    /InvalidContentType|wrong.version|write UNKNOWN|packet length too long/i
      .test(cause)
  ) {
    return "what answers there does not speak TLS";
  }
  if (/CaUsedAsEndEntity/.test(cause)) {
    return "its certificate is a CA's own, which must not serve";
  }
  if (/certificate.*Expired/i.test(cause)) return "its certificate has expired";
  if (/NotValidYet|not.yet.valid|not valid yet/i.test(cause)) {
    return "its certificate is not valid yet";
  }
  return cause.charAt(0).toLowerCase() + cause.slice(1);
}

/** What to do about such a cause. */
export function connectHint(why: string): string {
  if (why.includes("CA that is trusted")) {
    return "if the site has a new CA, ask its administrator for the fingerprint and log in again: usher login URL --ca-fingerprint SHA256";
  }
  if (why.includes("does not carry")) {
    return "use a name that the controller has, or add this one to names in ctrl.yaml";
  }
  return "check the address (--controller URL) and that the controller runs there";
}
