/**
 * What the source tells the target of a domain: as what it was started, what
 * QEMU made of that, and how large its disks are.
 *
 * @module
 */
import { z } from "zod";
import { messageOf, UsherError } from "../../../error/mod.ts";
import type { Transfer } from "../../../schema/frame.ts";
import type { VmSpec } from "../../../schema/vm.ts";
import { isBlockDevice } from "../../../sys/file_access.ts";
import { readCpu } from "../../../sys/cpu.ts";
import type { Domain } from "../domain.ts";
import { losesPages } from "../guest_memory.ts";
import type { QemuEnvironment } from "../environment.ts";
import { ImageTool } from "../../image_tool.ts";
import { command } from "./commander.ts";
import { fixedFiles, sentDisks } from "./fate.ts";
import type { Offer, OfferedDisk } from "./record.ts";
import type { Sameness } from "./sameness.ts";

/** The offer of a domain. Throws `unsupported` for what cannot be moved. */
export async function makeOffer(
  env: QemuEnvironment,
  domain: Domain,
  { options }: Transfer,
  sameness: Sameness,
): Promise<Offer> {
  const { spec, ending } = domain.handle;
  const isUp = domain.process !== null;
  if (spec === null && domain.handle.disks.length > 0) {
    throw cannot(
      domain,
      "its disks are not known: it was started by an older usher, or its handle was lost",
      "start it anew (vm cycle), and move it then",
    );
  }
  checkDevices(domain, spec);
  if (isUp && options.postCopy) await tryPostCopy(domain);
  const disks = spec === null ? [] : spec.disks;
  const accel = isUp ? await accelOf(domain) : (await env.accel()).accel;
  const memoryKiB = isUp ? await memoryOf(domain) : null;
  if (memoryKiB !== null && losesPages(memoryKiB, accel)) {
    throw cannot(
      domain,
      `it was started by an older usher, and QEMU would lose some of its memory on the way`,
      "start it anew (vm cycle), and move it then",
    );
  }
  const hasOwnCpu = accel === "kvm" &&
    (spec?.qemu.cpu ?? "host").startsWith("host");
  return {
    spec,
    machine: isUp ? await machineOf(domain) : null,
    accel,
    memoryKiB,
    cpu: isUp && hasOwnCpu ? await readCpu() : null,
    paused: isUp && domain.report().state === "paused",
    ending: isUp ? null : ending,
    disks: await offeredDisks(env, domain, sameness),
    fixed: Object.fromEntries(
      await Promise.all(
        fixedFiles(disks).map(async (
          path,
        ) => [path, await sameness.identify(path)]),
      ),
    ),
  };
}

function checkDevices(domain: Domain, spec: VmSpec | null): void {
  for (const { disk } of sentDisks(spec?.disks ?? [])) {
    if (disk.path === undefined || !isBlockDevice(disk.path)) continue;
    throw cannot(
      domain,
      `${disk.path} is a block device of this node`,
      "mark the disk as shared if every node sees the same device under this path",
    );
  }
}

async function offeredDisks(
  { layout, config, closing }: QemuEnvironment,
  domain: Domain,
  sameness: Sameness,
): Promise<OfferedDisk[]> {
  const { uid, name, spec } = domain.handle;
  const tool = new ImageTool(config.binary, closing);
  const sizes = async (path: string, format: string) => {
    const info = await tool.info(path, format).catch((error) => {
      throw new UsherError(
        "driver_failed",
        `Cannot move VM "${name}": cannot tell the size of ${path}: ${
          messageOf(error)
        }`,
      );
    });
    return { virtual: info["virtual-size"], actual: info["actual-size"] };
  };
  return await Promise.all(
    sentDisks(spec?.disks ?? []).map(async ({ index, disk }) => {
      const { base, path = layout.overlay(uid, index) } = disk;
      const own = await sizes(path, base === undefined ? disk.format : "qcow2");
      const under = base === undefined
        ? null
        : await sizes(base, disk.format).catch(() => null);
      return {
        index,
        virtualBytes: own.virtual,
        ownBytes: own.actual,
        baseBytes: under?.actual ?? 0,
        base: base === undefined || disk.shared
          ? null
          : await sameness.identify(base),
      };
    }),
  );
}

/** The machine as it runs: an alias such as `pc` may be another one elsewhere. */
async function machineOf(domain: Domain): Promise<string> {
  const type = await command(domain, "qom-get", {
    path: "/machine",
    property: "type",
  });
  return String(type).replace(/-machine$/, "");
}

async function accelOf(domain: Domain): Promise<"kvm" | "tcg"> {
  const answer = await command(domain, "query-kvm");
  return z.object({ enabled: z.boolean() }).parse(answer).enabled
    ? "kvm"
    : "tcg";
}

async function memoryOf(domain: Domain): Promise<number> {
  const answer = await command(domain, "query-memory-size-summary");
  return z.object({ "base-memory": z.number() })
    .parse(answer)["base-memory"] / 1024;
}

async function tryPostCopy(domain: Domain): Promise<void> {
  const set = (state: boolean) =>
    command(domain, "migrate-set-capabilities", {
      capabilities: [{ capability: "postcopy-ram", state }],
    });
  try {
    await set(true);
    await set(false);
  } catch (error) {
    throw cannot(
      domain,
      `its node cannot send it by post-copy: ${messageOf(error)}`,
      "move it without --post-copy",
    );
  }
}

function cannot({ handle }: Domain, why: string, hint: string): UsherError {
  return new UsherError(
    "unsupported",
    `Cannot move VM "${handle.name}": ${why}`,
    { hint },
  );
}
