/**
 * What `virsh` prints, as Debian's libvirt 9.0 printed it, with what may come in
 * between.
 *
 * @module
 */
import { deepStrictEqual, strictEqual } from "node:assert/strict";
import { parseCounters } from "./counters.ts";
import { isLive, liveState } from "./domain_state.ts";
import { parseEvent } from "./news.ts";
import { readSightings } from "./sighting.ts";
import { outOfReach, saidIn } from "./virsh.ts";

const WEB = "0197f000-0000-7000-8000-000000000001";
const ODD = "01a21660-b735-bbcc-ba3e-e01fde14b0c6";

Deno.test("readSightings() joins names and states, whatever a name is, and passes warnings over", () => {
  const seen = readSightings(`warning: something is deprecated
${WEB} web.lab.ann
${ODD} it's <odd> & long

${ODD}

Domain: 'web.lab.ann'
  state.state=1
  state.reason=1
  state.flavour=new

Domain: 'it's <odd> & long'
  state.state=5
  state.reason=6

`);
  deepStrictEqual([...seen.values()], [
    { uuid: WEB, name: "web.lab.ann", state: 1, reason: 1, isSaved: false },
    {
      ...{ uuid: ODD, name: "it's <odd> & long" },
      ...{ state: 5, reason: 6, isSaved: true },
    },
  ]);
});

Deno.test("readSightings() leaves out what came or went between its two questions", () => {
  const seen = readSightings(
    `${WEB} web\nDomain: 'new'\n  state.state=1\n  state.reason=1\n`,
  );
  deepStrictEqual([...seen], []);
  deepStrictEqual([...readSightings("")], []);
});

Deno.test("liveState() tells every state of libvirt's that has a process", () => {
  const told = (state: number, reason = 0) =>
    liveState({ state, reason }).state;
  deepStrictEqual(
    [
      told(1, 1),
      told(2),
      told(3, 1),
      told(3, 11),
      told(3, 8),
      told(4),
      told(7),
    ],
    [
      "running",
      "running",
      "paused",
      "starting",
      "stopping",
      "stopping",
      "paused",
    ],
  );
  deepStrictEqual([told(3, 10), told(6, 1)], ["crashed", "crashed"]);
  // A state of a later libvirt is something that runs.
  strictEqual(told(42), "running");
  strictEqual(isLive({ state: 5 }), false);
});

Deno.test("parseEvent() reads events of every shape, and nothing else", () => {
  const at = "2026-11-26 05:33:23.210+0000: event";
  deepStrictEqual(
    parseEvent(`${at} 'lifecycle' for domain 'it's web': Stopped Destroyed`),
    { kind: "lifecycle", name: "it's web", detail: "Stopped Destroyed" },
  );
  deepStrictEqual(parseEvent(`${at} 'reboot' for domain 'web'`), {
    kind: "reboot",
    name: "web",
    detail: "",
  });
  strictEqual(parseEvent("events received: 2"), null);
});

Deno.test("parseCounters() sums what domains have several of, and tells null from zero", () => {
  const all = parseCounters(`Domain: 'web'
  cpu.time=350000000
  balloon.rss=43008
  net.count=2
  net.0.rx.bytes=10
  net.1.rx.bytes=5
  net.0.tx.bytes=1
  block.count=1
  block.0.rd.bytes=512
  block.0.wr.bytes=0

Domain: 'bare'
  cpu.time=1000000000
  net.count=0
`);
  deepStrictEqual(all.get("web"), {
    cpuSeconds: 0.35,
    memoryMiB: 42,
    diskReadBytes: 512,
    diskWriteBytes: 0,
    netRxBytes: 15,
    netTxBytes: 1,
  });
  deepStrictEqual(all.get("bare"), {
    cpuSeconds: 1,
    memoryMiB: null,
    diskReadBytes: null,
    diskWriteBytes: null,
    netRxBytes: null,
    netTxBytes: null,
  });
});

Deno.test("outOfReach() tells in a few words why there is no daemon", () => {
  const why = (said: string) => outOfReach(saidIn(said))?.message;
  const failed = "error: failed to connect to the hypervisor\nerror: ";
  strictEqual(
    why(
      `${failed}Failed to connect socket to '/run/libvirt/libvirt-sock': No such file or directory`,
    ),
    "Cannot reach libvirtd: no such socket",
  );
  strictEqual(
    why(`${failed}Failed to connect socket to '/s': Permission denied`),
    "Cannot reach libvirtd: permission denied; root and members of the group libvirt may talk to it",
  );
  strictEqual(
    why(`${failed}Failed to connect socket to '/s': Connection refused`),
    "Cannot reach libvirtd: it does not run",
  );
  strictEqual(
    why(
      `${failed}internal error: unexpected QEMU URI path '/sytem', try qemu:///system`,
    ),
    "Cannot reach libvirtd: internal error: unexpected QEMU URI path '/sytem', try qemu:///system",
  );
  strictEqual(why("error: Requested operation is not valid"), undefined);
});
