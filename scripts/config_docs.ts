/**
 * Writes docs/configuration.md and the default files in configs/ from the
 * schemas, so that they cannot say anything else. A test fails when one of
 * them is not what this makes.
 *
 *   deno run -A scripts/config_docs.ts
 *
 * @module
 */
import { stringify } from "yaml";
import type { z } from "zod";
import { CliConfig, CtrlConfig, LnmConfig } from "../src/schema/config.ts";
import { UshConfig } from "../src/schema/ush_config.ts";
import { type Key, keysOf } from "../src/schema/setting.ts";
import { roleSources } from "../src/config/load.ts";
import { CONFIG_HEAD } from "./config_head.ts";
import { ROOT } from "./support.ts";

/** The page, from the repository's root. */
export const CONFIG_PAGE = "docs/configuration.md";

/** A role whose configuration there is. */
interface Role {
  readonly schema: z.ZodType;
  readonly title: string;
  /** What the default file says first. */
  readonly head: string;
  /** Whether a running process takes some of it anew. */
  readonly reloads: boolean;
}

/** The configurations, by the names of their files. */
export const ROLES = {
  ctrl: {
    schema: CtrlConfig,
    title: "The controller: ctrl.yaml",
    head: "Configuration of the controller, `usher ctrl`.",
    reloads: true,
  },
  lnm: {
    schema: LnmConfig,
    title: "A node: lnm.yaml",
    head: "Configuration of a node, `usher lnm`.",
    reloads: true,
  },
  cli: {
    schema: CliConfig,
    title: "The command line: cli.yaml",
    head: "Configuration of the command line.",
    reloads: false,
  },
  ush: {
    schema: UshConfig,
    title: "The shell: ush.yaml",
    head: "Configuration of the shell, `ush`.",
    reloads: false,
  },
} as const satisfies Readonly<Record<string, Role>>;

/** Columns of a comment. */
const WIDTH = 79;

/** The default file of a role. */
export function configFile(name: keyof typeof ROLES): string {
  const { schema, head }: Role = ROLES[name];
  const flags = name === "ctrl" || name === "lnm"
    ? "--config FILE, flags"
    : "flags";
  const { variable } = roleSources(name, undefined);
  const intro = comment(
    `${head} Every option stands here with its default; a line without # says the same as leaving it out.`,
  ) + "#\n" + comment(
    `Read in this order, each key of a later one winning: /etc/usher/${name}.yaml, ~/.usher/${name}.yaml, the file that $${variable} names, ${flags}. usher config show ${name} --origin says where each value came from, usher config check ${name} what is wrong.`,
  );
  const keys = keysOf(schema);
  const top = keys.filter(({ path }) => path.length === 1);
  return [intro, ...top.map((key) => keyText(key, keys))].join("\n");
}

/** A key with what stands within it, each under what it does. */
function keyText(key: Key, all: readonly Key[]): string {
  const { path, setting, fallback } = key;
  const name = path.at(-1) ?? "";
  const about = comment(aboutText(key));
  const within = all.filter((one) =>
    one.path.length === path.length + 1 &&
    path.every((part, i) => one.path[i] === part)
  );
  if (setting?.written !== undefined) {
    return `${about}${name}:\n${indented(setting.written + "\n")}`;
  }
  if (key.isSection && key.type === "") {
    return about + sectionText(name, key, within, all);
  }
  if (fallback === undefined) {
    return `${about}# ${name}: ${setting?.example ?? ""}\n`;
  }
  return `${about}${name}: ${defaultText(fallback)}\n`;
}

/** A section; one in which nothing is said is empty and not absent. */
function sectionText(
  name: string,
  { fallback }: Key,
  within: readonly Key[],
  all: readonly Key[],
): string {
  const saysNothing = within.every((one) => one.fallback === undefined);
  if (!saysNothing) {
    return `${name}:\n${
      indented(within.map((one) => keyText(one, all)).join(""))
    }`;
  }
  const off = within.map((one) =>
    comment(aboutText(one)) +
    `${one.path.at(-1)}: ${one.setting?.example ?? ""}\n`
  ).join("");
  const head = fallback === undefined ? `# ${name}:\n` : `${name}: {}\n`;
  return head + indented(off).replace(/^(?=.)/gm, "# ");
}

/** What a key does, and what it may be where that is a choice of words. */
function aboutText({ setting, type }: Key): string {
  const about = setting?.about ?? "";
  return type.includes(" | ")
    ? `${about} One of ${type.replaceAll(" | ", ", ")}.`
    : about;
}

function indented(text: string): string {
  return text.replace(/^(?=.)/gm, "  ");
}

function comment(text: string): string {
  const lines: string[] = [];
  let line = "#";
  for (const word of text.split(" ")) {
    if (line.length + 1 + word.length > WIDTH) {
      lines.push(line);
      line = "#";
    }
    line += ` ${word}`;
  }
  return [...lines, line].map((one) => `${one}\n`).join("");
}

/** The whole page. */
export function configPage(): string {
  return [
    CONFIG_HEAD,
    ...Object.values(ROLES).map(({ schema, title, reloads }: Role) =>
      [
        `## ${title}\n`,
        `| key | type | default |${
          reloads ? " taken by |" : ""
        } what it does |`,
        `|---|---|---|${reloads ? "---|" : ""}---|`,
        ...keysOf(schema).map((key) => row(key, reloads)),
        "",
      ].join("\n")
    ),
  ].join("\n");
}

function row(key: Key, reloads: boolean): string {
  const { path, setting, fallback, isSection } = key;
  const isLeaf = !isSection || key.type !== "";
  const cells = [
    `\`${path.join(".").replaceAll(".[]", "[]")}\``,
    key.type.replaceAll("|", "\\|"),
    !isLeaf || fallback === undefined ? "" : `\`${defaultText(fallback)}\``,
    ...(reloads ? [isLeaf ? setting?.live ? "reload" : "restart" : ""] : []),
    (setting?.about ?? "").replaceAll("|", "\\|"),
  ];
  return `| ${cells.join(" | ")} |`;
}

function defaultText(value: unknown): string {
  return stringify(value, {
    collectionStyle: "flow",
    flowCollectionPadding: false,
    lineWidth: 0,
  }).trim();
}

if (import.meta.main) {
  await Deno.writeTextFile(ROOT + CONFIG_PAGE, configPage());
  for (const name of Object.keys(ROLES) as (keyof typeof ROLES)[]) {
    await Deno.writeTextFile(`${ROOT}configs/${name}.yaml`, configFile(name));
  }
}
