/**
 * Every example of the documentation and of the help, run for real.
 *
 * Nothing is listed here: what stands in a document is found there, so a new
 * example is run by itself and a wrong one fails. A code block, a table and a
 * command's `examples` hold what readers copy; code within a sentence must at
 * least be a command that exists.
 *
 * @module
 */
import { deepStrictEqual, match, strictEqual } from "node:assert/strict";
import { COMMANDS, NOUNS } from "../../src/client/commands/index.ts";
import { EXIT } from "../../src/client/exit.ts";
import { readYaml } from "../../src/config/yaml_file.ts";
import { CliConfig, CtrlConfig, LnmConfig } from "../../src/schema/config.ts";
import { UshConfig } from "../../src/schema/ush_config.ts";
import { PluginChecks } from "../../src/schema/plugin_check.ts";
import { readSpec } from "../../src/client/spec_file.ts";
import { compiledUsher } from "../support/compiled.ts";
import { CompiledSite } from "../support/compiled_site.ts";
import { type Example, readExamples } from "../support/doc_examples.ts";
import { meaningOf } from "../support/command_meaning.ts";
import { ExampleRunner } from "../support/example_runner.ts";
import { INSTALLATIONS, RUN_IN } from "../support/installations.ts";
import { templateOf, writePlugin } from "../support/new_plugin.ts";
import {
  readRepository,
  REPOSITORY,
  trackedFiles,
} from "../support/repository.ts";

/** Examples that cannot run here, each with the reason; they must parse. */
const NOT_RUN: Readonly<Record<string, string>> = {
  ...Object.fromEntries(
    INSTALLATIONS.map((line) => [line, `${RUN_IN} runs it`]),
  ),
  "usher vm start web --memory 8GiB":
    "tests/e2e/policy_test.ts has the plugin that refuses it",
  "usher audit verify --head 6b3f0d9c1f5f0a0d9a4e7c2b8d1e3f4a5b6c7d8e9f0a1b2c3d4e5f6a7b8c9d0e":
    "no log of the examples has a record of that hash",
};

/** README.md and what is for users in docs/, the pages of plugins among it. */
async function documents(): Promise<[path: string, text: string][]> {
  const paths = (await trackedFiles())
    .filter((path) =>
      path === "README.md" || /^docs\/(?:plugins\/)?[^/]+\.md$/.test(path)
    );
  return await Promise.all(
    paths.map(async (path): Promise<[string, string]> => [
      path,
      await readRepository(path),
    ]),
  );
}

async function documented() {
  const read = (await documents()).map(([path, text]) =>
    readExamples(path, text)
  );
  return {
    examples: read.flatMap(({ examples }) => examples),
    yaml: read.flatMap(({ yaml }) => yaml),
  };
}

/** The examples that `--help` shows. */
async function helped(): Promise<Example[]> {
  const entries = [
    ...Object.values(NOUNS).flatMap(({ verbs }) => Object.entries(verbs)),
    ...Object.entries(COMMANDS),
    ...Object.values(COMMANDS).flatMap(({ words = {} }) =>
      Object.entries(words)
    ),
  ];
  const found: Example[] = [];
  for (const [name, entry] of entries) {
    const { examples } = await entry.load();
    strictEqual(examples.length > 0, true, `${name} has no example`);
    found.push(...examples.map(([line]) => ({
      at: `--help of ${name}`,
      line,
      mention: false,
      error: null,
    })));
  }
  return found;
}

Deno.test("examples are found where readers look for them", () => {
  const text = [
    "Say `usher vm list` first.",
    "| `schema` | `usher` |",
    "| `usher vm wait a --for 'stopped\\|crashed'`, `usher whoami` | now |",
    "```",
    "sudo usher vm list      # all of them",
    "ls usher",
    "```",
    "```",
    "$ usher vm strat",
    'error: Unknown verb "strat"',
    "$ usher vm list",
    "```",
    "    usher NOUN VERB [WORDS...]",
    "    echo a | usher vm console b",
    "```",
    "usher op list",
  ].join("\n");
  const found = readExamples("a.md", text).examples.map((
    { line, mention, error },
  ) => [line, mention, error]);
  strictEqual(
    JSON.stringify(found),
    JSON.stringify([
      ["usher vm list", true, null],
      ["usher vm wait a --for 'stopped|crashed'", false, null],
      ["usher whoami", false, null],
      ["usher vm list", false, null],
      ["usher vm strat", false, 'error: Unknown verb "strat"'],
      ["usher vm list", false, null],
      ["echo a | usher vm console b", false, null],
      ["usher op list", false, null],
    ]),
  );
});

Deno.test("what documents mention exists", async () => {
  const { examples } = await documented();
  for (const { at, line } of examples.filter(({ mention }) => mention)) {
    const [, noun = ""] = line.split(" ");
    if (noun === "" || line === `usher ${noun}` && Object.hasOwn(NOUNS, noun)) {
      continue;
    }
    await meaningOf(line).catch((error: Error) => {
      if (/is not complete/.test(error.message)) return;
      throw new Error(`${at}: ${line}: ${error.message}`);
    });
  }
});

Deno.test("every exit code is documented, and no other", async () => {
  const text = await readRepository("docs/command-line.md");
  const [, table = ""] = /^## Exit codes\n([^#]*)/m.exec(text) ?? [];
  const codes = [...table.matchAll(/^\| (\d+) \|/gm)].map(([, code]) => code);
  deepStrictEqual(codes, Object.values(EXIT).map(String));
});

