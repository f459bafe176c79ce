/**
 * What is typed at a console whose guest listens late, slowly, or not at all.
 *
 * @module
 */
import { deepStrictEqual, strictEqual } from "node:assert/strict";
import { until } from "../../../tests/support/wait.ts";
import { ConsoleInput } from "./console_input.ts";

function bytes(text: string): ArrayBuffer {
  return new TextEncoder().encode(text).buffer;
}

/** A guest's end that keeps what it takes, once `opened`. */
function guest(opened: Promise<void>) {
  const taken: string[] = [];
  const stream = new WritableStream<Uint8Array>({
    async write(chunk) {
      await opened;
      taken.push(new TextDecoder().decode(chunk));
    },
  });
  return { taken, writer: stream.getWriter() };
}

Deno.test("ConsoleInput gives the guest everything, in order, also what came before it listened", async () => {
  const typed = new ConsoleInput(() => {
    throw new Error("broken");
  });
  const { taken, writer } = guest(Promise.resolve());
  typed.add(bytes("a"));
  typed.add(bytes("b"));
  typed.goesTo(writer);
  typed.add(bytes("c"));
  await until("all is taken", () => taken.length === 3);
  deepStrictEqual(taken, ["a", "b", "c"]);
});

Deno.test("ConsoleInput ends a console whose guest takes nothing, before and after it listens", async () => {
  const large = bytes("x".repeat(100_000));
  for (const listens of [false, true]) {
    const errors: string[] = [];
    const typed = new ConsoleInput(({ message }) => void errors.push(message));
    const hold = Promise.withResolvers<void>();
    if (listens) typed.goesTo(guest(hold.promise).writer);
    for (let i = 0; i < 100; i++) typed.add(large);
    strictEqual(errors.length, 1, "said once");
    hold.resolve();
    await hold.promise;
  }
});

Deno.test("ConsoleInput lets a guest that takes all have any amount", async () => {
  const errors: string[] = [];
  const typed = new ConsoleInput(({ message }) => void errors.push(message));
  const { taken, writer } = guest(Promise.resolve());
  typed.goesTo(writer);
  for (let i = 0; i < 50; i++) {
    typed.add(bytes("x".repeat(100_000)));
    await until("it is taken", () => taken.length === i + 1);
    await writer.ready;
  }
  deepStrictEqual(errors, []);
});
