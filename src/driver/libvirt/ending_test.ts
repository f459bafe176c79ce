/**
 * How a run ended, by what each witness says and when they are missing.
 *
 * @module
 */
import { deepStrictEqual, match } from "node:assert/strict";
import { STATE } from "./domain_state.ts";
import { endingOf, type Evidence } from "./ending.ts";

function told(
  reason: number | null,
  more: Partial<Evidence> = {},
): string {
  const sighting = reason === null
    ? null
    : { uuid: "u", name: "web", state: STATE.shutoff, reason, isSaved: false };
  const { state, reason: why } = endingOf({
    sighting,
    isCut: false,
    isStartCut: false,
    lastWords: null,
    wasBooted: false,
    logTail: "",
    ...more,
  });
  return `${state}: ${why}`;
}

Deno.test("endingOf() believes libvirt's own reason", () => {
  deepStrictEqual([1, 2, 3, 5, 8].map((reason) => told(reason)), [
    "stopped: guest shut down",
    "stopped: powered off",
    "crashed: QEMU died or its guest crashed",
    "stopped: saved by hand to a file; virsh restore goes on from there, and a start boots it anew",
    "crashed: ended while libvirtd was away",
  ]);
});

Deno.test("endingOf() knows a domain that libvirt keeps saved, also after libvirt has forgotten why it is off", () => {
  for (const reason of [0, 5]) {
    const sighting = {
      ...{ uuid: "u", name: "web", state: STATE.shutoff },
      ...{ reason, isSaved: true },
    };
    deepStrictEqual(
      told(reason, { sighting }),
      "stopped: saved by hand; a start goes on from there",
    );
  }
});

Deno.test("endingOf() knows what usher itself has cut off, also when it is gone", () => {
  deepStrictEqual(told(null, { isCut: true }), "stopped: powered off");
  deepStrictEqual(told(3, { isCut: true }), "stopped: powered off");
});

Deno.test("endingOf() tells a panic from a death, by the event alone", () => {
  deepStrictEqual(
    told(3, { lastWords: "Crashed Panicked" }),
    "crashed: guest panicked",
  );
});

const START =
  "2026-11-26 05:33:13.036+0000: starting up libvirt version: 9.0.0\n";

Deno.test("endingOf() names who ended QEMU, but not libvirt, and not of an earlier run", () => {
  const log = (by: string) =>
    `${START}2026-11-26T05:33:21Z qemu-system-x86_64: terminating on signal 15 from pid 42 (${by})\n`;
  deepStrictEqual(
    told(1, { logTail: log("kill") }),
    "crashed: QEMU was ended by signal 15 from process 42 (kill)",
  );
  deepStrictEqual(
    told(1, { logTail: log("libvirtd") }),
    "stopped: guest shut down",
  );
  deepStrictEqual(
    told(1, { logTail: `${log("kill")}${START}` }),
    "stopped: guest shut down",
  );
});

Deno.test("endingOf() asks the log when libvirt has forgotten, and says when nobody knows", () => {
  const log =
    `${START}2026-11-26 05:33:23.041+0000: shutting down, reason=shutdown\n`;
  deepStrictEqual(told(0, { logTail: log }), "stopped: guest shut down");
  deepStrictEqual(
    told(0, { wasBooted: true }),
    "crashed: the node was restarted",
  );
  match(told(0), /^crashed: .*does not know why/);
  match(
    told(null),
    /^stopped: its domain is gone: removed by hand, or its start/,
  );
});

Deno.test("endingOf() tells a start that was cut short from an end that nobody knows", () => {
  const cut = { isStartCut: true };
  deepStrictEqual(
    [told(0, cut), told(null, cut), told(1, cut)],
    [
      "crashed: its start was interrupted before it ran",
      "crashed: its start was interrupted before it ran",
      "stopped: guest shut down",
    ],
  );
});

Deno.test("endingOf() gives QEMU's last words with a crash", () => {
  match(
    told(3, {
      logTail: `${START}2026-11-26T05:33:21Z qemu-system-x86_64: out of luck\n`,
    }),
    /it said: out of luck$/,
  );
});
