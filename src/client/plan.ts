/**
 * `--plan`: what a request would do, shown instead of done.
 *
 * @module
 */
import type {
  Plan,
  PlannedChange,
  PlannedStep,
  PlannedVm,
} from "../schema/plan.ts";
import type { Api, Body } from "./api.ts";
import type { Context } from "./command.ts";
import { exitOf } from "./exit.ts";
import { wantsColor } from "./io.ts";
import { NOTHING, percent } from "./render/format.ts";
import { printOne } from "./render/output.ts";
import type { Format } from "./render/format_name.ts";
import { showProblems } from "./render/problems.ts";
import { type Column, printable, renderTable } from "./render/table.ts";

/** Shows the plan of a request; answers the exit code that it would end with. */
export async function showPlan(
  context: Context,
  api: Api,
  body: Body<"submit">,
  format: Format | undefined,
): Promise<number> {
  const plan = await api.call("plan", { body });
  const { io } = context;
  if (format === "ndjson" || format === "name") {
    for (const vm of plan.vms) {
      io.stdout.write(`${format === "name" ? vm.vm : JSON.stringify(vm)}\n`);
    }
  } else {
    await printOne(context, plan, format, {
      name: plan.verb,
      describe: () =>
        describePlan(plan, {
          color: wantsColor(io, io.stdout),
          width: io.stdout.isTerminal ? io.stdout.columns() : Infinity,
        }),
    });
  }
  const more = showProblems(context, plan.vms);
  if (more > 0) io.stderr.write(`and ${more} more would be refused\n`);
  io.stderr.write("nothing was done: this is a plan\n");
  return exitOf(plan.vms.map(({ problem }) => ({
    state: problem === null ? "succeeded" : "failed",
    problem,
  })));
}

const COLUMNS: readonly Column<PlannedVm>[] = [
  { key: "vm", value: ({ vm }) => vm },
  { key: "node", value: whereText },
  { key: "steps", value: doesText },
  {
    key: "left",
    value: ({ left }) => left === null ? NOTHING : percent(left),
    align: "right",
  },
];

/** A plan for people. */
export function describePlan(
  { verb, vms, plugins = [] }: Plan,
  { color, width }: { readonly color: boolean; readonly width: number },
): string {
  const table = renderTable(vms, COLUMNS, { header: true, color, width });
  const counts = new Map<string, number>();
  for (const { does } of vms) counts.set(does, (counts.get(does) ?? 0) + 1);
  const parts = SAID.flatMap(([does, say]) => {
    const count = counts.get(does) ?? 0;
    return count === 0 ? [] : [`${count} ${say(verb)}`];
  });
  const marked = vms.some(({ steps }) => steps.some(isMarked))
    ? "! cannot be taken back once it has begun\n"
    : "";
  const heard = plugins.map(pluginText).join("");
  return `${table}${marked}${heard}${parts.join(", ")}\n`;
}

/** What one handler would do; a controller without plugins tells of none. */
function pluginText({ plugin, event, changed }: PlannedChange): string {
  const does = changed.length === 0 ? "changes nothing" : changed.join("; ");
  return printable(`plugin "${plugin}" in ${event}: ${does}`) + "\n";
}

const SAID: readonly (readonly [
  PlannedVm["does"],
  (verb: string) => string,
])[] = [
  ["steps", (verb) => `to ${verb}`],
  ["waits", (verb) => `to ${verb} once it has its turn`],
  ["nothing", () => "as wanted already"],
  ["refused", () => "refused"],
];

function whereText({ from, node }: PlannedVm): string {
  if (node === null) return NOTHING;
  return from === null ? node : `${from} to ${node}`;
}

function doesText({ does, isNew, steps, waitsFor }: PlannedVm): string {
  if (does === "refused") return "refused";
  if (does === "nothing") return "nothing to do";
  const said = [...isNew ? ["register"] : [], ...steps.map(stepText)].join(
    ", ",
  );
  return does === "waits"
    ? `waits for ${waitsFor?.verb ?? "another"} ${waitsFor?.id ?? ""}: ${said}`
    : said;
}

function stepText(step: PlannedStep): string {
  if (step.done) return `(${step.name})`;
  return isMarked(step) ? `${step.name}!` : step.name;
}

function isMarked({ done, noReturn }: PlannedStep): boolean {
  return noReturn && !done;
}
