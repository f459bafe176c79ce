import { match, strictEqual } from "node:assert/strict";
import { answer, usher } from "../../../../tests/support/fake_client.ts";
import { EVENTS } from "../../../schema/event.ts";

Deno.test("event list shows the whole catalogue, or one group, without a controller", async () => {
  const all = await usher(["event", "list", "-o", "name"]);
  strictEqual(all.out, `${Object.keys(EVENTS).join("\n")}\n`);
  const { out } = await usher(["event", "list", "--group", "cluster"]);
  match(out, /^cluster_register +cluster +tells +cluster +30s\n$/m);
  strictEqual(out.split("\n").length, 3);
});

Deno.test("event list --site adds what plugins declare", async () => {
  const { out } = await usher(
    ["event", "list", "--site", "--group", "plugin", "-o", "wide"],
    () =>
      answer({
        plugins: [{ name: "sample", manifest: { events: { done: "It is." } } }],
      }),
  );
  match(out, /^done +plugin +tells +\.\.\. +30s +It is\. +sample$/m);
});

Deno.test("event show writes arguments as TypeScript, and names the nearest", async () => {
  const { out } = await usher(["event", "show", "migrate"]);
  match(out, /^arguments +vm: Vm, from: Node$/m);
  match(out, /^kept +vm\.v, vm\.uid, vm\.name, from\.v, from\.name$/m);
  match(out, /^type Vm = \{\n/m);
  const wrong = await usher(["event", "show", "migrte"]);
  strictEqual(wrong.code, 64);
  match(wrong.err, /did you mean "migrate"\?/);
});
