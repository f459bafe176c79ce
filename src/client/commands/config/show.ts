/**
 * `usher config show`.
 *
 * @module
 */
import { stringify } from "yaml";
import { roleSources } from "../../../config/load.ts";
import { type ShownKey, shownKeys } from "../../../config/shown.ts";
import {
  merge,
  type Override,
  overriding,
  sourceFiles,
} from "../../../config/sources.ts";
import {
  choice,
  type Context,
  defineCommand,
  text,
  toggle,
} from "../../command.ts";
import { EXIT } from "../../exit.ts";
import { type Column, renderTable } from "../../render/table.ts";
import { UsageError } from "../../usage.ts";
import {
  CONFIG_NAMES,
  configName,
  CONFIGS,
  filesOf,
  flagOverrides,
} from "./roles.ts";
import { ctrl, lnm } from "../roles.ts";

/** How it may look. */
const FORMS = ["table", "yaml", "json"] as const;

export const show = defineCommand({
  about:
    "Print a configuration as its files and flags make it, defaults among it: that of the controller, of a node, of the shell, or of the command line when none is named. What may be secret is hidden. Nothing is started, and no controller is asked: one that runs may have been started before a file was changed.",
  words: {
    usage: "[ctrl|lnm|cli|ush]",
    min: 0,
    max: 1,
    completes: "none",
    choices: CONFIG_NAMES,
  },
  flags: {
    origin: toggle(
      "say of each value where it comes from: file, line and column, a flag, a variable, or default",
    ),
    config: text("FILE", "a file that is read after the usual ones", {
      completes: "file",
    }),
    state: ctrl.flags.state,
    "listen-clients": ctrl.flags["listen-clients"],
    "listen-nodes": ctrl.flags["listen-nodes"],
    name: lnm.flags.name,
    run: lnm.flags.run,
    driver: lnm.flags.driver,
    output: choice(FORMS, "form of the output", { short: "o" }),
  },
  examples: [
    ["usher config show ctrl --origin", "what the controller is started with"],
    [
      "usher config show lnm --driver sim",
      "with a flag that the service gives it",
    ],
  ],
  async run(context, { words: [word = "cli"], flags }) {
    const name = configName(word);
    const overrides = [
      ...fromVariables(context, name),
      ...flagOverrides(flags),
    ];
    const schema = CONFIGS[name];
    for (const { path: [top = ""], by } of overrides) {
      if (Object.hasOwn(schema.shape, top)) continue;
      throw new UsageError(`${by} says nothing of ${name}.yaml`);
    }
    const files = await sourceFiles(
      roleSources(name, flags.config),
      filesOf(context.io),
    );
    const keys = shownKeys(name, schema, files, overrides);
    const format = flags.output ?? (flags.origin ? "table" : "yaml");
    context.io.stdout.write(rendered(keys, flags.origin, format, context));
    return EXIT.done;
  },
});

/** What the environment says of the command line. */
function fromVariables({ io }: Context, name: string): Override[] {
  const value = io.env("USHER_CONTROLLER");
  return name !== "cli" || !value
    ? []
    : [{ path: ["controller"], value, by: "$USHER_CONTROLLER" }];
}

function rendered(
  keys: readonly ShownKey[],
  withOrigin: boolean,
  format: string,
  { io }: Context,
): string {
  if (!withOrigin && (format === "yaml" || format === "json")) {
    const whole = keys.reduce<unknown>(
      (below, { path, value }) =>
        merge(below, overriding([{ path, value, by: "" }])),
      {},
    );
    return format === "yaml"
      ? stringify(whole, { lineWidth: 0 })
      : `${JSON.stringify(whole, null, 2)}\n`;
  }
  const rows = keys.map(({ path, value, origin }) => ({
    key: path.join("."),
    value,
    origin,
  }));
  if (format === "json") return `${JSON.stringify(rows, null, 2)}\n`;
  if (format === "yaml") return stringify(rows, { lineWidth: 0 });
  const columns: Column<(typeof rows)[number]>[] = [
    { key: "key", value: ({ key }) => key },
    { key: "value", value: ({ value }) => valueText(value) },
    { key: "origin", value: ({ origin }) => origin },
  ];
  return renderTable(rows, withOrigin ? columns : columns.slice(0, 2), {
    header: true,
    color: false,
    width: io.stdout.isTerminal ? io.stdout.columns() : Infinity,
  });
}

function valueText(value: unknown): string {
  return stringify(value, {
    collectionStyle: "flow",
    flowCollectionPadding: false,
    lineWidth: 0,
  }).trim();
}
