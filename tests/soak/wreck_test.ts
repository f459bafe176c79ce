/**
 * What a soak that failed leaves for who has to find out why.
 *
 * @module
 */
import { match, ok, rejects } from "node:assert/strict";
import { ProcessSite } from "../support/process_site.ts";
import { keepWreck } from "./wreck.ts";

Deno.test("a site that failed leaves its logs, its state and what it told, in a folder that the error names", async () => {
  let dir = "";
  let folder = "";
  try {
    await using site = await ProcessSite.start({ nodes: [], logs: true });
    dir = site.dir;
    await Deno.mkdir(`${dir}/disks`);
    await site.restartCtrl();
    const wreck = new Error("A VM is lost");
    const { message } = await keepWreck(site, wreck, `${dir}/disks`);
    folder = /^A VM is lost; logs and state are in (.*)$/.exec(message)?.[1] ??
      "";
  } finally {
    ok(folder !== "", "the error names the folder");
  }
  try {
    const read = (path: string) => Deno.readTextFile(`${folder}/${path}`);
    match(await read("error.txt"), /A VM is lost/);
    match(await read("told.json"), /"vms": \[\]/);
    const lives = (await read("site/logs/ctrl.log")).match(/^ready: /gm);
    ok(lives?.length === 2, "both lives of the controller are in its log");
    ok((await Deno.stat(`${folder}/site/ctrl`)).isDirectory);
    await rejects(Deno.stat(`${folder}/site/disks`), Deno.errors.NotFound);
    await rejects(Deno.stat(dir), Deno.errors.NotFound);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});
