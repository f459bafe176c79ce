/**
 * `usher plugin show`.
 *
 * @module
 */
import { permissionTexts } from "../../../schema/permission_text.ts";
import type { PluginView, RegistrationView } from "../../../schema/plugin.ts";
import { defineCommand } from "../../command.ts";
import { type Fact, renderFacts } from "../../render/describe.ts";
import { age, memory, NOTHING } from "../../render/format.ts";
import { FORMAT_FLAG, printShown } from "../../render/output.ts";
import { renderTable } from "../../render/table.ts";
import { callTime } from "./figures.ts";

export const show = defineCommand({
  about:
    "Show all there is to know about plugins: what they ask and are granted, their options, and each of their events with what its calls cost.",
  words: { usage: "PLUGINS...", min: 1, max: Infinity, completes: "plugin" },
  flags: FORMAT_FLAG,
  examples: [
    ["usher plugin show users", "grants, options and events of users"],
  ],
  async run(context, { words, flags }) {
    const api = await context.api();
    const plugins = await Promise.all(
      words.map((name) => api.call("plugin", { params: { name } })),
    );
    await printShown(context, plugins, flags.output, {
      single: words.length === 1,
      name: ({ name }) => name,
      describe: (plugin) => describePlugin(plugin, context.io.now()),
    });
    return 0;
  },
});

/** A plugin for people. */
export function describePlugin(plugin: PluginView, now: number): string {
  const { manifest } = plugin;
  const facts: Fact[] = [
    ["name", plugin.name],
    [
      "state",
      plugin.reason === "" ? plugin.state : `${plugin.state}: ${plugin.reason}`,
    ],
    ["enabled", enabledText(plugin, now)],
    ["version", manifest?.version ?? null],
    ["about", manifest?.description ?? null],
    ["author", manifest?.author ?? null],
    ["path", plugin.path],
    ["hash", plugin.hash],
    ["pid", plugin.pid],
    ["memory", plugin.memoryMiB === null ? null : memory(plugin.memoryMiB)],
    ["limits", limitsText(plugin)],
    ["restarts", plugin.restarts === 0 ? null : plugin.restarts],
    ["granted", grantsText(plugin.granted)],
    ["not granted", plugin.denied.join(", ")],
    ["declares", Object.keys(manifest?.events ?? {}).join(", ")],
    ...Object.entries(plugin.options).map(([key, value]): Fact => [
      `option ${key}`,
      JSON.stringify(value),
    ]),
    ...shadowFacts(plugin),
  ];
  return renderFacts(facts) + registrationTable(plugin, now);
}

/** Events that come by a clock, and are passed over while their handler still runs. */
const CLOCKS: ReadonlySet<string> = new Set(["periodic", "timer"]);

function skippedText(
  { event, skipped, lastSkippedAt }: RegistrationView,
  now: number,
): string {
  if (!CLOCKS.has(event)) return NOTHING;
  return lastSkippedAt === null
    ? String(skipped)
    : `${skipped}, last ${age(lastSkippedAt, now)} ago`;
}

function enabledText({ switched, state }: PluginView, now: number): string {
  if (switched !== null) {
    return `${switched.enabled ? "yes" : "no"}, by ${switched.by} ${
      age(switched.at, now)
    } ago, over the configuration`;
  }
  if (state === "available") return "no: it is not in the configuration";
  return `${state === "disabled" ? "no" : "yes"}, by the configuration`;
}

/** What it is held to, and by whom. */
function limitsText({ limits, heldByKernel }: PluginView): string | null {
  if (limits === null) return null;
  const cpu = limits.cpu === 1 ? "1 processor" : `${limits.cpu} processors`;
  const kept = heldByKernel.length === 0
    ? "looked at from outside"
    : `looked at from outside, and kept by the kernel (${
      heldByKernel.join(", ")
    })`;
  return `${memory(limits.memory)} of memory, ${cpu}; ${kept}`;
}

/** What a plugin was granted, in a line. */
export function grantsText(granted: PluginView["granted"]): string {
  const { ctx, ...permissions } = granted;
  return [
    ...ctx.map((name) => `ctx.${name}`),
    ...permissionTexts(permissions),
  ].join(", ") || "nothing";
}

function shadowFacts({ shadow }: PluginView): Fact[] {
  if (shadow === null) return [];
  const { path, hash, until, compared, different, skipped, last } = shadow;
  return [
    ["shadow", `${path} (${hash.slice(0, 12)})`],
    ["until", until],
    [
      "compared",
      `${compared} call(s), ${different} different${
        skipped === 0 ? "" : `, ${skipped} left out`
      }`,
    ],
    ...last.map((text): Fact => ["different", text]),
  ];
}

function registrationTable(
  { registrations }: PluginView,
  now: number,
): string {
  if (registrations.length === 0) return "";
  const hasClocks = registrations.some(({ event }) => CLOCKS.has(event));
  return "\n" + renderTable(registrations, [
    { key: "event", value: ({ event }) => event },
    {
      key: "order",
      align: "right",
      value: ({ order }) => order === null ? NOTHING : String(order),
    },
    { key: "calls", align: "right", value: ({ calls }) => String(calls) },
    { key: "p50", align: "right", value: ({ p50Ms }) => callTime(p50Ms) },
    { key: "p99", align: "right", value: ({ p99Ms }) => callTime(p99Ms) },
    {
      key: "refusals",
      align: "right",
      value: ({ refusals }) => String(refusals),
    },
    {
      key: "failures",
      align: "right",
      value: ({ failures }) => String(failures),
    },
    { key: "circuit", value: ({ circuit }) => circuit },
    ...(hasClocks
      ? [{
        key: "skipped",
        value: (one: RegistrationView) => skippedText(one, now),
      }]
      : []),
    { key: "last-error", value: ({ lastError }) => lastError ?? NOTHING },
  ], { header: true, color: false, width: Infinity });
}
