/**
 * What of the change stream a person is shown.
 *
 * @module
 */
import { strictEqual } from "node:assert/strict";
import { newOperation } from "../../../../tests/property/arbitraries.ts";
import { changeLine, isProgress } from "./events.ts";

Deno.test("how far a step has come is no event; that it began is one", () => {
  const began = {
    type: "put",
    kind: "operation",
    revision: 7,
    note: "migrate send",
    at: "2026-01-01T12:34:56.000Z",
    value: { ...newOperation("migrate"), state: "running", step: "send" },
  } as const;
  const progress = {
    phase: "memory",
    doneBytes: 1,
    totalBytes: 2,
    bytesPerSecond: 1,
    leftMs: null,
  };
  strictEqual(isProgress(began), false);
  strictEqual(
    isProgress({ ...began, value: { ...began.value, progress } }),
    true,
  );
  strictEqual(
    changeLine(began),
    `12:34:56 operation ${began.value.id} migrate web.lab.ann running at send (migrate send) #7`,
  );
});
