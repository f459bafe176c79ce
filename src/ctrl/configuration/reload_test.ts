import {
  deepStrictEqual,
  match,
  rejects,
  strictEqual,
} from "node:assert/strict";
import { UsherError } from "../../error/mod.ts";
import { nowhere } from "../../plugin/files/mistake.ts";
import { CtrlConfig } from "../../schema/config.ts";
import { systemClock } from "../../sys/clock.ts";
import { createLog } from "../../sys/log.ts";
import { LiveConfig } from "./live_config.ts";
import { ConfigReload, type ReloadParts } from "./reload.ts";

/** A controller's configuration whose files and plugins a test holds. */
class World {
  /** What the files say. */
  given: Record<string, unknown> = {};
  /** What is wrong with the files; with the plugins. */
  wrong: UsherError | null = null;
  broken: UsherError | null = null;
  readonly live = new LiveConfig(CtrlConfig.parse({}));
  readonly lines: string[] = [];
  readonly taken: CtrlConfig[] = [];
  readonly parts: ReloadParts = {
    context: {
      clock: systemClock,
      newId: () => "id",
      log: createLog({
        format: "human",
        write: (line) => this.lines.push(line),
      }),
    },
    live: this.live,
    plugins: {
      reload: () =>
        this.broken === null
          ? Promise.resolve({ changes: [], warnings: ["a grant"] })
          : Promise.reject(this.broken),
    },
    readConfig: () =>
      this.wrong === null
        ? Promise.resolve({
          config: CtrlConfig.parse(this.given),
          locate: nowhere,
        })
        : Promise.reject(this.wrong),
    onTaken: (config) => this.taken.push(config),
  };
  readonly reload = new ConfigReload(this.parts);
}

const CHANGED = {
  drain: { parallel: 7 },
  log: { level: "debug" },
  names: ["ctrl.example.org"],
};

Deno.test("a reload takes what it can, and tells at each one what needs a restart", async () => {
  const world = new World();
  const { view } = world.live;
  world.given = CHANGED;
  const first = await world.reload.reload(false, "ann");
  deepStrictEqual(first, {
    taken: [
      { key: "drain.parallel", from: "2", to: "7" },
      { key: "log.level", from: "info", to: "debug" },
    ],
    needsRestart: [{ key: "names", from: "[]", to: '["ctrl.example.org"]' }],
    plugins: [],
    warnings: ["a grant"],
  });
  strictEqual(view.drain.parallel, 7, "who holds the view reads the new one");
  deepStrictEqual(view.names, []);
  strictEqual(world.taken.at(-1)?.log.level, "debug");
  match(world.lines.join("\n"), /needs a restart.*key=names/);
  const again = await world.reload.reload(false, "ann");
  deepStrictEqual(again.taken, []);
  strictEqual(again.needsRestart.length, 1);
  world.given = {};
  const { taken } = await world.reload.reload(false, "ann");
  deepStrictEqual(taken.map(({ to }) => to), ["2", "info"], "and back");
});

Deno.test("a reload takes nothing of files that are wrong, nor beside plugins that do not start", async () => {
  const world = new World();
  world.given = CHANGED;
  world.wrong = new UsherError("invalid_input", "ctrl.yaml:3:1: unknown key");
  await rejects(world.reload.reload(false, "SIGHUP"), /ctrl\.yaml:3:1/);
  world.wrong = null;
  world.broken = new UsherError("plugin_failed", '"dns" does not start');
  await rejects(world.reload.reload(false, "SIGHUP"), /does not start/);
  deepStrictEqual(world.taken, []);
  strictEqual(world.live.view.drain.parallel, 2);
  match(
    world.lines.join("\n"),
    /not taken.*by=SIGHUP.*ctrl\.yaml:3:1[^]*not taken.*does not start/,
  );
});

Deno.test("a reload that only checks changes nothing and logs nothing", async () => {
  const world = new World();
  world.given = CHANGED;
  const { taken } = await world.reload.reload(true, "ann");
  strictEqual(taken.length, 2);
  strictEqual(world.live.view.drain.parallel, 2);
  deepStrictEqual([world.taken, world.lines], [[], []]);
});

Deno.test("a reload of plugins takes them alone, and says what else differs", async () => {
  const world = new World();
  world.given = { ...CHANGED, plugin_dirs: ["/p"] };
  const { warnings } = await world.reload.reloadPlugins(false, "ann");
  deepStrictEqual(world.live.view.plugin_dirs, ["/p"]);
  strictEqual(world.live.view.drain.parallel, 2);
  deepStrictEqual(warnings, [
    "a grant",
    'names is ["ctrl.example.org"] in the file, and [] in force: it needs a restart',
    "drain.parallel is 7 in the file, and 2 in force: usher ctrl reload takes it",
    "log.level is debug in the file, and info in force: usher ctrl reload takes it",
  ]);
});

Deno.test("a reload of a controller without files reads its plugins anew, and says that it did nothing else", async () => {
  const world = new World();
  const { readConfig: _, ...parts } = world.parts;
  const answer = await new ConfigReload(parts).reload(false, "ann");
  deepStrictEqual([answer.taken, answer.needsRestart], [[], []]);
  deepStrictEqual(answer.warnings, [
    "a grant",
    "this controller was started without files of its own: plugins alone were read anew",
  ]);
  deepStrictEqual(world.taken, []);
});

Deno.test("reloads that are asked for at once are done one after another", async () => {
  const world = new World();
  world.given = CHANGED;
  const [first, second] = await Promise.all([
    world.reload.reload(false, "ann"),
    world.reload.reload(false, "bob"),
  ]);
  deepStrictEqual([first.taken.length, second.taken.length], [2, 0]);
});
