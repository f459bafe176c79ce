import { match, ok, rejects, strictEqual } from "node:assert/strict";
import { isUsherError } from "../../error/mod.ts";
import { Virsh } from "./virsh.ts";

/** A virsh of a shell's `lines`. */
async function virsh(
  lines: string,
  test: (virsh: Virsh) => Promise<void>,
  mode = 0o755,
): Promise<void> {
  const dir = await Deno.makeTempDir();
  const program = `${dir}/virsh`;
  await Deno.writeTextFile(program, `#!/bin/sh\n${lines}\n`, { mode });
  try {
    await test(
      new Virsh({ program, uri: "qemu:///system", timeoutMs: 30_000 }),
    );
  } finally {
    await Deno.remove(dir, { recursive: true });
  }
}

const complaint = (said: string) => `echo "error: ${said}" >&2; exit 1`;

Deno.test("Virsh: a daemon that goes in the middle has told nothing, and may have done what it was to do", async () => {
  const lost = "Disconnected from qemu:///system due to end of file";
  await virsh(complaint(lost), async (virsh) => {
    await rejects(virsh.ask(["list"]), {
      code: "unavailable",
      message: /end of file/,
    });
    await rejects(virsh.act(["start", "web"]), { code: "interrupted" });
  });
});

Deno.test("Virsh: a refusal has virsh's words, and a daemon that was never reached has done nothing", async () => {
  await virsh(complaint("domain is already active"), async (virsh) => {
    strictEqual(await virsh.act(["start", "web"]), "domain is already active");
    await rejects(virsh.ask(["list"]), { code: "driver_failed" });
  });
  const down =
    "failed to connect to the hypervisor\nerror: Failed to connect socket to '/s': Connection refused";
  await virsh(complaint(down), async (virsh) => {
    await rejects(virsh.act(["start", "web"]), (error) => {
      ok(isUsherError(error, "unavailable"), `${error}`);
      strictEqual(error.message, "Cannot reach libvirtd: it does not run");
      match(error.details.hint ?? "", /systemctl start libvirtd/);
      return true;
    });
  });
});

Deno.test("Virsh: one that may not be run is not called missing", async () => {
  await virsh("exit", async (virsh) => {
    await rejects(virsh.ask(["list"]), {
      code: "unavailable",
      message: /virsh may not be run by the node manager$/,
    });
  }, 0o644);
});
