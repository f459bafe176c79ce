/**
 * All of the Xen lab: two hosts between which guests move, a life of VMs on one
 * of them, the whole driver suite in its dom0, and what usher costs there. The
 * run is written down in `docs/xen-lab.md`.
 *
 * @module
 */
import type { Column } from "../conformance/driver/matrix.ts";
import {
  runFigures,
  runSuite,
  stepOfSuite,
  suiteFiles,
} from "../support/xen_conformance.ts";
import type { Figure } from "../support/xen_figures.ts";
import { labVersions, whyNoXenLab } from "../support/xen_host.ts";
import { type LifeStep, LUCK, VERBS } from "../support/xen_life.ts";
import { measureNews } from "../support/xen_news.ts";
import { MOVES } from "../support/xen_host_moves.ts";
import { page } from "../support/xen_report.ts";
import { XenSite } from "../support/xen_site.ts";

const PAGE = new URL("../../docs/xen-lab.md", import.meta.url);
const ALL = /./;

Deno.test({
  name:
    "xen: two hosts, moves between them, the whole driver suite, and figures",
  ignore: whyNoXenLab() !== undefined,
  async fn(t) {
    const folder = await Deno.makeTempDir({ prefix: "usher_suite_" });
    const steps: { name: string; seconds: number }[] = [];
    let column: Column | undefined;
    const figures: Figure[] = [];
    let hasFailed = false;
    const step = async (name: string, run: () => Promise<unknown>) => {
      const began = performance.now();
      const isOk = await t.step(name, async () => void await run());
      const seconds = (performance.now() - began) / 1000;
      if (isOk) steps.push({ name, seconds });
      else hasFailed = true;
    };
    const live = async (site: XenSite, life: readonly LifeStep[]) => {
      for (const { name, run } of life) await step(name, () => run(site));
    };
    try {
      await using site = await XenSite.start({
        hosts: 2,
        files: await suiteFiles(folder),
        memoryMiB: 3072,
      });
      await live(site, [...VERBS, ...MOVES, ...LUCK]);
      await step("figures: what is stopped by hand is told of", async () => {
        figures.push(await measureNews(site));
      });
      // The suite is its own LNM; another would look on, and cost its time.
      await site.killLnm(site.host);
      column = await runSuite(site.host, ALL, async (end) => {
        if (!await stepOfSuite(t, end)) hasFailed = true;
      });
      await step("figures: a start, and lists of many", async () => {
        figures.push(...await runFigures(site.host));
      });
    } finally {
      await Deno.remove(folder, { recursive: true });
    }
    if (hasFailed || column === undefined) return;
    const machine = `${navigator.hardwareConcurrency} cores, ${
      Math.round(Deno.systemMemoryInfo().total / 2 ** 30)
    } GiB, Deno ${Deno.version.deno}`;
    const date = new Date().toISOString().slice(0, 10);
    const versions = await labVersions();
    await Deno.writeTextFile(
      PAGE,
      page({ date, machine, versions, steps, column, figures }),
    );
  },
});
