/**
 * Live copies, callbacks, and what they survive.
 *
 * @module
 */
import { deepStrictEqual, ok, strictEqual } from "node:assert/strict";
import { allDone, type Difference } from "@usher/client";
import { type Case, client, SLOW } from "../suite_site.ts";

/** Live copies, callbacks, and what they survive. */
export const LIVE_CASES: Readonly<Record<string, Case>> = {
  async "copies are live, and callbacks that throw disturb nobody"(site) {
    const thrown: string[] = [];
    await using usher = await client(site, {
      onCallbackError: (error, event) => thrown.push(`${event}: ${error}`),
    });
    using live = usher.watch();
    await live.ready;
    strictEqual(live.nodes.size, 2);
    const seen: string[] = [];
    live.on("register", () => {
      throw "sync";
    });
    live.on("register", () => Promise.reject("async"));
    live.on("register", ({ name }) => seen.push(`+${name}`));
    live.on("unregister", ({ name }) => seen.push(`-${name}`));
    live.on("state_change", (vm) => seen.push(vm.status.state));
    const name = `live.default.${site.user}`;
    await usher.start("live").result;
    await live.until(({ vms }) => vms.get(name)?.status.state === "running");
    await usher.destroy("live").result;
    await live.until(({ vms }) => !vms.has(name));
    strictEqual(seen[0], `+${name}`);
    strictEqual(seen.at(-1), `-${name}`);
    ok(seen.includes("running"), seen.join());
    deepStrictEqual(thrown, ["register: sync", "register: async"]);
  },

  async "on() tells events without a watch of one's own"(site) {
    await using usher = await client(site);
    const ended = new Promise<string>((resolve) => {
      usher.on("operation", ({ verb, state }) => {
        if (state === "succeeded") resolve(verb);
      });
    });
    const ready = new Promise<void>((resolve) => {
      usher.on("ready", () => resolve());
    });
    await ready;
    await usher.start("told").result;
    strictEqual(await ended, "start");
    await usher.destroy("told").result;
  },

  async "clusters are copied, those that VMs make and those that people do"(
    site,
  ) {
    await using usher = await client(site);
    using live = usher.watch();
    await live.ready;
    const seen: string[] = [];
    live.on("cluster_register", ({ name }) => seen.push(`+${name}`));
    live.on("cluster_unregister", ({ name }) => seen.push(`-${name}`));
    const lab = `lab.${site.user}`;
    const farm = `farm.${site.user}`;
    await usher.createCluster("lab");
    await usher.register("web.farm").result;
    await live.until(({ clusters }) => clusters.has(lab) && clusters.has(farm));
    deepStrictEqual(
      (await usher.clusters()).map(({ name }) => name).toSorted(),
      [...live.clusters.keys()].toSorted(),
    );
    const sharesOf = (size: number) =>
      live.until(({ clusters }) => clusters.get(lab)?.shares.length === size);
    const eve = { kind: "user", name: "eve" } as const;
    await usher.shareCluster("lab", { with: eve, level: "view" });
    await sharesOf(1);
    await usher.unshareCluster("lab", { with: eve });
    await sharesOf(0);
    await usher.unregister("web.farm").result;
    await usher.deleteCluster("lab");
    await usher.deleteCluster("farm");
    await live.until(({ clusters }) =>
      !clusters.has(lab) && !clusters.has(farm)
    );
    deepStrictEqual(seen, [`+${lab}`, `+${farm}`, `-${lab}`, `-${farm}`]);
  },

  async "what was missed while the connection was cut is told once"(site) {
    await using usher = await client(site);
    using live = usher.watch();
    await live.ready;
    const seen: Difference[] = [];
    live.on("change", (difference) => {
      if (difference.kind === "vm") seen.push(difference);
    });
    const lost = new Promise<void>((resolve) =>
      live.on("lost", () => resolve())
    );
    const back = new Promise<void>((resolve) =>
      live.on("back", () => resolve())
    );
    await site.cut();
    await lost;
    await usher.register("missed").result;
    await back;
    const name = `missed.default.${site.user}`;
    await live.until(({ vms }) => vms.has(name));
    strictEqual(seen.filter(({ before }) => before === null).length, 1);
    await usher.destroy("missed").result;
  },

  async "requests, copies and their client survive a controller that is killed"(
    site,
  ) {
    await using usher = await client(site);
    using live = usher.watch();
    await live.ready;
    const lost: string[] = [];
    const request = usher.start("survivor", {
      ...SLOW,
      onProgress: ({ type }) => type === "lost" && lost.push(type),
    });
    await request.accepted;
    await site.crash();
    allDone(await request.result);
    const name = `survivor.default.${site.user}`;
    await live.until(({ vms }) => vms.get(name)?.status.state === "running");
    ok(lost.length > 0);
    strictEqual((await usher.vm("survivor")).name, name);
    await usher.destroy("survivor").result;
    await live.until(({ vms }) => !vms.has(name));
  },

  async "a slow reader gets of each VM the newest, and no backlog"(site) {
    await using usher = await client(site);
    using live = usher.watch({ kinds: ["vm"] });
    await live.ready;
    const changes = live.changes();
    await usher.start("slow").result;
    await usher.pause("slow").result;
    await usher.resume("slow").result;
    await usher.poweroff("slow").result;
    const name = `slow.default.${site.user}`;
    await live.until(({ vms }) => vms.get(name)?.status.state === "stopped");
    const { value } = await changes.next();
    strictEqual(value?.kind === "vm" && value.now?.status.state, "stopped");
    await usher.destroy("slow").result;
    await live.until(({ vms }) => !vms.has(name));
    strictEqual((await changes.next()).value?.now, null);
    live.close();
    strictEqual((await changes.next()).done, true);
  },

  async "ten thousand VMs are held, and their changes seen"(site) {
    await using usher = await client(site);
    const count = 10_000;
    const result = await usher.register("many", { count }).result;
    strictEqual(result.outcomes.length, count);
    using live = usher.watch({ kinds: ["vm"] });
    await live.ready;
    const others = [...live.vms.keys()].filter((name) =>
      !name.startsWith("many-")
    );
    strictEqual(live.vms.size - others.length, count);
    strictEqual((await usher.vms()).length, live.vms.size);
    let gone = 0;
    live.on("unregister", () => gone++);
    await usher.unregister("many-*").result;
    await live.until(({ vms }) => vms.size === others.length);
    strictEqual(gone, count);
  },
};
