/**
 * What is left of a soak that failed, for who has to find out why: the state
 * of every role as it was when all was killed, all that they printed in all
 * their lives, and what the controller told at last.
 *
 * @module
 */
import { messageOf } from "../../src/error/mod.ts";
import type { ProcessSite } from "../support/process_site.ts";

/** How long the controller may take to tell how things are. */
const TELL_MS = 10_000;

/**
 * Lets the logs and the state of `site` be kept when it ends; answers the
 * error that names the folder. Disks of guests are not kept: they are large,
 * and every guest has the same.
 */
export async function keepWreck(
  site: ProcessSite,
  error: unknown,
  disks: string,
): Promise<Error> {
  const folder = await Deno.makeTempDir({ prefix: "usher_soak_" });
  await Deno.writeTextFile(
    `${folder}/error.txt`,
    error instanceof Error ? error.stack ?? error.message : String(error),
  );
  await Deno.writeTextFile(`${folder}/told.json`, await toldBy(site));
  await Deno.remove(disks, { recursive: true }).catch(() => {});
  site.keepIn(`${folder}/site`);
  return new Error(`${messageOf(error)}; logs and state are in ${folder}`, {
    cause: error,
  });
}

/** What moves, and where, as the controller tells it; or why it does not. */
async function toldBy(site: ProcessSite): Promise<string> {
  const late = AbortSignal.timeout(TELL_MS);
  const told = Promise.all([
    site.open(),
    site.vms(),
    site.call("GET", "/v1/nodes"),
  ]).then(([open, vms, nodes]) => ({ open, vms, nodes }));
  const never = new Promise<never>((_, reject) => {
    late.addEventListener("abort", () => reject(late.reason), { once: true });
  });
  return JSON.stringify(
    await Promise.race([told, never]).catch((error) => ({
      nothing: messageOf(error),
    })),
    null,
    1,
  );
}
