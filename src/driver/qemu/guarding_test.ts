/**
 * What a guard is told, held to the letter: the one that is there may be of an
 * older usher, and a newer one may find what that wrote.
 *
 * @module
 */
import { deepStrictEqual } from "node:assert/strict";
import { guardFiles, parseHeld } from "../guard/protocol.ts";
import type { Domain } from "./domain.ts";
import { guardTargets } from "./guarding.ts";

const MOVE = {
  id: "01a",
  role: "source",
  peer: "n2",
  live: true,
} as const;

/** As much of a domain as is asked of it. */
function domain(more: Record<string, unknown>, pid: number | null = 7): Domain {
  const handle = {
    uid: "web",
    incarnation: "01b",
    onNodeLoss: "restart",
    move: null,
    ...more,
  };
  const process = pid === null ? null : { pid, startTicks: 9, state: "S" };
  const files = { monitors: ["/run/web.1", "/run/web.2"] };
  return { handle, process, files } as unknown as Domain;
}

Deno.test("guardTargets() tells what guards of every release have been told", () => {
  const targets = guardTargets([
    domain({}),
    domain({ uid: "sending", move: { ...MOVE, phase: "sending" } }),
    domain({ uid: "waits", onNodeLoss: "wait" }),
    domain({ uid: "off" }, null),
    domain({ uid: "sent", move: { ...MOVE, phase: "sent" } }),
  ]);
  const its = (uid: string) =>
    `{"uid":"${uid}","incarnation":"01b","process":{"pid":7,"startTicks":9},"monitors":["/run/web.1","/run/web.2"]}`;
  deepStrictEqual(
    targets.map((target) => JSON.stringify(target)),
    [its("web"), its("sending")],
  );
});

Deno.test("guardFiles() and parseHeld() find what the guard of an older usher keeps", () => {
  deepStrictEqual(guardFiles("/run/usher/qemu"), {
    socket: "/run/usher/qemu/guard.sock",
    lock: "/run/usher/qemu/guard.lock",
    pid: "/run/usher/qemu/guard.pid",
    held: "/run/usher/qemu/guard.held",
    log: "/run/usher/qemu/guard.log",
  });
  const held =
    `[{"uid":"web","incarnation":"01b","process":{"pid":7,"startTicks":9},"monitors":["a","b"],"how":"qmp","wasRunning":true,"at":"2026-01-01T00:00:00.000Z"}]`;
  deepStrictEqual(JSON.stringify(parseHeld(held)), held);
  deepStrictEqual(parseHeld("half of it"), []);
});
