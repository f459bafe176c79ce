/**
 * Certificates that have ended, hold not yet, or are of another site, over real
 * TLS with made ones; and the notices of a site whose CA is about to end.
 *
 * @module
 */
import { match, ok, rejects, strictEqual } from "node:assert/strict";
import { connect } from "../../src/client/api.ts";
import { makeCa, makeLeaf } from "../../src/ctrl/trust/certificates.ts";
import { isUsherError } from "../../src/error/mod.ts";
import { fingerprint } from "../../src/sys/pem.ts";
import { serveTls } from "../../src/sys/listen.ts";
import { withShell } from "../support/site_shell.ts";

const DAY = 86_400_000;
/** The first server loads libc, which stays: no leak. */
const LOADS_LIBC = { sanitizeResources: false };

interface Shown {
  /** When the certificate was made. */
  readonly madeAt: number;
  /** What the server says of the time. */
  readonly date?: number;
  /** The CA that the client trusts; the one of the server when absent. */
  readonly trusted?: string;
}

/** What a client is told of a server that shows a certificate made then. */
async function told({ madeAt, date, trusted }: Shown): Promise<string> {
  const ca = await makeCa(Date.now() - 400 * DAY);
  const leaf = await makeLeaf(ca, ["127.0.0.1"], madeAt);
  const server = serveTls({
    hostname: "127.0.0.1",
    port: 0,
    ...leaf,
    handler: () =>
      Response.json({ pem: ca.certPem }, {
        headers: date === undefined
          ? {}
          : { date: new Date(date).toUTCString() },
      }),
  });
  using api = connect({
    controller: `https://127.0.0.1:${server.port}`,
    caPem: trusted ?? ca.certPem,
  });
  try {
    let text = "";
    await rejects(api.call("version"), (error) => {
      if (!isUsherError(error)) return false;
      text = `${error.message}\n${error.details.hint}\nCA ${
        fingerprint(ca.certPem)
      }`;
      return true;
    });
    return text;
  } finally {
    await server.close(0);
  }
}

Deno.test(
  "an expired certificate: since when, and that an administrator has to renew it",
  LOADS_LIBC,
  async () => {
    const text = await told({ madeAt: Date.now() - 100 * DAY });
    match(text, /its certificate has expired, it ended at \d{4}-/);
    match(text, /clocks of this machine and of the controller agree/);
  },
);

Deno.test(
  "a certificate that holds by the controller's clock alone: is this machine's right?",
  LOADS_LIBC,
  async () => {
    const date = Date.now() + 3 * 3_600_000;
    const text = await told({ madeAt: date, date });
    match(text, /its certificate is not valid yet, it begins at/);
    match(
      text,
      /is this machine's clock right\? .* clock is 3 h behind the controller's: it says .*, the controller/,
    );
  },
);

Deno.test(
  "a certificate of another site: both fingerprints",
  LOADS_LIBC,
  async () => {
    const other = await makeCa(Date.now());
    const text = await told({ madeAt: Date.now(), trusted: other.certPem });
    match(text, /not from the CA that is trusted for it/);
    ok(text.includes(`trusted is ${fingerprint(other.certPem)}`), text);
    const [, its = ""] = /\nCA (.*)$/.exec(text) ?? [];
    ok(text.includes(`it says that it has ${its}`), text);
  },
);

Deno.test("a CA that is about to end is said by every command, beside its output", () =>
  withShell(1, async ({ site, run }) => {
    const quiet = await run("whoami -o json");
    strictEqual(quiet.err, "");
    const notice = {
      about: "certificate" as const,
      text: "The site's CA ends in 20 days",
      hint: "make a new one",
    };
    Object.assign(site.site.controller.site, { notices: () => [notice] });
    for (const command of ["whoami -o json", "node list -o json", "version"]) {
      const { out, err, code } = await run(command);
      strictEqual(code, 0);
      strictEqual(
        err,
        "note: The site's CA ends in 20 days\n  make a new one\n",
        command,
      );
      if (command.endsWith("json")) JSON.parse(out);
    }
  }));

Deno.test("a node whose certificate was not renewed is told by node show", () =>
  withShell(1, async ({ site, run }) => {
    const { links } = site.site.controller.site;
    ok(!(await run("node show n1")).out.includes("certificate"));
    const end = Date.now() + 12 * DAY;
    // Whatever it says next.
    Object.defineProperty(links.link("n1"), "certificateEnd", {
      get: () => end,
      set: () => {},
    });
    match(
      (await run("node show n1")).out,
      /^certificate +ends at .*; it should have been renewed/m,
    );
  }));

Deno.test("a node whose clock is an hour wrong is told by node show", () =>
  withShell(1, async ({ site, run }) => {
    const { links } = site.site.controller.site;
    ok(!(await run("node show n1")).out.includes("clock"));
    // Whatever its next beat says.
    Object.defineProperty(links.link("n1"), "clockAheadMs", {
      get: () => -3_600_000,
      set: () => {},
    });
    match(
      (await run("node show n1")).out,
      /^clock +60 min behind the controller's/m,
    );
  }));
