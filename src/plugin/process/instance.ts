/**
 * One registration's instance of a plugin: its options and its handlers, and a
 * call of one of them.
 *
 * It runs where the plugin does, so its errors are for whoever wrote the
 * plugin: they say what the module, the options or the handler should be.
 *
 * @module
 */
import { z } from "zod";
import { compileGlob, compileName } from "../../core/selector.ts";
import { type Issue, meantIssue } from "../../schema/issue.ts";
import { knownKeys } from "../../schema/known_keys.ts";
import { SizeMiB, WaitMs } from "../../schema/quantity.ts";
import { messageOf, UsherError } from "../../error/mod.ts";
import type {
  Json,
  Plugin,
  PluginContext,
  PluginDefinition,
  PluginTools,
} from "../api.ts";
import { AnyEventName } from "../../schema/any_event.ts";
import { Refusal } from "../handler_context.ts";
import { permissionFor } from "./lockdown.ts";
import { placeOf } from "../files/place.ts";

/** What importing a plugin's file gives. */
export interface PluginModule {
  readonly manifest?: unknown;
  readonly default?: unknown;
}

/** Why an instance is made. */
export type InstanceReason = PluginTools["registration"];

/** One thing that is wrong with options. */
export interface OptionIssue {
  readonly path: readonly (string | number)[];
  readonly message: string;
  /** Keys that are not known there. */
  readonly unknown: readonly string[];
  /** Keys that are. */
  readonly known: readonly string[];
}

/** What came of a call in the plugin itself. */
export type Outcome =
  | { readonly kind: "done"; /** JSON. */ readonly args: string | null }
  | {
    readonly kind: "refused";
    readonly reason: string;
    readonly hint: string | null;
  }
  | { readonly kind: "threw"; readonly text: string };

/** A plugin as it is for one registration. */
export class Instance {
  readonly plugin: Plugin;
  readonly options: unknown;

  /** Throws `invalid_input` for a plugin that is none, and for options it does not take. */
  constructor(module: PluginModule, reason: InstanceReason, given: unknown) {
    this.plugin = definitionOf(module, reason);
    const { options, issues } = readOptions(this.plugin, given);
    const [first] = issues;
    if (first !== undefined) {
      throw new UsherError("invalid_input", `Options: ${first.message}`, {
        field: first.path.join("."),
      });
    }
    this.options = options;
  }

  /** Runs the handler for `context.event`; it never rejects. */
  async call(args: unknown[], context: PluginContext): Promise<Outcome> {
    try {
      const { handlers } = this.plugin;
      const handler = own(handlers, context.event) ?? own(handlers, "*");
      if (handler === undefined) {
        return threw(`it has no handler for "${context.event}"`);
      }
      const answer = await handler.call(handlers, args, context);
      return done(answer);
    } catch (error) {
      return error instanceof Refusal
        ? { kind: "refused", reason: error.message, hint: error.hint }
        : threw(describeError(error));
    }
  }
}

/** Calls the plugin's default function. Throws `invalid_input` when it makes no plugin. */
export function definitionOf(
  module: PluginModule,
  registration: InstanceReason,
): Plugin {
  const make = module.default;
  if (typeof make !== "function") {
    throw new UsherError("invalid_input", "It has no default export", {
      hint:
        "write export default ({ definePlugin, z }) => definePlugin({ handlers: { … } })",
    });
  }
  const tools: PluginTools = {
    z,
    duration: WaitMs,
    size: SizeMiB,
    glob(pattern) {
      const compiled = compileGlob(pattern);
      return (text) => compiled.test(text);
    },
    vmPattern: compileName,
    registration,
    definePlugin,
  };
  const made = make(tools);
  if (made instanceof Promise) {
    made.catch(() => {});
    throw new UsherError("invalid_input", "Its default function is async", {
      hint: "await at the top of the module, or in a handler",
    });
  }
  return definePlugin(made);
}

/** The events that a plugin has handlers for; `*` among them for a generic one. */
export function handledBy(plugin: Plugin): string[] {
  return Object.keys(plugin.handlers);
}

