import { deepStrictEqual, strictEqual } from "node:assert/strict";
import type { VmView } from "../../schema/change.ts";
import type { Change } from "../watch.ts";
import { Copies } from "./copies.ts";

/** A VM as the stream has it, as much of it as is looked at. */
function vm(uid: string, name: string, state: string, revision: number) {
  return { uid, name, revision, status: { state } } as unknown as VmView;
}

function put(value: VmView): Change {
  const { revision } = value;
  return { type: "put", kind: "vm", revision, note: "n", at: "", value };
}

function gone(id: string, name: string): Change {
  return { type: "delete", kind: "vm", revision: 9, at: "", id, name };
}

function snapshot(...values: VmView[]): Change[] {
  return values.map((value) => ({ type: "snapshot", kind: "vm", value }));
}

const HELLO: Change = { type: "hello", revision: 1, reset: false };
const RESET: Change = { type: "hello", revision: 1, reset: true };
const SYNCED: Change = { type: "synced", revision: 1 };

/** Copies, and what they told in words. */
function make() {
  const told: string[] = [];
  const copies = new Copies((event, ...args) => {
    if (event === "change") return;
    const [first, second] = args as unknown as [VmView?, unknown?];
    const name = first?.name ?? "";
    const more = event === "state_change" ? ` from ${second}` : "";
    told.push(`${event} ${name}${more}`.trim());
  });
  const take = (...changes: Change[]) => {
    told.length = 0;
    for (const change of changes) copies.take(change);
    return [...told];
  };
  return { copies, take };
}

Deno.test("a first snapshot fills the copies, and tells of nothing but that it is complete", () => {
  const { copies, take } = make();
  deepStrictEqual(take(HELLO, ...snapshot(vm("1", "a", "running", 1))), []);
  strictEqual(copies.of("vm").size, 0);
  deepStrictEqual(take(SYNCED), ["ready"]);
  strictEqual(copies.of("vm").get("a")?.status.state, "running");
});

Deno.test("a snapshot after a break tells what it shows to have happened, and no more", () => {
  const { copies, take } = make();
  take(
    HELLO,
    ...snapshot(
      vm("1", "a", "running", 1),
      vm("2", "b", "running", 1),
      vm("3", "c", "running", 1),
      vm("4", "same", "running", 1),
    ),
    SYNCED,
  );
  const after = snapshot(
    vm("1", "a", "stopped", 2),
    vm("9", "b", "running", 3),
    vm("5", "new", "absent", 4),
    vm("4", "same", "running", 1),
  );
  deepStrictEqual(take(RESET, ...after, SYNCED), [
    "unregister b",
    "unregister c",
    "state_change a from running",
    "vm_change a",
    "register b",
    "register new",
    "back",
  ]);
  deepStrictEqual([...copies.of("vm").keys()].toSorted(), [
    "a",
    "b",
    "new",
    "same",
  ]);
});

Deno.test("a snapshot that was cut tells nothing, and one that follows everything", () => {
  const { copies, take } = make();
  take(HELLO, ...snapshot(vm("1", "a", "running", 1)), SYNCED);
  deepStrictEqual(take(RESET, ...snapshot(vm("2", "b", "running", 2))), []);
  strictEqual(copies.of("vm").has("a"), true);
  deepStrictEqual(
    take(RESET, ...snapshot(vm("1", "a", "running", 1)), SYNCED),
    [
      "back",
    ],
  );
});

Deno.test("the end of a VM takes no new one of its name away", () => {
  const { copies, take } = make();
  take(HELLO, ...snapshot(vm("1", "a", "running", 1)), SYNCED);
  take(put(vm("2", "a", "absent", 3)));
  deepStrictEqual(take(gone("1", "a")), []);
  strictEqual(copies.of("vm").get("a")?.uid, "2");
  deepStrictEqual(take(gone("2", "a"), gone("2", "a")), ["unregister a"]);
});

Deno.test("what a newer controller adds is passed over", () => {
  const { take } = make();
  take(HELLO, SYNCED);
  const unknown = { type: "put", kind: "volume", revision: 5, value: {} };
  deepStrictEqual(take(unknown as unknown as Change), []);
});
