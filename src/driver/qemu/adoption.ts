/**
 * Taking in living domains whose handles were lost.
 *
 * @module
 */
import { readArguments } from "../../sys/process_table.ts";
import { saveHandle } from "../kept_handles.ts";
import { diskFiles } from "./command_line.ts";
import { Domain } from "./domain.ts";
import type { QemuEnvironment } from "./environment.ts";
import { handleOfMarker } from "./handle.ts";
import type { OwnProcess } from "./process_scan.ts";

/** Makes sure that `domains` knows each of `processes`, but for those being started. */
export async function adopt(
  env: QemuEnvironment,
  domains: Map<string, Domain>,
  processes: readonly OwnProcess[],
  isStarting: (uid: string) => boolean,
): Promise<void> {
  // Beside each other: one that hangs must not keep the others waiting.
  await Promise.all(processes.map(async ({ id, marker }) => {
    const { uid } = marker;
    let domain = domains.get(uid);
    if (isStarting(uid) || domain?.process?.pid === id.pid) return;
    if (domain === undefined) {
      env.log("warn", "adopted a domain whose handle was lost", {
        uid,
        pid: id.pid,
      });
      const handle = handleOfMarker(
        marker,
        diskFiles(readArguments(id.pid)),
        env.bootId,
      );
      domain = new Domain(env, handle);
      domains.set(uid, domain);
      await saveHandle(env.layout, handle);
    }
    await domain.attach(id);
  }));
}
