/**
 * A real guest that moves while every part of the site is killed at every step.
 *
 * @module
 */
import { compiledUsher } from "../support/compiled.ts";
import { type Kill, moveAndKill, startSite } from "../support/moving_guest.ts";
import { whyNoQemu } from "../support/qemu_node.ts";

const STEPS = ["offer", "receive", "send", "switch", "release"];

Deno.test({
  name: "whoever is killed at whichever step: the guest moves, and runs once",
  ignore: whyNoQemu() !== undefined,
  async fn() {
    await using site = await startSite(await compiledUsher());
    const kills = STEPS.flatMap((step): Kill[] => [
      ["ctrl", step],
      ["source", step],
      ["target", step],
    ]);
    await moveAndKill(site, kills);
  },
});
