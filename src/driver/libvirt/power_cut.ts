/**
 * Cutting a domain's power, whatever its guest or its QEMU is doing.
 *
 * @module
 */
import { UsherError } from "../../error/mod.ts";
import type { Book } from "./book.ts";
import type { Domain } from "./domain.ts";
import { PRESERVED } from "./domain_state.ts";
import type { LibvirtEnvironment } from "./environment.ts";
import { isUnknown } from "./forget.ts";

/** Ends `domain`; what somebody has saved of its memory goes, too. */
export async function cutPower(
  { virsh }: LibvirtEnvironment,
  book: Book,
  domain: Domain,
): Promise<void> {
  domain.isCut = domain.handle.ending === null || domain.isUp;
  const refusal = await virsh.act(["destroy", domain.uuid]);
  book.touch(domain);
  await book.look();
  if (domain.isLive) {
    domain.isCut = false;
    throw new UsherError(
      "driver_failed",
      `Cannot power off VM "${domain.handle.name}": ${refusal ?? "it runs on"}`,
    );
  }
  if (domain.sighting?.isSaved === true) await dropSaved(virsh, domain);
  const { ending } = domain.handle;
  if (ending?.reason === PRESERVED) {
    domain.keepEnding({ ...ending, reason: "guest panicked" });
  }
}

async function dropSaved(
  virsh: LibvirtEnvironment["virsh"],
  { uuid, handle }: Domain,
): Promise<void> {
  const refusal = await virsh.act(["managedsave-remove", uuid]);
  if (refusal === null || isUnknown(refusal)) return;
  throw new UsherError(
    "driver_failed",
    `Cannot power off VM "${handle.name}": what it was saved as stays: ${refusal}`,
  );
}
