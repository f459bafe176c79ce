/**
 * Spec files: what a new VM is given, as YAML.
 *
 * The keys are those of `spec` in `usher vm show -o yaml`; `memory` and a
 * disk's `size` may stand for `memoryMiB` and `sizeMiB`, with a unit.
 *
 * @module
 */
import { z } from "zod";
import { readYaml } from "../config/yaml_file.ts";
import { SizeMiB } from "../schema/quantity.ts";
import { SpecInput } from "../schema/request.ts";
import { DiskSpec } from "../schema/vm.ts";
import { readGiven } from "../sys/given_file.ts";

const FileDisk = z.strictObject({
  ...DiskSpec.shape,
  size: SizeMiB.optional(),
});

const SpecFile = z.strictObject({
  ...SpecInput.shape,
  memory: SizeMiB.optional(),
  disks: z.array(FileDisk).max(32).optional(),
});

/** Reads a spec file; mistakes name file, line and key. */
export async function readSpecFile(path: string): Promise<SpecInput> {
  return readSpec(path, await readGiven(path));
}

/** The spec in `text`, which came from `path`. */
export function readSpec(path: string, text: string): SpecInput {
  const { memory, disks, ...rest } = readYaml(path, text, SpecFile);
  return {
    ...rest,
    ...(memory === undefined ? {} : { memoryMiB: memory }),
    ...(disks === undefined ? {} : {
      disks: disks.map(({ size, ...disk }) => ({
        ...disk,
        ...(size === undefined ? {} : { sizeMiB: size }),
      })),
    }),
  };
}
