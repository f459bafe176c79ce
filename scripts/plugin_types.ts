/**
 * Writes the types that plugins are written against as one file that needs no
 * other: the executable travels alone, and `usher plugin init` puts this file
 * beside a new plugin. A test fails when it is not what this makes.
 *
 * What stands in `src/plugin/api.ts` is taken as it is; the types of what
 * events carry are made from their schemas.
 *
 *   deno run -A scripts/plugin_types.ts
 *
 * @module
 */
import { type EventName, EVENTS } from "../src/schema/event.ts";
import {
  argumentTypes,
  EVENT_SCHEMAS,
  eventSchemas,
} from "../src/schema/event_schemas.ts";
import { Manifest } from "../src/schema/plugin.ts";
import { VmRequest } from "../src/schema/request.ts";
import { namedJsonSchemas, typeText } from "../src/schema/type_text.ts";
import { ROOT } from "./support.ts";

/** The file, from the repository's root. */
export const TYPES_FILE =
  "src/client/commands/plugin/template/usher_plugin.d.ts.txt";

/** Types of `api.ts` that come from schemas of other files. */
const SCHEMA_TYPES: Readonly<Record<string, string>> = {
  "typeof WaitMs": "z.ZodType<number, number | string>",
  "typeof SizeMiB": "z.ZodType<number, number | string>",
};

/** All types of `@usher/plugin`. */
export async function pluginTypes(): Promise<string> {
  const api = await Deno.readTextFile(`${ROOT}src/plugin/api.ts`);
  const [doc = ""] = /^\/\*\*[\s\S]*?\*\/\n/.exec(api) ?? [];
  return [
    doc.trimEnd(),
    'import type { z } from "zod";\n',
    ownText(api.slice(doc.length)),
    "// What events carry.\n",
    eventTexts(),
    ...Object.keys(EVENT_SCHEMAS).map((name) =>
      `export type ${name} = ${typeText(eventSchemas()[name] ?? {})};\n`
    ),
    inputText("ManifestInput", Manifest),
    inputText("VmRequestInput", VmRequest),
  ].join("\n");
}

/** What `api.ts` declares itself. */
function ownText(text: string): string {
  let own = text
    .replaceAll(/^(?:import|export) type [^;=]*? from "[^"]+";\n/gm, "")
    .replaceAll(/^export type \{[^}]*\};\n/gm, "")
    .replaceAll(/^ *\/\/ deno-lint-ignore.*\n/gm, "");
  for (const [from, to] of Object.entries(SCHEMA_TYPES)) {
    own = own.replaceAll(from, to);
  }
  return own.trim() + "\n";
}

function eventTexts(): string {
  const lines = (Object.keys(EVENTS) as EventName[]).map((event) => {
    const types = argumentTypes(event);
    const args = EVENTS[event].names.map((name, i) => `${name}: ${types[i]}`);
    return `  /** ${EVENTS[event].about} */\n  ${event}: [${
      args.join(", ")
    }];\n`;
  });
  return `/** The arguments of each event of usher's own. */
export interface EventMap {
${lines.join("")}}

/** The name of an event of usher's own. */
export type EventName = keyof EventMap;

/** The arguments of an event, as handlers get them. */
export type EventArgs<E extends EventName> = EventMap[E];
`;
}

function inputText(
  name: string,
  schema: Parameters<typeof namedJsonSchemas>[0][string],
): string {
  const { It } = namedJsonSchemas({ It: schema }, "input");
  return `export type ${name} = ${typeText(It ?? {})};\n`;
}

if (import.meta.main) {
  await Deno.writeTextFile(ROOT + TYPES_FILE, await pluginTypes());
}
