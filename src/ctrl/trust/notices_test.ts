/**
 * What is said of certificates before they end, and how often.
 *
 * @module
 */
import { deepStrictEqual, match, strictEqual } from "node:assert/strict";
import { makeCa, makeLeaf } from "./certificates.ts";
import { checkCertificates } from "./check.ts";
import { FakeClock } from "../../../tests/support/fake_clock.ts";
import { silentLog } from "../../sys/log.ts";
import { NodeLinks } from "../nodes/node_links.ts";
import { certificateNotices, Notices } from "./notices.ts";

const DAY = 86_400_000;
const NOW = Date.parse("2026-11-26T12:00:00Z");

function trust(
  { ca = 3000, leaf = 60, peerCa, renewsItself = true }: {
    ca?: number;
    leaf?: number;
    peerCa?: number;
    renewsItself?: boolean;
  } = {},
) {
  return {
    caFingerprint: "AB:CD",
    caNotAfter: NOW + ca * DAY,
    renewsItself,
    peerCaNotAfter: () => peerCa === undefined ? null : NOW + peerCa * DAY,
    leaf: () => ({
      certPem: "",
      keyPem: "",
      notBefore: 0,
      notAfter: NOW + leaf * DAY,
    }),
  };
}

function texts(given: Parameters<typeof trust>[0]): string[] {
  return certificateNotices(trust(given), [], NOW).map(({ text }) => text);
}

/** The same of nodes, whose certificates end in so many days. */
function textsOfNodes(
  days: Readonly<Record<string, number>>,
  given: Parameters<typeof trust>[0] = {},
): string[] {
  const nodes = Object.entries(days).map(([node, left]) => ({
    node,
    notAfter: NOW + left * DAY,
  }));
  return certificateNotices(trust(given), nodes, NOW).map(({ text }) => text);
}

Deno.test("nothing is said of certificates that hold for long, or renew themselves in time", () => {
  deepStrictEqual(texts({}), []);
  deepStrictEqual(texts({ leaf: 29.5 }), []);
  deepStrictEqual(texts({ leaf: 31, renewsItself: false }), []);
});

