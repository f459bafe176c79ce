/**
 * docs/tour.md is run as it stands, from its first command to its last.
 */
import { doesNotMatch, match } from "node:assert/strict";
import { CompiledSite } from "../support/compiled_site.ts";
import { readRepository } from "../support/repository.ts";
import { runBlocks } from "../support/shell_blocks.ts";

Deno.test("docs/tour.md runs as it stands, and shows what it says", async () => {
  await using site = await CompiledSite.start({ nodes: 3 });
  const text = await readRepository("docs/tour.md");
  const [who, started, asked, planned, , drained, typed, happened, gone] =
    await runBlocks(text, site.folder, site.env);
  match(who ?? "", /admin[^]*n1 +ready[^]*n3 +ready/);
  match(started ?? "", /web-1\.default\.admin +running +n\d/);
  match(asked ?? "", /web-1\.default\.admin/);
  match(planned ?? "", /web-6\.default\.admin/);
  match(drained ?? "", /n3 +draining/);
  // The second list of the block is of a node that has nothing left.
  doesNotMatch((drained ?? "").split("draining")[1] ?? "", /web-\d.* n3 /);
  match(typed ?? "", /hello/);
  match(happened ?? "", /migrate/);
  doesNotMatch(gone ?? "", /error/);
});
