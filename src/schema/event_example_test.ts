import { deepStrictEqual, strictEqual } from "node:assert/strict";
import { type EventName, EVENTS } from "./event.ts";
import { argsOver, exampleArgs } from "./event_example.ts";

Deno.test("exampleArgs() gives what each event carries", () => {
  for (const event of Object.keys(EVENTS) as EventName[]) {
    const parsed = EVENTS[event].args.safeParse(exampleArgs(event));
    strictEqual(parsed.success, true, `${event}: ${parsed.error?.message}`);
  }
});

Deno.test("argsOver() writes over the example key by key, and invents nothing for a plugin's own event", () => {
  const [request] = argsOver("start_request", [{ count: 3, args: { a: "b" } }]);
  const { count, args, user } = request as Record<string, unknown>;
  deepStrictEqual([count, args, user], [3, { a: "b" }, "ann"]);
  deepStrictEqual(argsOver("sample_event", ["x"]), ["x"]);
});
