/**
 * docs/clients.md is run as it stands: its blocks of shell, one after another,
 * as a reader would paste them beside a running site.
 */
import { match } from "node:assert/strict";
import { CompiledSite } from "../support/compiled_site.ts";
import { readRepository } from "../support/repository.ts";
import { runBlocks } from "../support/shell_blocks.ts";

Deno.test("docs/clients.md runs as it stands, and shows what it says", async () => {
  const text = await readRepository("docs/clients.md");
  await using site = await CompiledSite.start({ nodes: 2 });
  const folder = await Deno.makeTempDir({ prefix: "usher_clients_" });
  try {
    await Deno.symlink(site.folder, `${folder}/site`);
    const parts = await runBlocks(text, folder);
    const [
      version,
      whoami,
      accepted,
      again,
      followed,
      planned,
      problem,
      reads,
      watched,
    ] = parts;
    match(version ?? "", /"version":"\d/);
    match(whoami ?? "", /"user":"admin"/);
    match(accepted ?? "", /web-1\.default\.admin[^]*web-2\.default\.admin/);
    match(again ?? "", /"request":"my-first-request"/);
    match(followed ?? "", /"type":"result"[^]*"vmState":"stopped"/);
    match(planned ?? "", /"does":"steps"[^]*"strategy":"spread"/);
    match(problem ?? "", /"code":"not_found"[^]*curl ended with code 22/);
    match(reads ?? "", /web-1\.default\.admin[^]*"nodes":/);
    match(watched ?? "", /^\s*\{"type":"hello"[^]*"type":"synced"/);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});
