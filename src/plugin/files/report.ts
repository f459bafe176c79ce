/**
 * What a worker says once it has loaded its plugin, or could not.
 *
 * It is read in the controller by the schema, like all that comes from a
 * worker; the manifest in it is checked there by its own.
 *
 * @module
 */
import { z } from "zod";
import { isUsherError, messageOf } from "../../error/mod.ts";
import {
  ADVICE,
  definitionOf,
  handledBy,
  type PluginModule,
  readOptions,
} from "../process/instance.ts";
import { placeOf } from "./place.ts";
import type { RegistrationSpec } from "../process/protocol.ts";

/** Why a plugin cannot be loaded. */
export const LoadProblem = z.object({
  message: z.string(),
  hint: z.string().nullable(),
  /** Which export or field of the plugin it is. */
  field: z.string().nullable(),
  /** Where in its files, `lib/a.ts:3:7`. */
  place: z.string().nullable(),
});
/** Why a plugin cannot be loaded. */
export type LoadProblem = z.infer<typeof LoadProblem>;

const Issue = z.object({
  path: z.array(z.union([z.string(), z.number()])),
  message: z.string(),
  unknown: z.array(z.string()),
  known: z.array(z.string()),
});

/** What a plugin is, as far as it can be told without running a handler. */
export const ReadReport = z.object({
  manifest: z.unknown(),
  handles: z.array(z.string()),
  /** For each registration: what it handles there, and what is wrong with its options. */
  registrations: z.array(z.object({
    handles: z.array(z.string()),
    issues: z.array(Issue),
  })),
  /** JSON Schema of its options; null when it takes none, or none can be made. */
  schema: z.unknown(),
});
/** What a plugin is. */
export type ReadReport = z.infer<typeof ReadReport>;

/** What a worker says of itself. */
export const GuestReport = z.union([
  z.object({ problem: LoadProblem }),
  z.object({ read: ReadReport }),
  z.object({ runs: z.literal(true) }),
]);
/** What a worker says of itself. */
export type GuestReport = z.infer<typeof GuestReport>;

/** Looks at a module without calling a handler. Throws when it is no plugin. */
export function readModule(
  module: PluginModule,
  registrations: readonly RegistrationSpec[],
): ReadReport {
  const general = definitionOf(module, { event: "*", order: null });
  const each = registrations.map(({ event, order, options }) => {
    const plugin = definitionOf(module, { event, order });
    const issues = readOptions(plugin, options).issues.map((issue) => ({
      path: [...issue.path],
      message: issue.message,
      unknown: [...issue.unknown],
      known: [...issue.known],
    }));
    return { handles: handledBy(plugin), issues };
  });
  return {
    manifest: module.manifest ?? null,
    handles: handledBy(general),
    registrations: each,
    schema: jsonSchemaOf(general.options),
  };
}

function jsonSchemaOf(options: z.ZodType | undefined): unknown {
  if (options === undefined) return null;
  try {
    return z.toJSONSchema(options, { unrepresentable: "any", io: "input" });
  } catch {
    return null; // of another zod, or recursive in a way that has no JSON
  }
}

/** Why loading failed, in words for whoever wrote the plugin. */
export function loadProblem(error: unknown): LoadProblem {
  if (isUsherError(error)) {
    const { hint = null, field = null } = error.details;
    const place = placeOf(error.stack ?? "");
    return { message: error.message, hint, field, place };
  }
  const stack = error instanceof Error ? error.stack ?? "" : "";
  const name = error instanceof Error ? `${error.name}: ` : "it threw ";
  const { message, place } = withoutPlace(messageOf(error));
  const known = EXPLAINED.find(([pattern]) => pattern.test(message));
  return {
    message: known === undefined ? name + message : message,
    hint: known?.[1] ?? THROWN,
    field: null,
    place: place ?? placeOf(stack),
  };
}

/** The message, and where in the plugin's files it is, where that is known. */
export function problemText({ message, place }: LoadProblem): string {
  return place === null ? message : `${message} (${place})`;
}

const COLOR = /\p{Cc}\[[\d;]*m/gu;

/** Where a file is imported that cannot be stands in the message, in color. */
function withoutPlace(
  text: string,
): { readonly message: string; readonly place: string | null } {
  const plain = text.replaceAll(COLOR, "").replace(ADVICE, "");
  const [message = "", at] = plain.split(/\s+at (?=file:\/\/\S+:\d+:\d+$)/);
  const place = at === undefined ? null : placeOf(`\n at ${at}`);
  return { message: message.trim(), place };
}

const THROWN =
  "it goes wrong while the file is loaded, before any handler is called";

/** What the runtime says of imports, and what would be right. */
const EXPLAINED: readonly (readonly [RegExp, string])[] = [
  [
    /@usher\/plugin|\/src\/plugin\/api\.ts/,
    'write import type { … } from "@usher/plugin": at run time there is nothing to import',
  ],
  [
    /Relative import path|npm:|jsr:|not a dependency|list of packages/,
    "bundle what it uses into its file: deno bundle -o plugin.js plugin.ts",
  ],
  [
    /import access|(?:https?|data|blob):/,
    "a plugin imports its own files and node: modules, and nothing else",
  ],
  [
    /before initialization/,
    "its files import each other in a circle: what is used while they load must lie in a file that imports none of them",
  ],
  [
    /read access/,
    "it imports what lies outside of its own folder",
  ],
  [/Module not found|Cannot find module/i, "the file is not in its folder"],
  [
    /does not provide an export/,
    "write import type for what is a type alone",
  ],
];
