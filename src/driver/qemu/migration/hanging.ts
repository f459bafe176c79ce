/**
 * A source whose target hangs. At the switch QEMU waits for it and does nothing
 * else: no guest runs and no command is answered, for as long as the target's
 * kernel keeps the connection, which may be for ever. QEMU's way out is `yank`,
 * which it takes even then, and which cuts the connections. On that it gives
 * the migration up and lets its guest go on.
 *
 * @module
 */
import { z } from "zod";
import { isUsherError } from "../../../error/mod.ts";
import type { Message } from "../qmp/session.ts";
import { command, COMMAND_MS, type Commander } from "./commander.ts";
import { PEER_NODE } from "./mirrors.ts";

/** How long QEMU may be silent before its connections are cut. */
const SILENT_MS = 10_000;
/**
 * How long it may be silent after that. It is when its target hung before the
 * two have shown who they are: QEMU waits for that with all it has, and has no
 * way out but that the target's QEMU is ended, by `release` there.
 */
const FREED_MS = 5000;

const Instances = z.array(
  z.looseObject({ type: z.string(), "node-name": z.string().optional() }),
);

/** The same QEMU; where it does not answer, it is freed of its target and asked again. */
export function freedOfTarget(qemu: Commander): Commander {
  return {
    execute: async (
      name: string,
      args: Message = {},
      deadlineMs = COMMAND_MS,
    ) => {
      try {
        return await qemu.execute(name, args, Math.min(deadlineMs, SILENT_MS));
      } catch (error) {
        if (!isUsherError(error, "interrupted")) throw error;
        await cutConnections(qemu);
        return await qemu.execute(name, args, Math.min(deadlineMs, FREED_MS));
      }
    },
  };
}

async function cutConnections(qemu: Commander): Promise<void> {
  const all = Instances.parse(await command(qemu, "query-yank"));
  const instances = all.filter((its) =>
    its.type === "migration" || its["node-name"]?.startsWith(PEER_NODE)
  );
  await command(qemu, "yank", { instances });
}
