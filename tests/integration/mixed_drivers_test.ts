/**
 * One site with nodes of different drivers: each VM goes where its driver is,
 * moves nowhere else, and is told why.
 *
 * @module
 */
import { deepStrictEqual, match, ok, strictEqual } from "node:assert/strict";
import { EXIT } from "../../src/client/exit.ts";
import type { NodeView } from "../../src/schema/change.ts";
import type { TestSite } from "../support/site.ts";
import { type Shell, withShell } from "../support/site_shell.ts";

/** Says that it is QEMU, as a node that is asked what it has wants to hear. */
const QEMU = '#!/bin/sh\necho "QEMU emulator version 7.2.0"\n';

/** Two nodes with simulated VMs, one with QEMU, and one with a libvirt that is not there. */
async function withMixed(
  test: (site: TestSite, shell: Shell) => Promise<void>,
): Promise<void> {
  const binary = await Deno.makeTempFile({ prefix: "usher_qemu_" });
  await Deno.writeTextFile(binary, QEMU);
  await Deno.chmod(binary, 0o755);
  const sim = { enabled: false };
  const drivers: Readonly<Record<string, unknown>> = {
    n3: { sim, qemu: { enabled: true, accel: "tcg", binary } },
    n4: { sim: { enabled: true, probeUnhealthy: "libvirtd: no such socket" } },
  };
  try {
    await withShell(4, (shell) => test(shell.site, shell), {
      lnm: (node) => ({ drivers: drivers[node] ?? {} }),
    });
  } finally {
    await Deno.remove(binary);
  }
}

const ON_QEMU = { driver: "qemu", boot: { kernel: "/no/kernel" } };

Deno.test("mixed: VMs go to nodes of their driver, and a batch of both to both", async () => {
  await withMixed(async (site) => {
    await site.run("start", "web", { count: 4 });
    await site.run("register", "db", { spec: ON_QEMU });

    const { outcomes } = await site.run("start", ["web-1", "db"]);
    const nodes = await Promise.all(
      [1, 2, 3, 4].map(async (at) => (await site.vm(`web-${at}`)).node),
    );

    ok(nodes.every((node) => node === "n1" || node === "n2"), `${nodes}`);
    const [web, db] = outcomes;
    deepStrictEqual([web?.state, db?.state, db?.node], [
      "succeeded",
      "failed",
      "n3",
    ]);
    // It came to the node of its driver, which has no such kernel.
    match(db?.problem?.detail ?? "", /\/no\/kernel is not there on node "n3"/);
  });
});

Deno.test("mixed: a move to a node of another driver is refused with that reason, and nothing has moved", async () => {
  await withMixed(async (site) => {
    await site.run("start", "web", { on: "n1" });
    const before = await site.vm("web");

    const { outcomes: [refused] } = await site.run("migrate", "web", {
      to: "n3",
    });

    strictEqual(refused?.problem?.code, "insufficient_resources");
    match(
      refused?.problem?.refusals?.["n3"] ?? "",
      /^it has qemu and not sim, and a VM moves between nodes of one driver alone; install driver sim$/,
    );
    const operation = await site.operation(refused?.operation ?? "");
    deepStrictEqual(operation.begun, ["place"]);
    const after = await site.vm("web");
    deepStrictEqual([after.node, after.status], ["n1", before.status]);
  });
});

Deno.test("mixed: what only another driver knows is refused when a VM is made, with the field and what would be right", async () => {
  await withMixed(async (site, { run }) => {
    const problem = await site.refusal("register", ["db"], {
      spec: { ...ON_QEMU, xen: { type: "pvh" } },
    });
    deepStrictEqual([problem.code, problem.field], [
      "invalid_input",
      "spec.xen.type",
    ]);
    const { code, err } = await run(
      "vm register db --driver libvirt --kernel /k --xen type=hvm",
    );
    strictEqual(code, EXIT.usage);
    match(err, /is for driver libvirt, which knows no xen\.type/);
    match(err, /leave xen\.type out, or say --driver xen/);
  });
});

Deno.test("mixed: VMs of both move in one batch, each to the nodes of its driver", async () => {
  await withMixed(async (site) => {
    await site.run("start", "web", { on: "n1" });
    await site.run("register", "db", { spec: ON_QEMU, on: "n3" });

    const { outcomes } = await site.run("migrate", ["web", "db"]);

    const [web, db] = outcomes;
    deepStrictEqual([web?.state, web?.node], ["succeeded", "n2"]);
    strictEqual(db?.state, "failed");
    match(db?.problem?.refusals?.["n1"] ?? "", /driver qemu: not installed/);
  });
});

Deno.test("mixed: node show tells what each node has, and why something is of no use", async () => {
  await withMixed(async (_, { run }) => {
    const wide = { columns: 200 };
    const said = async (node: string) => {
      const { code, out } = await run(`node show ${node}`, wide);
      strictEqual(code, EXIT.done);
      return out;
    };
    match(
      await said("n3"),
      /driver qemu +healthy \(7\.2\.0; accel tcg;.*can: pausing/,
    );
    match(await said("n4"), /driver sim +unhealthy: libvirtd: no such socket/);
    const { out } = await run("node show n3 -o json");
    const { drivers } = JSON.parse(out) as NodeView;
    deepStrictEqual(drivers[0]?.offers?.nics, ["user", "bridge", "tap"]);
  });
});
