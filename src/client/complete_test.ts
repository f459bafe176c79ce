import { deepStrictEqual } from "node:assert/strict";
import type { Completes } from "./command.ts";
import { candidates } from "./complete.ts";
import type { Candidate } from "./live_names.ts";

const LIVE: Partial<Record<Completes, Candidate[]>> = {
  vm: [["web1.default.ann", "running"], ["db.default.ann", "stopped"]],
  node: [["n1", "ready"]],
  operation: [["01j9", "start web1"]],
  plugin: [["users", "running"]],
  event: [["start_request", ""], ["state_change", ""]],
};

/** The words offered for a command line; the last word is unfinished. */
async function offered(line: string): Promise<string[]> {
  const words = line.split(" ");
  const found = await candidates(
    words,
    (kind) => Promise.resolve(LIVE[kind] ?? []),
  );
  return found.map(([word]) => word);
}

Deno.test("candidates() offers commands, verbs, flags and their values", async () => {
  deepStrictEqual(await offered("no"), ["node"]);
  deepStrictEqual(await offered("vm re"), [
    "reboot",
    "resume",
    "register",
  ]);
  deepStrictEqual(await offered("vm list --n"), ["--no-header"]);
  deepStrictEqual(await offered("vm list -o n"), ["ndjson", "name"]);
  deepStrictEqual(await offered("vm list --output y"), ["yaml"]);
  deepStrictEqual(await offered("completion "), ["bash", "zsh", "fish"]);
  deepStrictEqual(await offered("dev --driver "), [
    ...["sim", "qemu", "libvirt", "xen"],
  ]);
});

Deno.test("candidates() offers live names, but none twice", async () => {
  deepStrictEqual(await offered("vm show "), [
    "web1.default.ann",
    "db.default.ann",
  ]);
  deepStrictEqual(await offered("vm show web1.default.ann "), [
    "db.default.ann",
  ]);
  deepStrictEqual(await offered("vm start x --on "), ["n1"]);
  deepStrictEqual(await offered("vm start x --on=n"), ["--on=n1"]);
  deepStrictEqual(await offered("vm start x --on ="), ["n1"]);
  deepStrictEqual(await offered("vm start x --on = n"), ["n1"]);
  deepStrictEqual(await offered("vm migrate x --to "), ["n1"]);
  deepStrictEqual(await offered("vm list --output=y"), ["--output=yaml"]);
  deepStrictEqual(await offered("vm list --nosuch="), []);
  deepStrictEqual(await offered("node show n"), ["n1"]);
  deepStrictEqual(await offered("plugin show "), ["users"]);
  deepStrictEqual(await offered("event show state"), ["state_change"]);
  deepStrictEqual(await offered("op attach "), ["01j9"]);
});

Deno.test("candidates() leaves files to the shell, and the unknown alone", async () => {
  deepStrictEqual(await offered("vm start x --spec "), [":files"]);
  deepStrictEqual(await offered("vm strat "), []);
  deepStrictEqual(await offered("vm start x --memory "), []);
});