Deno.test("the end is said 30 days ahead, and which certificate it is", () => {
  deepStrictEqual(texts({ leaf: 30, renewsItself: false }), [
    "The controller's certificate ends in 30 days, at 2026-12-26T12:00:00.000Z",
  ]);
  deepStrictEqual(texts({ leaf: 0.5, renewsItself: false }), [
    "The controller's certificate ends within a day, at 2026-11-27T00:00:00.000Z",
  ]);
  match(texts({ leaf: 28 })[0] ?? "", /^The controller's certificate ends/);
  // The leaf ends with its CA, of which it is said.
  deepStrictEqual(texts({ ca: 20, leaf: 20 }), [
    "The site's CA (SHA-256 AB:CD) ends in 20 days, at 2026-12-16T12:00:00.000Z",
  ]);
  match(
    texts({ leaf: -1, renewsItself: false })[0] ?? "",
    /has expired: it ended at 2026-11-25/,
  );
});

Deno.test("at a site with a CA of its own, the end of the one of nodes is said 30 days ahead, and once", () => {
  const own = { renewsItself: false, leaf: 60 };
  deepStrictEqual(texts({ ...own, peerCa: 31 }), []);
  deepStrictEqual(texts({ ...own, peerCa: 30 }), [
    "The CA that nodes know each other by ends in 30 days, at 2026-12-26T12:00:00.000Z",
  ]);
  match(texts({ ...own, peerCa: -1 }).join(), /each other by has expired/);
  // A node's certificate ends with it, of which it is said; or before.
  strictEqual(textsOfNodes({ n1: 20 }, { ...own, peerCa: 20 }).length, 1);
  strictEqual(textsOfNodes({ n1: 10 }, { ...own, peerCa: 20 }).length, 2);
});

Deno.test("of nodes it is said whose was not renewed, and when the first ends", () => {
  deepStrictEqual(textsOfNodes({ n1: 29.5, n2: 80 }), []);
  deepStrictEqual(textsOfNodes({ n1: 12, n2: 80 }), [
    'The certificate that other nodes know node "n1" by ends in 12 days, at 2026-12-08T12:00:00.000Z',
  ]);
  deepStrictEqual(textsOfNodes({ n9: -1, n2: 5, n3: 6, n4: 7 }), [
    "Of the certificates that 4 nodes (n2, n3, n4, …) know each other by, the first has expired: it ended at 2026-11-25T12:00:00.000Z",
  ]);
  const links = new NodeLinks();
  const connected = { session: {} as never, certificateEnd: NOW + 3 * DAY };
  Object.assign(links.link("n1"), connected);
  Object.assign(links.link("n2"), { ...connected, session: null });
  const clock = new FakeClock(NOW);
  const context = { clock, newId: () => "", log: silentLog };
  match(
    new Notices(context, trust(), links).now().map(({ text }) => text).join(),
    /^The certificate that other nodes know node "n1" by ends in 3 days, at \S+$/,
  );
  // It ends with the CA, of which it is said; not so where that is the site's own.
  strictEqual(textsOfNodes({ n1: 20 }, { ca: 20, leaf: 20 }).length, 1);
  strictEqual(
    textsOfNodes({ n1: 20 }, { ca: 20, leaf: 60, renewsItself: false }).length,
    2,
  );
});

Deno.test("it is said in the log once a day", async () => {
  const clock = new FakeClock();
  const said: string[] = [];
  const log = { ...silentLog, warn: (text: string) => void said.push(text) };
  const ends = { ...trust({ renewsItself: false }), caNotAfter: clock.now() };
  const context = { clock, newId: () => "", log };
  const notices = new Notices(context, ends, new NodeLinks());
  for (let hour = 0; hour < 49; hour++) {
    notices.say();
    await clock.advance(3_600_000);
  }
  strictEqual(said.filter((text) => text.includes("CA")).length, 3);
  strictEqual(notices.now()[0]?.about, "certificate");
});

Deno.test("usher ctrl check finds certificates that end, and those that have", async () => {
  const folder = await Deno.makeTempDir({ prefix: "usher_check_" });
  try {
    const ca = await makeCa(NOW);
    const leaf = await makeLeaf(ca, ["localhost"], NOW);
    const own = {
      ca: `${folder}/ca.pem`,
      cert: `${folder}/cert.pem`,
      key: `${folder}/key.pem`,
    };
    await Deno.writeTextFile(own.ca, ca.certPem);
    await Deno.writeTextFile(own.cert, leaf.certPem);
    const check = async (days: number) =>
      (await checkCertificates(
        { tls: own, state_dir: folder },
        NOW + days * DAY,
      )).map(({ weight, text }) => `${weight} ${text.replace(folder, "")}`);
    deepStrictEqual(await check(0), []);
    match((await check(70)).join(), /^doubtful The controller's .* ends at/);
    match((await check(91)).join(), /^broken The controller's .* ended at/);
    match((await check(-2)).join(), /^broken The site's CA .* begins at/);
    const peer = await makeCa(NOW - 3640 * DAY);
    await Deno.mkdir(`${folder}/tls`);
    const path = `${folder}/tls/peer-ca-key.pem`;
    await Deno.writeTextFile(path, peer.keyPem + peer.certPem);
    match((await check(0)).join(), /^doubtful The CA that nodes know .* ends/);
    await Deno.remove(path);
    await Deno.writeTextFile(own.cert, "nothing");
    match((await check(0)).join(), /^broken .*no certificate in PEM/);
    const empty = { tls: undefined, state_dir: `${folder}/none` };
    deepStrictEqual(await checkCertificates(empty, NOW), []);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});
