import { deepStrictEqual, strictEqual } from "node:assert/strict";
import type {
  RecordedAnswer,
  RecordedEvent,
} from "../schema/recorded_event.ts";
import { pastCall } from "./replay.ts";

function answer(
  plugin: string,
  args: unknown[] | null,
  problem: RecordedAnswer["problem"] = null,
): RecordedAnswer {
  return { plugin, hash: "h", args, problem };
}

function recorded(
  answers: RecordedAnswer[],
  event = "start_request",
): RecordedEvent {
  return {
    type: "event",
    at: "2026-01-01T00:00:00.000Z",
    event,
    decision: "d",
    operation: null,
    depth: 0,
    args: ["first"],
    answers,
  };
}

const NO = { code: "refused", detail: "No" };

Deno.test("pastCall() gives a plugin what those before it made of the event", () => {
  const call = pastCall(
    recorded([answer("a", ["a"]), answer("b", null), answer("c", ["c"])]),
    "c",
  );
  deepStrictEqual(call, {
    input: ["a"],
    outcome: { kind: "answered", args: ["c"] },
    wasThere: true,
  });
});

Deno.test("pastCall() tells calls of one plugin in one chain apart", () => {
  const event = recorded([
    answer("a", ["once"]),
    answer("b", ["between"]),
    answer("a", null),
  ]);
  deepStrictEqual(pastCall(event, "a", 1), {
    input: ["between"],
    outcome: { kind: "answered", args: null },
    wasThere: true,
  });
  strictEqual(pastCall(event, "a", 2)?.wasThere, false);
});

Deno.test("pastCall() takes one that was not there for one that said nothing, after all others", () => {
  deepStrictEqual(pastCall(recorded([answer("a", ["a"])]), "z"), {
    input: ["a"],
    outcome: { kind: "answered", args: null },
    wasThere: false,
  });
});

Deno.test("pastCall() tells refusals and failures, and what a refusal kept from others", () => {
  const refused = recorded([answer("a", null, NO)]);
  deepStrictEqual(pastCall(refused, "a")?.outcome, {
    kind: "refused",
    reason: "No",
  });
  strictEqual(pastCall(refused, "z"), null, "the chain was over before it");
  const told = recorded(
    [answer("a", null, { ...NO, code: "plugin_failed" })],
    "register",
  );
  deepStrictEqual(pastCall(told, "a")?.outcome.kind, "failed");
  deepStrictEqual(
    pastCall(told, "z")?.input,
    ["first"],
    "others are told all the same",
  );
});
