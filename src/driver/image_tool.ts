/**
 * QEMU's image tool, `qemu-img`: making images, and asking what one is.
 *
 * @module
 */
import { z } from "zod";
import { runCommand } from "../sys/child.ts";
import { findFileProblem } from "../sys/file_access.ts";

const DEADLINE_MS = 30_000;

/** What an image is. */
export const ImageInfo = z.object({
  "virtual-size": z.number(),
  "actual-size": z.number().default(0),
});
export type ImageInfo = z.infer<typeof ImageInfo>;

/** The image tool that belongs to an emulator. */
export class ImageTool {
  readonly #program: string;
  readonly #stop: AbortSignal;

  /** `stop` ends what it does. */
  constructor(binary: string, stop: AbortSignal) {
    this.#program = imageToolOf(binary);
    this.#stop = stop;
  }

  /** Runs it; answers what it printed. Throws an Error with what it said. */
  async run(args: readonly string[]): Promise<string> {
    const result = await runCommand(
      this.#program,
      args,
      DEADLINE_MS,
      this.#stop,
    );
    if (result.code === 0) return result.stdout;
    throw new Error(
      result.timedOut
        ? `${this.#program} did not end within ${DEADLINE_MS} ms`
        : result.stderr.trim().replace(/^\S*qemu-img: /, ""),
    );
  }

  /** What `image` is; one that is in use may be asked, too. */
  async info(image: string, format?: string): Promise<ImageInfo> {
    const args = ["info", "--force-share", "--output=json"];
    const named = format === undefined ? [] : ["-f", format];
    return ImageInfo.parse(
      JSON.parse(await this.run([...args, ...named, image])),
    );
  }
}

/** It lies beside the emulator, or where PATH finds it. */
function imageToolOf(binary: string): string {
  const beside = binary.replace(/[^/]*$/, "qemu-img");
  return binary.includes("/") && findFileProblem(beside, false) === null
    ? beside
    : "qemu-img";
}
