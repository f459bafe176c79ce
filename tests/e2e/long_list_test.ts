/**
 * A list of 10,000 VMs as people and scripts meet it: into a pipe that is
 * closed, on terminals of every kind, and with what it holds in other scripts.
 *
 * @module
 */
import { deepStrictEqual, match, ok, strictEqual } from "node:assert/strict";
import { CompiledSite } from "../support/compiled_site.ts";
import { Pty } from "../support/pty.ts";
import { peakMiB } from "../support/role.ts";
import { until } from "../support/wait.ts";

const MANY = 10_000;

/** What the client may take beyond a list of one VM, whatever the list's length. */
const MORE_MIB = 40;

Deno.test("a list of 10,000 VMs", async (t) => {
  await using site = await CompiledSite.start({ nodes: 1 });
  const made = await site.run(
    ...["vm", "register", "-n", `${MANY}`, "web", "-o", "name"],
  );
  strictEqual(made.code, 0, made.err);

  await t.step("ends quietly with a reader that has seen enough", async () => {
    for (const form of ["table", "ndjson", "name", "json"]) {
      const { out, err } = await site.bash(
        `usher vm list -o ${form} | head -1 | wc -l; echo "\${PIPESTATUS[0]}"`,
      );
      deepStrictEqual([out, err], ["1\n0\n", ""], form);
    }
  });

  await t.step("is whole and in order, one line a VM, in a pipe", async () => {
    const { out } = await site.bash("usher vm list");
    const [head = "", ...lines] = out.trimEnd().split("\n");
    match(head, /^NAME +STATE +NODE +VCPUS +MEMORY +SINCE$/);
    strictEqual(lines.length, MANY);
    const names = lines.map((line) => line.split(" ")[0]);
    deepStrictEqual(
      names,
      Array.from({ length: MANY }, (_, i) => `web-${i + 1}.default.admin`),
    );
    strictEqual(out.includes("\x1b"), false);
    const sorted = await site.bash("usher vm list --sort=-name | sed -n 2p");
    match(sorted.out, /^web-10000\.default\.admin /);
  });

  await t.step("takes no more memory than a short one", async () => {
    const [one, all] = [await mostMiB(site, "web-1"), await mostMiB(site)];
    ok(all < one + MORE_MIB, `${all} MiB for all, ${one} for one`);
  });

  await t.step(
    "fits a terminal of 20 columns, and one that knows nothing",
    async () => {
      for (const term of ["xterm", "dumb"]) {
        const env = { ...site.env, TERM: term, NO_COLOR: "" };
        await using pty = new Pty(
          `sh -c 'stty cols 20 rows 24; exec usher vm list'`,
          env,
        );
        strictEqual(await pty.ended(), 0);
        strictEqual(pty.printed.includes("\x1b"), term !== "dumb", term);
        // deno-lint-ignore no-control-regex -- colours take no room
        const plain = pty.printed.replace(/\x1b\[[\d;]*m/g, "");
        const lines = plain.trimEnd().split(/\r?\n/);
        strictEqual(lines.length, MANY + 1);
        const wide = lines.filter((line) => line.length > 20);
        deepStrictEqual(wide.slice(0, 3), []);
      }
    },
  );

  await t.step(
    "what is in other scripts stays, and commands no terminal",
    async () => {
      const started = await site.bash(
        "usher vm register other note='日本語 العربية' evil=$'a\\e[31mb\\u202ec'",
      );
      strictEqual(started.code, 0, started.err);
      await using pty = new Pty("usher vm show other", site.env);
      strictEqual(await pty.ended(), 0);
      match(pty.printed, /arg note +日本語 العربية/);
      match(pty.printed, /arg evil +a \[31mb c/);
      const wrong = await site.bash("usher vm show 東京 && echo found");
      strictEqual(wrong.out, "");
      match(wrong.err, /There is no VM "東京"/);
      const bad = await site.bash("usher vm start Wéb");
      strictEqual(bad.code, 64);
      match(bad.err, /did you mean "web"\?/);
    },
  );
});

/** The most that `usher vm list WORDS` took while its output was read. */
async function mostMiB(
  site: CompiledSite,
  ...words: readonly string[]
): Promise<number> {
  // A short list may have ended before anybody could look.
  return await until(
    "a list is seen while it runs",
    () => onceMiB(site, words),
    { deadlineMs: 60_000 },
  );
}

async function onceMiB(
  { usher, env }: CompiledSite,
  words: readonly string[],
): Promise<number> {
  const child = new Deno.Command(usher, {
    args: ["vm", "list", ...words],
    env,
    stdin: "null",
    stdout: "piped",
  }).spawn();
  let most = 0;
  for await (const _ of child.stdout) {
    most = Math.max(most, await peakMiB(child.pid));
  }
  strictEqual((await child.status).code, 0);
  return most;
}
