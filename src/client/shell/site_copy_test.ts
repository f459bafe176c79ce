import { deepStrictEqual, match, strictEqual } from "node:assert/strict";
import type { Change } from "../watch.ts";
import { SiteCopy, type Telling } from "./site_copy.ts";

const AT = "2026-11-26T12:00:00.000Z";
const OWN: Telling = {
  told: "own",
  details: false,
  user: "ann",
  isWaitedFor: (request) => request === "mine",
};

function vm(name: string, state: string, node: string | null = "n1") {
  return { name, status: { state }, node };
}

function put(kind: string, value: unknown, note = ""): Change {
  return { type: "put", kind, revision: 2, note, at: AT, value } as Change;
}

/** A copy whose snapshot holds web1 of ann, running on n1. */
function copy(): SiteCopy {
  const copy = new SiteCopy();
  const value = vm("web1.default.ann", "running");
  copy.take({ type: "snapshot", kind: "vm", value } as unknown as Change, OWN);
  copy.take({ type: "synced", revision: 1 }, OWN);
  return copy;
}

/** What is told without the time. */
function told(copy: SiteCopy, change: Change, telling = OWN): string | null {
  return copy.take(change, telling)?.replace(/-- \d\d:\d\d:\d\d /g, "") ?? null;
}

Deno.test("a VM is told of when its state or its node is another one, and only its owner", () => {
  const name = "web1.default.ann";
  const cases: [change: Change, line: string | null][] = [
    [put("vm", vm(name, "running"), "usage"), null],
    [
      put("vm", vm(name, "running", "n2"), "moved"),
      `${name} running on n2 (moved)`,
    ],
    [
      put("vm", vm(name, "crashed"), "crashed: signal 9"),
      `${name} crashed on n1 (signal 9)`,
    ],
    [put("vm", vm("new.default.ann", "absent", null)), null],
    [put("vm", vm("db.default.bob", "running")), null],
    [
      { type: "delete", kind: "vm", revision: 3, at: AT, id: "1", name },
      `${name} is gone`,
    ],
    [put("node", { name: "n1", state: "lost" }), null],
  ];
  for (const [change, line] of cases) {
    strictEqual(told(copy(), change), line, JSON.stringify(change));
  }
  const all = { ...OWN, told: "all" as const };
  strictEqual(
    told(copy(), put("vm", vm("db.default.bob", "running")), all),
    "db.default.bob running on n1",
  );
  strictEqual(
    told(copy(), put("node", { name: "n1", state: "lost" }), all),
    "node n1 lost",
  );
  const none = { ...OWN, told: "none" as const };
  strictEqual(told(copy(), put("vm", vm(name, "stopped")), none), null);
});

Deno.test("nothing is told of a snapshot, whose names are there all the same", () => {
  const site = copy();
  site.clear();
  const value = vm("web2.default.ann", "running");
  const line = { type: "snapshot", kind: "vm", value } as unknown as Change;
  strictEqual(told(site, line), null);
  deepStrictEqual([...site.vms.keys()], ["web2.default.ann"]);
});

function operation(request: string, state: string) {
  return {
    id: "01op",
    request,
    verb: "start",
    vm: "web2.default.ann",
    user: "ann",
    state,
    trail: [{ at: AT, source: "n1", text: "no room" }],
    problem: state !== "failed" ? null : {
      code: "driver_failed",
      detail: 'No room on "n1"',
      retry: "no",
      outcome: "none",
      hint: "free some",
    },
  };
}

Deno.test("what a command of this shell waits for, it tells itself", () => {
  for (
    const [request, line] of [["mine", null], [
      "other",
      "web2.default.ann running on n1",
    ]] as const
  ) {
    const site = copy();
    told(site, put("operation", operation(request, "running")));
    const change = put("vm", vm("web2.default.ann", "running"));
    strictEqual(told(site, change), line);
    // Once it has ended, what comes is news.
    told(site, put("operation", operation(request, "succeeded")));
    strictEqual(
      told(site, put("vm", vm("web2.default.ann", "crashed"))),
      "web2.default.ann crashed on n1",
    );
  }
});

Deno.test("an operation that failed is told, with details all that is known of it", () => {
  const failed = put("operation", operation("other", "failed"));
  strictEqual(
    told(copy(), failed),
    `start of web2.default.ann failed: No room on "n1"`,
  );
  strictEqual(
    told(copy(), put("operation", operation("mine", "failed"))),
    null,
  );
  const all = copy().take(failed, { ...OWN, details: true }) ?? "";
  match(all, /\n {3}operation 01op, asked for by ann/);
  match(all, /\n {3}code driver_failed, retry no, outcome none/);
  match(all, /\n {3}try: free some/);
  match(all, /\n {3}\d\d:\d\d:\d\d n1: no room/);
});

Deno.test("what others named cannot turn the terminal over", () => {
  const site = copy();
  const change = put("vm", vm("web1.default.ann", "stopped"), "\x1b[2J\x07");
  // deno-lint-ignore no-control-regex -- those are what must not come
  strictEqual(/[\x00-\x1f]/.test(told(site, change) ?? ""), false);
});
