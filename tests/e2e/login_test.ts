/**
 * Logging in where something is wrong: the address, the server, the CA, the
 * password. Each is told for what it is, with its exit code, and nothing is
 * kept of it.
 *
 * @module
 */
import { match, strictEqual } from "node:assert/strict";
import { CA_A, CA_B, CERT_A, KEY_A } from "../support/certificates.ts";
import { CompiledSite } from "../support/compiled_site.ts";

/** Servers that are no controllers, on free ports. */
function strangers() {
  const html = () =>
    new Response("<html>hello</html>", {
      headers: { "content-type": "text/html" },
    });
  const quiet = { hostname: "127.0.0.1", port: 0, onListen() {} };
  const garbage = () => Response.json({ pem: "no certificate" });
  const plain = Deno.serve(quiet, html);
  const tls = Deno.serve({ ...quiet, cert: CERT_A, key: KEY_A }, html);
  const liar = Deno.serve({ ...quiet, cert: CERT_A, key: KEY_A }, garbage);
  const closed = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const closedPort = closed.addr.port;
  closed.close();
  return {
    plain: `https://127.0.0.1:${plain.addr.port}`,
    tls: `https://127.0.0.1:${tls.addr.port}`,
    liar: `https://127.0.0.1:${liar.addr.port}`,
    closed: `https://127.0.0.1:${closedPort}`,
    async [Symbol.asyncDispose]() {
      await Promise.all([plain, tls, liar].map((server) => server.shutdown()));
    },
  };
}

Deno.test("a login that cannot be says why, and keeps nothing", async (t) => {
  await using site = await CompiledSite.start({ nodes: 1 });
  await using servers = strangers();
  const whoami = await site.run("whoami", "-o", "json");
  const { controller, site: fingerprint } = JSON.parse(whoami.out);
  const folder = `${site.folder}/login`;
  await Deno.mkdir(folder);
  await Deno.writeTextFile(`${folder}/a.pem`, CA_A);
  await Deno.writeTextFile(`${folder}/b.pem`, CA_B);
  await Deno.writeTextFile(`${folder}/key.pem`, KEY_A);
  const cases: [args: string, code: number, said: RegExp][] = [
    ["", 64, /No controller is named/],
    ["http://127.0.0.1:8440", 64, /it speaks https only/],
    ["'https://a b'", 64, /"https:\/\/a b" is no address of a controller/],
    [servers.closed, 6, /connection refused/],
    ["no-such-host.invalid", 6, /why: the name is not known/],
    [servers.plain, 6, /what answers there does not speak TLS/],
    [`${servers.plain} --ca-fingerprint 00`, 6, /does not speak TLS/],
    [
      `${servers.tls} --ca a.pem`,
      6,
      /Cannot understand https:[^]*answered 200 without/,
    ],
    [`${servers.tls} --ca b.pem`, 6, /not from the CA that is trusted/],
    [`${servers.tls} --ca-fingerprint 00`, 6, /is not a controller's/],
    [`${servers.liar} --ca-fingerprint 00`, 6, /is not a controller's/],
    [`${controller} --ca a.pem`, 6, /not from the CA that is trusted for it/],
    [`${controller} --ca key.pem`, 64, /it holds no certificate/],
    [`${controller} --ca none.pem`, 64, /there is no such file/],
    [`${controller} --ca-fingerprint 00:11`, 4, /has the fingerprint [0-9A-F]/],
    [controller, 4, /its CA is not known, and there is no terminal/],
    [
      `${controller} --ca-fingerprint ${fingerprint}`,
      4,
      /Cannot log in\n {2}why: .*wrong\n {2}try: check both/,
    ],
  ];
  for (const [args, code, said] of cases) {
    const name = `login ${args} says ${said}`.replaceAll(/:\d{4,5}\b/g, ":PORT")
      .replace(fingerprint, "SHA256");
    await t.step(name, async () => {
      const ran = await site.bash(
        `cd ${folder} && echo wrong | usher login ${args} --user admin --password-stdin`,
        { USHERCLI_CONFIG: "" },
      );
      strictEqual(ran.code, code, ran.err);
      match(ran.err, said);
      strictEqual(/\n\s+at |fault of usher/.test(ran.err), false, ran.err);
    });
  }
  await t.step("nothing is kept of them", async () => {
    const who = await site.bash("usher whoami", { USHERCLI_CONFIG: "" });
    strictEqual(who.code, 64, who.err);
    match(who.err, /No controller is known/);
    const none = await site.bash("usher logout", { USHERCLI_CONFIG: "" });
    strictEqual(none.code, 0);
    match(none.err, /there is no session/);
  });
});