Deno.test("scripts and tasks that documents name exist", async () => {
  const { tasks } = JSON.parse(await readRepository("deno.json"));
  for (const [path, text] of await documents()) {
    for (const [script] of text.matchAll(/\bscripts\/[\w./-]*\w/g)) {
      const { isFile } = await Deno.stat(REPOSITORY + script);
      strictEqual(isFile, true, `${path} names ${script}`);
    }
    for (const [, task = ""] of text.matchAll(/\bdeno task ([\w:]+)/g)) {
      strictEqual(Object.hasOwn(tasks, task), true, `${path} names ${task}`);
    }
  }
});

Deno.test("YAML that documents show is right", async () => {
  const { yaml } = await documented();
  strictEqual(yaml.length >= 2, true);
  for (const { at, text } of yaml) {
    if (/^controller:/m.test(text)) readYaml(at, text, CliConfig);
    else if (/^hist_len:/m.test(text)) readYaml(at, text, UshConfig);
    else if (/^(?:capacity|drivers):/m.test(text)) {
      readYaml(at, text, LnmConfig);
    } else if (/^plugins:/m.test(text)) readYaml(at, text, CtrlConfig);
    else if (/^checks:/m.test(text)) readYaml(at, text, PluginChecks);
    else readSpec(at, text);
  }
});

Deno.test("every example does what it says", async (t) => {
  const { examples, yaml } = await documented();
  const spec = yaml.find(({ text }) => /^vcpus:/m.test(text))?.text ?? "";
  const all = [
    ...examples.filter(({ mention }) => !mention),
    ...await helped(),
  ];
  const lines = new Set(all.map(({ line }) => line));
  for (const line of Object.keys(NOT_RUN)) {
    strictEqual(lines.has(line), true, `${line} stands nowhere any more`);
  }
  const { folder, flags } = await withGreeter();
  await using site = await CompiledSite.start({ nodes: 3, folder, flags });
  using runner = await ExampleRunner.start(site, spec);
  for (const line of lines) {
    const { at, error } = all.find((example) => example.line === line)!;
    await t.step(`${line} (${at})`, async () => {
      if (Object.hasOwn(NOT_RUN, line)) return void await meaningOf(line);
      const { code, out, err } = await runner.run(line, error !== null);
      strictEqual(code !== 0, error !== null, `exit ${code}: ${out}${err}`);
      if (error !== null) match(err, asExpected(error));
    });
  }
});

/** A folder for a site that has the plugin of the examples. */
async function withGreeter() {
  const folder = await Deno.makeTempDir({ prefix: "usher_docs_" });
  await writePlugin(`${folder}/plugins/greeter`, templateOf("greeter"));
  const config = `${folder}/plugins.yaml`;
  await Deno.writeTextFile(
    config,
    `plugin_dirs: [${folder}/plugins]\nplugins:\n  greeter:\n    events: [register]\n`,
  );
  return { folder, flags: ["--config", config] };
}

/** The plugins that docs/plugins.md shows whole, with how many checks each has. */
const SHOWN_PLUGINS = { quota: 3, sso: 2 };

Deno.test("the plugins that docs/plugins.md shows hold their checks", async (t) => {
  const text = await readRepository("docs/plugins.md");
  const sources = [...text.matchAll(/^```ts\n(import type[^]*?)^```/gm)];
  const checks = [...text.matchAll(/^```yaml\n([^`]*^checks:[^]*?)^```/gm)];
  strictEqual(sources.length, Object.keys(SHOWN_PLUGINS).length);
  for (const [i, [name, count]] of Object.entries(SHOWN_PLUGINS).entries()) {
    const files = {
      "plugin.ts": sources[i]?.[1] ?? "",
      "checks.yaml": checks[i]?.[1] ?? "",
    };
    await t.step(name, async () => await holdsChecks(name, files, count));
  }
});

async function holdsChecks(
  name: string,
  files: Readonly<Record<string, string>>,
  count: number,
): Promise<void> {
  const folder = await Deno.makeTempDir({ prefix: "usher_docs_" });
  try {
    const path = `${folder}/${name}`;
    await writePlugin(path, { ...templateOf(name), ...files });
    const types = await new Deno.Command(Deno.execPath(), {
      args: ["check", "--quiet", "plugin.ts"],
      cwd: path,
    }).output();
    strictEqual(types.code, 0, new TextDecoder().decode(types.stderr));
    const { code, stdout, stderr } = await new Deno.Command(
      await compiledUsher(),
      { args: ["plugin", "check", path], env: { HOME: folder } },
    ).output();
    const decoder = new TextDecoder();
    const out = decoder.decode(stdout);
    strictEqual(code, 0, out + decoder.decode(stderr));
    // That it starts, and its checks.
    strictEqual(out.match(/^ok /gm)?.length, count + 1, out);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

/** The error of a transcript; whose VM it is depends on who runs it. */
function asExpected(error: string): RegExp {
  const escaped = error.replace(/[.*+?^${}()|[\]\\]/g, "\\$&");
  return new RegExp(`^${escaped.replace(/\\\.ann\b/g, "\\.admin")}$`, "m");
}
