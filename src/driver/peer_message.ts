/**
 * Reading what the other end of a move says through the controller, which reads
 * none of it: the other end may be of another version.
 *
 * @module
 */
import type { ZodType } from "zod";
import { UsherError } from "../error/mod.ts";
import type { PeerMessage } from "../schema/operation.ts";

/**
 * What the other end said of the VM `name`. Throws `invalid_input` for what this
 * version does not understand.
 */
export function readMessage<T>(
  schema: ZodType<T>,
  message: PeerMessage | null,
  name: string,
): T {
  const parsed = schema.safeParse(message);
  if (parsed.success) return parsed.data;
  throw new UsherError(
    "invalid_input",
    `Cannot move VM "${name}": its other node said nothing that this one understands`,
    { hint: "Both nodes need the same version of usher." },
  );
}
