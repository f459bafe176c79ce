import { deepStrictEqual, strictEqual } from "node:assert/strict";
import { JoinedSignal } from "./joined_signal.ts";

Deno.test("JoinedSignal aborts with the first parent, and with its reason", () => {
  const [a, b] = [new AbortController(), new AbortController()];
  using joined = new JoinedSignal(a.signal, b.signal);
  const heard: unknown[] = [];
  joined.signal.addEventListener("abort", () => heard.push("once"));
  strictEqual(joined.signal.aborted, false);
  b.abort("b");
  a.abort("a");
  deepStrictEqual([joined.signal.reason, heard], ["b", ["once"]]);
});

Deno.test("JoinedSignal of a parent that has aborted has aborted", () => {
  using joined = new JoinedSignal(
    new AbortController().signal,
    AbortSignal.abort("before"),
  );
  strictEqual(joined.signal.reason, "before");
});

Deno.test("JoinedSignal that was let go of aborts no more", () => {
  const parent = new AbortController();
  const joined = new JoinedSignal(parent.signal);
  joined[Symbol.dispose]();
  parent.abort();
  strictEqual(joined.signal.aborted, false);
});
