import { deepStrictEqual, strictEqual } from "node:assert/strict";
import { Callbacks } from "./callbacks.ts";

type Events = { readonly said: readonly [word: string] };

Deno.test("callbacks are called in their order until they are disposed of, also by one of them", () => {
  const callbacks = new Callbacks<Events>(undefined);
  const heard: string[] = [];
  const first = callbacks.on("said", (word) => {
    heard.push(`1 ${word}`);
    first[Symbol.dispose]();
  });
  callbacks.on("said", (word) => heard.push(`2 ${word}`));
  // The same function twice counts twice.
  const again = (word: string) => heard.push(`3 ${word}`);
  callbacks.on("said", again)[Symbol.dispose]();
  callbacks.on("said", again);
  strictEqual(callbacks.size, 3);
  callbacks.emit("said", "a");
  callbacks.emit("said", "b");
  deepStrictEqual(heard, ["1 a", "2 a", "3 a", "2 b", "3 b"]);
});

Deno.test("what a callback throws, at once or later, goes to onError and no further", async () => {
  const thrown: unknown[] = [];
  const callbacks = new Callbacks<Events>((error, event) =>
    thrown.push([error, event])
  );
  const heard: string[] = [];
  callbacks.on("said", () => {
    throw "sync";
  });
  callbacks.on("said", () => Promise.reject("async"));
  callbacks.on("said", (word) => heard.push(word));
  callbacks.emit("said", "a");
  deepStrictEqual(heard, ["a"]);
  await new Promise((resolve) => setTimeout(resolve));
  deepStrictEqual(thrown, [["sync", "said"], ["async", "said"]]);
});
