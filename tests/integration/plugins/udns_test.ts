/**
 * `udns` and BIND 9: names come and go with VMs, by signed updates, and what
 * is not usher's stays as it is.
 *
 * @module
 */
import { deepStrictEqual, match, ok, rejects } from "node:assert/strict";
import * as udns from "../../../plugins/udns/plugin.ts";
import { BindServer } from "../../support/bind_server.ts";
import { onBench } from "../../support/plugin_bench.ts";
import { aVm } from "../../support/plugin_values.ts";
import {
  lyingProxy,
  optionsFor,
  SITE,
  start,
} from "../../support/udns_bench.ts";

const WEB = aVm("web.lab.ann", {
  uid: "01j00000000000000000000001",
  args: { ip: "10.1.0.5", ip6: "2001:0db8:0:0::5" },
});
const FULL = "web.lab.ann.vm.test";
const REVERSE = "5.0.1.10.in-addr.arpa";
const REVERSE_6 = `5.${"0.".repeat(23)}8.b.d.0.1.0.0.2.ip6.arpa`;

Deno.test("udns: a VM's names are there from register to unregister, and follow its address", async () => {
  await using site = await start();
  const { bind, bench } = site;
  bench.site.vms = [WEB];
  await bench.call("register", [WEB]);
  deepStrictEqual(await bind.dig(FULL, "A"), ["10.1.0.5"]);
  deepStrictEqual(await bind.dig(FULL, "AAAA"), ["2001:db8::5"]);
  deepStrictEqual(await bind.dig(REVERSE, "PTR"), [`${FULL}.`]);
  deepStrictEqual(await bind.dig(REVERSE_6, "PTR"), [`${FULL}.`]);
  const moved = { ...WEB, args: { ip: "10.1.0.6" } };
  bench.site.vms = [moved];
  await bench.call("state_change", [moved]);
  deepStrictEqual(await bind.dig(FULL, "A"), ["10.1.0.6"]);
  deepStrictEqual(await bind.dig(FULL, "AAAA"), []);
  deepStrictEqual(await bind.dig(REVERSE, "PTR"), []);
  deepStrictEqual(await bind.dig("6.0.1.10.in-addr.arpa", "PTR"), [`${FULL}.`]);
  bench.site.vms = [];
  await bench.call("unregister", [moved]);
  for (const name of [FULL, `_usher.${FULL}`, "6.0.1.10.in-addr.arpa"]) {
    deepStrictEqual(await bind.dig(name, "ANY"), [], name);
  }
  deepStrictEqual([...bench.site.state], []);
});

Deno.test("udns: what is played again is told to nobody", async () => {
  await using site = await start();
  const { bind, bench } = site;
  bench.site.vms = [WEB];
  await bench.call("register", [WEB], { isReplay: true });
  await bench.call("ctrl_start", [SITE], { isReplay: true });
  deepStrictEqual(await bind.dig(FULL, "A"), []);
  deepStrictEqual([...bench.site.state], []);
});

