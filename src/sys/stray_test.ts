import { deepStrictEqual, strictEqual } from "node:assert/strict";
import type { Log } from "./log.ts";
import { surviveStrayErrors } from "./stray.ts";

Deno.test("surviveStrayErrors() logs a rejection that nothing handles, and keeps the process", () => {
  const logged: string[] = [];
  surviveStrayErrors(
    { error: (text: string) => void logged.push(text) } as unknown as Log,
  );
  const event = new PromiseRejectionEvent("unhandledrejection", {
    cancelable: true,
    promise: Promise.resolve(),
    reason: new Error("a bug"),
  });
  globalThis.dispatchEvent(event);
  strictEqual(event.defaultPrevented, true);
  deepStrictEqual(logged, ["an error that nothing handled"]);
});
