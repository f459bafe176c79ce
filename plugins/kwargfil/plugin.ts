/**
 * `kwargfil`: says which arguments and how much of everything a request may ask
 * for, per user, group, role and cluster, and fills in what it leaves open.
 *
 * It is for the event `request`, which comes before all others: what plugins
 * add to a request later is theirs, and not measured by what users may give.
 * On `start_request` it does the same for starts alone.
 *
 * @module
 */
import type {
  Manifest,
  Plugin,
  PluginContext,
  PluginTools,
} from "@usher/plugin";
import { refusedArguments } from "./arguments.ts";
import { additionsOf, completed, isSame } from "./completion.ts";
import { Globs } from "./glob.ts";
import { type Excess, excesses } from "./limits.ts";
import {
  clustersOf,
  optionsSchema,
  type Rule,
  rulesFor,
  type VmRequestValue,
} from "./rule.ts";

/** What this plugin is; it asks for nothing. */
export const manifest: Manifest = {
  name: "kwargfil",
  version: "1.0.0",
  api: 1,
  author: "usher",
  description: "Which arguments and how much of what a request may ask for",
};

type Context = PluginContext<{ readonly rules: readonly Rule[] }>;

export default (tools: PluginTools): Plugin => {
  const globs = new Globs(tools);
  return tools.definePlugin({
    options: optionsSchema(tools, globs),
    handlers: {
      request([request], ctx) {
        if (request.verb === "list" || request.verb === "lnm_list") return;
        return [filtered(request, globs, ctx)];
      },
      start_request: ([request], ctx) => [filtered(request, globs, ctx)],
    },
  });
};

/** The request as it may be; refuses what it may not be. */
function filtered<R extends VmRequestValue>(
  request: R,
  globs: Globs,
  ctx: Context,
): R {
  const perCluster = clustersOf(request)
    .map((cluster) => rulesFor(ctx.options.rules, request, cluster, globs));
  // What was asked is measured, and not what the site itself adds.
  const refused = perCluster.flatMap((rules) => [
    ...refusedArguments(request.args, rules, globs),
    ...excesses(request, rules, globs),
  ]);
  refuseAll(refused, ctx);
  const additions = perCluster.map(additionsOf);
  const [first] = additions;
  if (first === undefined) return request;
  if (!additions.every((other) => isSame(other, first))) {
    ctx.refuse(
      "The VMs of this request lie in clusters with different rules",
      "ask for the VMs of each cluster in a request of their own",
    );
  }
  return completed(request, first);
}

const SHOWN = 5;

function refuseAll(refused: readonly Excess[], ctx: Context): void {
  const texts = [...new Set(refused.map(({ text }) => text))];
  if (texts.length === 0) return;
  const hints = [...new Set(refused.map(({ hint }) => hint))];
  const more = texts.length - SHOWN;
  ctx.refuse(
    texts.slice(0, SHOWN).join("; ") + (more > 0 ? `; and ${more} more` : ""),
    hints.slice(0, SHOWN).join("; "),
  );
}