Deno.test("udns: a name that is somebody else's is never changed nor removed", async () => {
  await using site = await start();
  const { bind, bench } = site;
  await bind.update(`zone vm.test
update add ${FULL} 60 A 192.0.2.9
update add mail.vm.test 60 TXT "usher=usher vm=01j00000000000000000000001"`);
  bench.site.vms = [WEB];
  await bench.call("register", [WEB]);
  deepStrictEqual(await bind.dig(FULL, "A"), ["192.0.2.9"]);
  match(bench.lines.map((it) => it.text).join(), /is somebody else's/);
  bench.site.vms = [];
  await bench.call("unregister", [WEB]);
  deepStrictEqual(await bind.dig(FULL, "A"), ["192.0.2.9"]);
  deepStrictEqual((await bind.dig("mail.vm.test", "TXT")).length, 1);
});

Deno.test("udns: records of others at a VM's name outlive the VM, and its own do not", async () => {
  await using site = await start();
  const { bind, bench } = site;
  bench.site.vms = [WEB];
  await bench.call("register", [WEB]);
  await bind.update(`zone vm.test\nupdate add ${FULL} 60 TXT "a note"`);
  await bench.call("ctrl_start", [SITE]);
  deepStrictEqual(await bind.dig(FULL, "A"), ["10.1.0.5"]);
  bench.site.vms = [];
  await bench.call("unregister", [WEB]);
  deepStrictEqual(await bind.dig(FULL, "A"), []);
  deepStrictEqual(await bind.dig(FULL, "TXT"), ['"a note"']);
});

Deno.test("udns: a late unregister of an old VM leaves the names of the one made anew", async () => {
  await using site = await start();
  const { bind, bench } = site;
  bench.site.vms = [WEB];
  await bench.call("register", [WEB]);
  const again = { ...WEB, uid: "01j00000000000000000000002" };
  bench.site.vms = [again];
  await bench.call("register", [again]);
  await bench.call("unregister", [WEB]);
  deepStrictEqual(await bind.dig(FULL, "A"), ["10.1.0.5"]);
  deepStrictEqual(await bind.dig(REVERSE, "PTR"), [`${FULL}.`]);
  deepStrictEqual([...bench.site.state.keys()], ["vms/02"]);
});

Deno.test("udns: what went wrong while usher was away is repaired at its start", async () => {
  await using site = await start();
  const { bind, bench } = site;
  const old = aVm("old.lab.ann", {
    uid: "01j00000000000000000000003",
    args: { ip: "10.1.0.7" },
  });
  const fresh = aVm("new.lab.ann", {
    uid: "01j00000000000000000000004",
    args: { ip: "10.1.0.8" },
  });
  bench.site.vms = [WEB, old];
  await bench.call("register", [WEB]);
  await bench.call("register", [old]);
  // One was lost at the server, one was changed there; one VM is gone, one new.
  await bind.update(`zone vm.test
update delete ${FULL} A
update add ${FULL} 60 A 10.1.0.99`);
  await bind.update(`zone 1.10.in-addr.arpa\nupdate delete ${REVERSE} PTR`);
  bench.site.vms = [WEB, fresh];
  await bench.call("ctrl_start", [SITE]);
  deepStrictEqual(await bind.dig(FULL, "A"), ["10.1.0.5"]);
  deepStrictEqual(await bind.dig(REVERSE, "PTR"), [`${FULL}.`]);
  deepStrictEqual(await bind.dig("old.lab.ann.vm.test", "A"), []);
  deepStrictEqual(await bind.dig("new.lab.ann.vm.test", "A"), ["10.1.0.8"]);
});

Deno.test("udns: while the server is down names wait, and are told by the clock", async () => {
  await using site = await start();
  const { bind, bench } = site;
  await bind.down();
  bench.site.vms = [WEB];
  await bench.call("register", [WEB]);
  const retry = bench.site.scheduled.get(`retry/${WEB.uid}`)?.params;
  deepStrictEqual([retry?.when, retry?.event], [10_000, "udns_retry"]);
  await bench.call("udns_retry", retry?.args ?? []);
  const second = bench.site.scheduled.get(`retry/${WEB.uid}`)?.params;
  deepStrictEqual(second?.when, 20_000);
  await bind.up();
  await bench.call("udns_retry", second?.args ?? []);
  deepStrictEqual(await bind.dig(FULL, "A"), ["10.1.0.5"]);
  deepStrictEqual([...bench.site.scheduled], []);
});

Deno.test("udns: a wrong key, and one that the server does not know, are told as what they are", async () => {
  await using bind = await BindServer.start();
  const secret = await bind.dir.write(
    "other",
    btoa("another secret of thirty-two bytes"),
  );
  const cases: [Record<string, unknown>, RegExp][] = [
    [{ secret_file: secret }, /BADSIG/],
    [{ secret_file: secret, key: "nobody" }, /BADKEY/],
    [{ secret_file: `${bind.dir.path}/none` }, /Cannot read "/],
  ];
  for (const [options, expected] of cases) {
    await using bench = await onBench(udns, {
      options: optionsFor(bind, secret, options),
      vms: [WEB],
    });
    const told = bench.call("register", [WEB]).then(() =>
      bench.lines.map((it) => it.text).join("\n")
    );
    match(await told.catch(String), expected);
    ok(!bench.lines.some((it) => it.text.includes("another secret")));
  }
});

Deno.test("udns: a server that does not answer holds up one VM, not each", async () => {
  await using bind = await BindServer.start();
  const secret = await bind.dir.write("key", bind.key.secret);
  using silent = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const place = { host: "127.0.0.1", port: silent.addr.port };
  const other = aVm("db.lab.ann", { args: { ip: "10.1.0.9" } });
  await using bench = await onBench(udns, {
    options: optionsFor(place, secret, { timeout: "100ms" }),
    vms: [WEB, other],
  });
  await bench.call("register", [WEB]);
  await bench.call("register", [other]);
  const [first, second] = bench.lines.map(({ text }) => text);
  match(first ?? "", /does not answer within 100 ms/);
  match(second ?? "", /has just not answered/);
  deepStrictEqual([...bench.site.scheduled.keys()], [
    `retry/${WEB.uid}`,
    `retry/${other.uid}`,
  ]);
});

Deno.test("udns: an answer that is changed on its way is none", async () => {
  await using site = await start();
  const { bind, bench } = site;
  using liar = lyingProxy(bind.port);
  await using lied = await onBench(udns, {
    options: optionsFor({ host: "127.0.0.1", port: liar.port }, site.secret),
    vms: [WEB],
  });
  await lied.call("register", [WEB]);
  match(lied.lines.map((it) => it.text).join(), /wrong signature/);
  deepStrictEqual([...lied.site.scheduled.keys()], [`retry/${WEB.uid}`]);
  deepStrictEqual([...bench.site.scheduled], []);
});

Deno.test("udns: options that cannot be are refused by name", async () => {
  const refused: [Record<string, unknown>, RegExp][] = [
    [{ zone: "vm.test." }, /without a dot at its end/],
    [{ reverse_zones: ["vm.test"] }, /in-addr.arpa or ip6.arpa/],
    [{ algorithm: "hmac-md5" }, /hmac-sha256/],
    [{ secret: "x" }, /secret/],
  ];
  for (const [options, expected] of refused) {
    await rejects(
      onBench(udns, { options: optionsFor(NOWHERE, "/s", options) }),
      expected,
    );
  }
});

const NOWHERE = { host: "127.0.0.1", port: 53 };