/** Checks what a plugin's default function gives; types do the rest. */
function definePlugin<O extends z.ZodType>(
  definition: PluginDefinition<O>,
): Plugin {
  const { options, handlers } = (definition ?? {}) as Partial<
    typeof definition
  >;
  if (typeof handlers !== "object" || handlers === null) {
    throw new UsherError(
      "invalid_input",
      "Its default function gives no plugin",
      {
        hint: "return definePlugin({ handlers: { … } })",
      },
    );
  }
  if (options !== undefined && typeof options?.safeParse !== "function") {
    throw new UsherError("invalid_input", "Its options are no schema", {
      hint: "write options: z.strictObject({ … }) with the z that is handed in",
      field: "options",
    });
  }
  for (const [event, handler] of Object.entries(handlers)) {
    const isName = event === "*" || AnyEventName.safeParse(event).success;
    if (isName && typeof handler === "function") continue;
    throw new UsherError(
      "invalid_input",
      isName
        ? `Its handler for "${event}" is no function`
        : `"${event}" cannot be the name of an event`,
      { field: `handlers.${event}` },
    );
  }
  return definition as Plugin;
}

/** What the plugin's own schema makes of `given`, or what is wrong with it. */
export function readOptions(
  { options: schema }: Plugin,
  given: unknown,
): { readonly options: unknown; readonly issues: readonly OptionIssue[] } {
  const checked: z.ZodType = schema ?? z.strictObject({});
  const parsed = checked.safeParse(given ?? {});
  if (parsed.success) return { options: parsed.data, issues: [] };
  const issues = parsed.error.issues.map((issue) => issueOf(issue, checked));
  return { options: null, issues };
}

function issueOf(issue: Issue, schema: z.ZodType): OptionIssue {
  const { path, message, code, keys = [] } = meantIssue(issue) ?? issue;
  return {
    path: path.map((part) => typeof part === "number" ? part : String(part)),
    message,
    unknown: code === "unrecognized_keys" ? keys : [],
    known: knownKeys(schema, path),
  };
}

// deno-lint-ignore no-explicit-any -- a handler of any event
type AnyHandler = (args: any, context: PluginContext) => unknown;

function own(
  handlers: Plugin["handlers"],
  event: string,
): AnyHandler | undefined {
  return Object.hasOwn(handlers, event)
    ? handlers[event] as AnyHandler
    : undefined;
}

function done(answer: unknown): Outcome {
  if (answer === undefined || answer === null) {
    return { kind: "done", args: null };
  }
  if (!Array.isArray(answer)) {
    return threw(
      `it gave back ${
        kindOf(answer)
      }: return the list of arguments, or nothing`,
    );
  }
  return { kind: "done", args: JSON.stringify(answer) };
}

function kindOf(value: unknown): string {
  return typeof value === "object" ? "an object" : `a ${typeof value}`;
}

function threw(text: string): Outcome {
  return { kind: "threw", text };
}

/** What was thrown, and where in the plugin, in one line. */
export function describeError(error: unknown): string {
  if (!(error instanceof Error)) return `it threw ${asText(error)}`;
  const place = placeOf(error.stack ?? "");
  const what = error.name === "Error" || error instanceof UsherError
    ? error.message
    : `${error.name}: ${error.message.replace(ADVICE, "")}`;
  const hint = hintFor(error);
  return `${what}${place === null ? "" : ` (${place})`}${
    hint === null ? "" : `; ${hint}`
  }`;
}

/** What the runtime adds for people who start it themselves. */
export const ADVICE =
  /, (run again with the --allow-\S+ flag|specify the required permissions during compilation using `deno compile --allow-\S+`)/;

/** What would be right, where that is known of an error in a handler. */
function hintFor(error: Error): string | null {
  if (error instanceof UsherError) return error.details.hint ?? null;
  const asked =
    "it must be asked for in the manifest's permissions, and granted";
  if (error.name === "NotCapable") return asked;
  const [, missing = ""] = /^Deno\.(\w+) is not a /.exec(error.message) ?? [];
  const kind = permissionFor(missing);
  return kind === null ? null : `it is there with "${kind}" alone: ${asked}`;
}

function asText(value: unknown): string {
  try {
    return typeof value === "string" ? value : JSON.stringify(value as Json) ??
      String(value);
  } catch (error) {
    return `something that cannot be shown: ${messageOf(error)}`;
  }
}
