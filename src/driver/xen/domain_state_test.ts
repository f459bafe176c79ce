import { deepStrictEqual } from "node:assert/strict";
import { VmSpec } from "../../schema/vm.ts";
import { endingOf, foreignState, type Phase, stateOf } from "./domain_state.ts";
import { type Handle, newHandle } from "./handle.ts";
import type { Row } from "./listing.ts";

const ROW: Row = {
  domid: 7,
  uuid: "01a21668-7fca-8d32-36c4-3d8af441872f",
  name: "web.lab.ann",
  memoryMiB: 128,
  vcpus: 1,
  cpuSeconds: 1.5,
  paused: false,
  shutdown: false,
  crashed: false,
  dying: false,
  reason: null,
};

function handle(changes: Partial<Handle> = {}): Handle {
  return {
    ...newHandle({
      uid: "01m8b6gzyahms3dh1xhbt431sf",
      name: "web.lab.ann",
      generation: 1,
      incarnation: "i",
      spec: VmSpec.parse({ driver: "xen" }),
    }, "boot"),
    created: true,
    ...changes,
  };
}

function told(
  row: Partial<Row> | null,
  changes: Partial<Handle> = {},
  phase: Phase = "idle",
  isBeingRebuilt = false,
): string {
  const { state, reason } = stateOf(
    handle(changes),
    row === null ? null : { ...ROW, ...row },
    phase,
    isBeingRebuilt,
  );
  return reason === "" ? state : `${state}: ${reason}`;
}

Deno.test("a domain is what Xen shows, and what is being done to it", () => {
  deepStrictEqual(told({}), "running");
  deepStrictEqual(told({ paused: true }), "paused");
  deepStrictEqual(told({}, {}, "stopping"), "stopping");
  deepStrictEqual(told({ paused: true }, {}, "starting"), "starting");
  deepStrictEqual(told({ paused: true }, { created: false }), "starting");
  deepStrictEqual(told(null, { created: false }), "starting");
  deepStrictEqual(told({ name: "x" }), 'running: Xen has it as "x"');
  deepStrictEqual(told({ name: "(null)" }), "running");
});

Deno.test("a domain on its way through a reboot or to a file is told as running", () => {
  deepStrictEqual(told(null), "running: the guest reboots");
  deepStrictEqual(
    told({ paused: true }, {}, "idle", true),
    "running: the guest reboots",
  );
  deepStrictEqual(
    told({ shutdown: true, reason: 1 }),
    "running: the guest reboots",
  );
  deepStrictEqual(
    told({ shutdown: true, reason: 2 }),
    "running: suspended, to be saved or moved",
  );
});

Deno.test("an end is told once the domain has come to it", () => {
  const ending = { state: "stopped", reason: "powered off" } as const;
  deepStrictEqual(told(null, { ending }), "stopped: powered off");
  deepStrictEqual(told({}, { ending }), "running");
  deepStrictEqual(
    told({ shutdown: true, crashed: true, reason: 3 }, { ending }),
    "stopped: powered off",
  );
});

Deno.test("a copy is migrating whatever Xen shows, and what is being sent runs", () => {
  const move = { id: "m", peer: "n2", live: true } as const;
  const at = (
    role: "source" | "target",
    phase: "sending" | "sent" | "waiting",
  ) => told({ paused: true }, { move: { ...move, role, phase } });
  deepStrictEqual(at("source", "sent"), "migrating: sent to n2");
  deepStrictEqual(at("target", "waiting"), "migrating: coming from n2");
  deepStrictEqual(
    told({ name: "web.lab.ann--migratedaway" }, {
      move: { ...move, role: "source", phase: "sending" },
    }),
    "running",
  );
});

Deno.test("Xen's reasons for a shutdown, as ends", () => {
  const end = (reason: number | null, crashed = false) =>
    endingOf({ ...ROW, shutdown: true, crashed, reason })?.state ?? null;
  deepStrictEqual(
    [0, 1, 2, 3, 4, 5, 99, null].map((reason) => end(reason)),
    ["stopped", null, null, "crashed", "crashed", null, "crashed", "crashed"],
  );
  deepStrictEqual(end(1, true), "crashed");
  deepStrictEqual(endingOf(ROW), null);
});

Deno.test("what others have is told by its flags", () => {
  const foreign = (row: Partial<Row>) => foreignState({ ...ROW, ...row }).state;
  deepStrictEqual(foreign({}), "running");
  deepStrictEqual(foreign({ paused: true }), "paused");
  deepStrictEqual(foreign({ shutdown: true, reason: 0 }), "stopped");
  deepStrictEqual(
    foreign({ shutdown: true, crashed: true, reason: 3 }),
    "crashed",
  );
});
