/**
 * Runs the checks that stand beside a plugin, in the sandbox.
 *
 * @module
 */
import { takeAnswer } from "../plugin/chain/answer.ts";
import type { HandlerOutcome } from "../plugin/chain/outcome.ts";
import { outcomeText } from "../plugin/chain/outcome.ts";
import type { PluginReading } from "../plugin/files/read.ts";
import { isUsherError } from "../error/mod.ts";
import type { Registration } from "../plugin/runner.ts";
import type { PermissionSet } from "../schema/plugin.ts";
import { EVENTS, isEventName } from "../schema/event.ts";
import { argsOver } from "../schema/event_example.ts";
import { knownKeys } from "../schema/known_keys.ts";
import { didYouMean } from "../schema/nearest.ts";
import type { PluginCheck, PluginChecks } from "../schema/plugin_check.ts";
import type { AlonePlugin } from "./alone.ts";
import { EMPTY_SITE, StandIn } from "./stand_in.ts";

/** What is always checked. */
const STARTS = "starts";

/** What came of one check. */
export interface CheckResult {
  readonly name: string;
  /** What is wrong; null when it is as it should be. */
  readonly problem: string | null;
}

/**
 * Starts a plugin and runs its checks one after another, with these permissions.
 * That it starts is the first of them; where it does not, there are no others.
 */
export async function runChecks(
  plugin: AlonePlugin,
  reading: PluginReading,
  { options, checks }: PluginChecks,
  permissions: PermissionSet,
): Promise<CheckResult[]> {
  const site = new StandIn(EMPTY_SITE);
  const { manifest: { ctx, verbs }, handles } = reading;
  const tried = checks.length > 0
    ? checks.map((check) => ({
      event: check.event,
      options: { ...options, ...check.options },
    }))
    : handles.map((event) => ({ event, options }));
  const grants = { ...permissions, ctx: [...ctx], verbs: [...verbs] };
  let registrations: Registration[];
  try {
    registrations = await plugin.start(reading, tried, site, grants);
  } catch (error) {
    if (!isUsherError(error, "plugin_failed")) throw error;
    return [{ name: STARTS, problem: error.message }];
  }
  const results: CheckResult[] = [{ name: STARTS, problem: null }];
  for (const [index, check] of checks.entries()) {
    const registration = registrations[index];
    if (registration === undefined) continue;
    plugin.lines = [];
    site.takeDeeds();
    const args = argsOver(check.event, check.args);
    const outcome = await plugin.call(
      registration,
      args,
      `check-${index}/${check.event}/${plugin.name}#0`,
      false,
    );
    const problem = problemOf(check, args, outcome, {
      lines: plugin.lines.map(({ text }) => text),
      requests: site.requests.map(({ request }) => request.verb),
    });
    const name = check.name ?? `${check.event} ${index + 1}`;
    results.push({ name, problem: misspeltArg(check) ?? problem });
  }
  return results;
}

/** A key of an argument that was meant to be another: it would say nothing. */
function misspeltArg({ event, args }: PluginCheck): string | null {
  if (!isEventName(event)) return null;
  const schemas = EVENTS[event].args.def.items as readonly unknown[];
  for (const [i, arg] of (args ?? []).entries()) {
    if (typeof arg !== "object" || arg === null) continue;
    const known = knownKeys(schemas[i], []);
    for (const key of Object.keys(arg)) {
      const meant = known.includes(key) ? "" : didYouMean(key, known);
      if (meant !== "") return `args.${i} has no "${key}": ${meant}`;
    }
  }
  return null;
}

interface Seen {
  readonly lines: readonly string[];
  readonly requests: readonly string[];
}

function problemOf(
  { event, refused, answer, logs, requests }: PluginCheck,
  input: readonly unknown[],
  outcome: HandlerOutcome,
  seen: Seen,
): string | null {
  if (refused !== undefined) {
    const isRefused = outcome.kind === "refused" &&
      outcome.reason.includes(refused);
    if (!isRefused) {
      return `should be refused with "${refused}", but ${
        outcomeText(input, outcome)
      }`;
    }
  } else if (outcome.kind !== "answered") {
    return outcome.reason;
  } else {
    // As a chain does, which would drop what is of another kind.
    const taken = outcome.args === null
      ? null
      : takeAnswer(event, input, outcome.args);
    const wrong = taken?.problem ??
      (answer === undefined ? null : answerProblem(answer, outcome.args));
    if (wrong !== null) return wrong;
  }
  if (logs !== undefined && !seen.lines.some((line) => line.includes(logs))) {
    return `should log "${logs}", but said ${
      seen.lines.map((line) => `"${line}"`).join(", ") || "nothing"
    }`;
  }
  const filed = seen.requests.join(", ");
  return requests !== undefined && requests.join(", ") !== filed
    ? `should file ${requests.join(", ") || "nothing"}, but filed ${
      filed || "nothing"
    }`
    : null;
}

function answerProblem(
  wanted: readonly unknown[] | null,
  got: readonly unknown[] | null,
): string | null {
  if (wanted === null) {
    return got === null
      ? null
      : `should give back nothing, but gave ${JSON.stringify(got)}`;
  }
  const missing = missingIn(wanted, got ?? [], []);
  return missing === null ? null : `the answer ${missing}`;
}

/** What of `wanted` is not in `got`: objects may hold more, lists may not. */
function missingIn(
  wanted: unknown,
  got: unknown,
  path: readonly string[],
): string | null {
  const at = path.join(".") || "as a whole";
  if (typeof wanted !== "object" || wanted === null) {
    return Object.is(wanted, got)
      ? null
      : `has ${JSON.stringify(got) ?? "nothing"} at ${at}, not ${
        JSON.stringify(wanted)
      }`;
  }
  const isLike = typeof got === "object" && got !== null &&
    Array.isArray(got) === Array.isArray(wanted);
  if (!isLike) {
    return `has no ${Array.isArray(wanted) ? "list" : "object"} at ${at}`;
  }
  if (Array.isArray(wanted) && wanted.length !== (got as unknown[]).length) {
    return `has ${
      (got as unknown[]).length
    } values at ${at}, not ${wanted.length}`;
  }
  for (const [key, value] of Object.entries(wanted)) {
    const its = (got as Record<string, unknown>)[key];
    const missing = missingIn(value, its, [...path, key]);
    if (missing !== null) return missing;
  }
  return null;
}
