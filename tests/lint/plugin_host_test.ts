/**
 * What the process of a plugin loads: there is one for each of them, so what
 * slips in is paid for as often (docs/decisions/0076).
 *
 * @module
 */
import { deepStrictEqual, ok } from "node:assert/strict";

const ROOT = new URL("../..", import.meta.url).pathname;

interface Module {
  readonly specifier: string;
  readonly dependencies?: readonly {
    readonly code?: { readonly specifier?: string };
  }[];
}

/** All that `entry` loads when it runs: files relative to the root, packages by name. */
async function loadedBy(entry: string): Promise<string[]> {
  const { stdout } = await new Deno.Command(Deno.execPath(), {
    args: ["info", "--json", entry],
    cwd: ROOT,
  }).output();
  const { modules, roots }: { modules: Module[]; roots: string[] } = JSON.parse(
    new TextDecoder().decode(stdout),
  );
  const byName = new Map(modules.map((one) => [one.specifier, one]));
  const loaded = new Set<string>(roots);
  for (const name of loaded) {
    for (const { code } of byName.get(name)?.dependencies ?? []) {
      if (code?.specifier !== undefined) loaded.add(code.specifier);
    }
  }
  return [...loaded].map((name) => name.replace(`file://${ROOT}`, ""));
}

Deno.test("the process of a plugin loads its own few files, and no package", async () => {
  deepStrictEqual((await loadedBy("src/plugin/host.ts")).toSorted(), [
    "src/error/mod.ts",
    "src/plugin/host.ts",
    "src/plugin/process/frame.ts",
    "src/plugin/process/frame_line.ts",
    "src/plugin/process/lent.ts",
    "src/plugin/process/protocol.ts",
    "src/schema/error_code.ts",
    "src/sys/byte_connection.ts",
    "src/sys/unix_socket.ts",
    "src/version.ts",
  ]);
});

Deno.test("the worker of a plugin loads zod, and nothing of the contract that is large", async () => {
  const loaded = await loadedBy("src/plugin/guest.ts");
  const packages = loaded.filter((name) => name.startsWith("npm:"));
  ok(packages.every((name) => /^npm:\/?zod@/.test(name)), packages.join());
  for (const large of ["vm", "operation", "plugin", "event", "request"]) {
    ok(!loaded.includes(`src/schema/${large}.ts`), large);
  }
});
