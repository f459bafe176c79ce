/**
 * The one thing that is read from a qcow2 image without QEMU: whether it
 * stands on another (QEMU documentation, interop/qcow2).
 *
 * @module
 */
import { readStart } from "../sys/file_digest.ts";

const HEADER_BYTES = 16;
/** "QFI\xfb" */
const MAGIC = 0x514649fb;

/** Whether `path` is a qcow2 image with a backing file; null when it is no qcow2 image. */
export async function hasBackingFile(path: string): Promise<boolean | null> {
  const start = await readStart(path, HEADER_BYTES);
  if (start.length < HEADER_BYTES) return null;
  const view = new DataView(start.buffer, start.byteOffset);
  return view.getUint32(0) === MAGIC ? view.getBigUint64(8) !== 0n : null;
}
