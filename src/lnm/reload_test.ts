import { deepStrictEqual, match, strictEqual } from "node:assert/strict";
import { UsherError } from "../error/mod.ts";
import { LnmConfig } from "../schema/config.ts";
import { createLog } from "../sys/log.ts";
import { NodeReload } from "./reload.ts";
import type { NodeFacts } from "./settings.ts";

/** A node's configuration whose files a test holds. */
class World {
  given: Record<string, unknown> = {};
  wrong: UsherError | null = null;
  readonly taken: NodeFacts[] = [];
  readonly levels: string[] = [];
  readonly lines: string[] = [];
  readonly #reload = new NodeReload({
    config: LnmConfig.parse({}),
    log: createLog({ format: "human", write: (line) => this.lines.push(line) }),
    settings: { take: (facts) => this.taken.push(facts) },
    readConfig: () =>
      this.wrong === null
        ? Promise.resolve(LnmConfig.parse(this.given))
        : Promise.reject(this.wrong),
    factsOf: ({ labels, capacity, usage_interval }) =>
      Promise.resolve({
        capacity: { cpus: capacity.cpus ?? 8, memoryMiB: 1024 },
        labels,
        usageMs: usage_interval,
      }),
    onConfig: ({ log }) => this.levels.push(log.level),
  });

  async reload(given: Record<string, unknown>): Promise<string> {
    this.given = given;
    this.lines.length = 0;
    await this.#reload.reload();
    return this.lines.join("\n");
  }
}

Deno.test("a node takes what it can of its files, and tells at each reload what needs a restart", async () => {
  const world = new World();
  const given = {
    labels: { zone: "b" },
    capacity: { cpus: 4 },
    run_dir: "/run/other",
  };
  match(
    await world.reload(given),
    /read anew[^]*capacity\.cpus: 4[^]*needs a restart key=run_dir/,
  );
  deepStrictEqual(world.taken, [{
    capacity: { cpus: 4, memoryMiB: 1024 },
    labels: { zone: "b" },
    usageMs: 10_000,
  }]);
  match(await world.reload(given), /needs a restart key=run_dir/);
  strictEqual(world.taken.length, 1, "nothing has changed since");
});

Deno.test("a node cuts no session for the level of its log, and takes nothing of a wrong file", async () => {
  const world = new World();
  await world.reload({ log: { level: "debug" } });
  deepStrictEqual([world.taken.length, world.levels], [0, ["debug"]]);
  world.wrong = new UsherError("invalid_input", "lnm.yaml:2:1: unknown key", {
    hint: 'did you mean "labels"?',
  });
  match(
    await world.reload({ labels: { a: "1" } }),
    /not taken[^]*lnm\.yaml:2:1[^]*did you mean/,
  );
  deepStrictEqual([world.taken.length, world.levels.length], [0, 1]);
  world.wrong = null;
  await world.reload({ labels: { a: "1" } });
  deepStrictEqual(world.taken[0]?.labels, { a: "1" }, "the next one counts");
});
