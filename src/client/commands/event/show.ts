/**
 * `usher event show`.
 *
 * @module
 */
import type { EventKind, EventName } from "../../../schema/event.ts";
import { defineCommand } from "../../command.ts";
import { renderFacts } from "../../render/describe.ts";
import { FORMAT_FLAG, printShown } from "../../render/output.ts";
import { unknownWord } from "../../usage.ts";

export const show = defineCommand({
  about:
    "Show an event: when it fires, what it carries, and what becomes of a handler's answer.",
  words: { usage: "NAMES...", min: 1, max: Infinity, completes: "event" },
  flags: FORMAT_FLAG,
  examples: [
    ["usher event show start_request", "its arguments as TypeScript"],
    ["usher event show migrate -o json", "as JSON Schema"],
  ],
  async run(context, { words, flags }) {
    const { EVENTS, isEventName } = await import("../../../schema/event.ts");
    const { z } = await import("zod");
    const shown = words.map((name) => {
      if (!isEventName(name)) {
        throw unknownWord(
          "event",
          name,
          Object.keys(EVENTS),
          "usher event list shows them all",
        );
      }
      const { args, ...kind }: EventKind = EVENTS[name];
      const schema = z.toJSONSchema(args, { unrepresentable: "any" });
      return { name, ...kind, args: schema as unknown };
    });
    const schemas = await import("../../../schema/event_schemas.ts");
    const types = await import("../../../schema/type_text.ts");
    await printShown(context, shown, flags.output, {
      single: words.length === 1,
      name: ({ name }) => name,
      describe(event) {
        const given = schemas.argumentTypes(event.name);
        const used = schemas.typesWithin(given).toReversed();
        return describeEvent(event, given) +
          used.map((name) =>
            `\ntype ${name} = ${
              types.typeText(schemas.eventSchemas()[name] ?? {})
            }\n`
          ).join("");
      },
    });
    return 0;
  },
});

type Shown = Omit<EventKind, "args"> & { readonly name: EventName };

function describeEvent(event: Shown, types: readonly string[]): string {
  const kept = event.names.flatMap((arg, i) =>
    (event.frozen[i] ?? []).map((key) => `${arg}.${key}`)
  );
  return renderFacts([
    ["name", event.name],
    ["about", event.about],
    ["class", CLASSES[event.class]],
    [
      "arguments",
      event.names.map((arg, i) => `${arg}: ${types[i]}`).join(", ") || "none",
    ],
    ["kept", kept.join(", ")],
    ["deadline", `${event.deadlineMs / 1000}s`],
    ["recorded", event.recorded ? "yes" : "never"],
  ]);
}

const CLASSES: Readonly<Record<EventKind["class"], string>> = {
  decides: "decides: usher goes on with what its chain comes to",
  tells: "tells: what its chain comes to is dropped",
};
