/**
 * All of the Xen lab, in three parts, each with hosts of its own: moves between
 * two, a life of VMs on one with all that befalls it, and the whole driver suite
 * in a dom0 with what usher costs there. What they came to is written down in
 * `docs/xen-lab.md` as each has passed.
 *
 * A part can be run alone (`--filter`); on a machine with processors to spare,
 * several at the same time.
 *
 * @module
 */
import {
  runFigures,
  runSuite,
  stepOfSuite,
  suiteFiles,
} from "../support/xen_conformance.ts";
import { whyNoXenLab, XenHost } from "../support/xen_host.ts";
import { BY_HAND } from "../support/xen_by_hand.ts";
import { MOVES } from "../support/xen_host_moves.ts";
import { HVM } from "../support/xen_hvm.ts";
import { type LifeStep, LUCK, VERBS } from "../support/xen_life.ts";
import { measureNews } from "../support/xen_news.ts";
import {
  dropPart,
  keepPart,
  type LabPart,
  PARTS,
} from "../support/xen_report.ts";
import { XenSite } from "../support/xen_site.ts";

const ALL = /./;

/** A part under way. */
class Part {
  readonly #t: Deno.TestContext;
  readonly #steps: { name: string; seconds: number }[] = [];
  #hasFailed = false;

  constructor(t: Deno.TestContext) {
    this.#t = t;
  }

  async step(name: string, run: () => Promise<unknown>): Promise<void> {
    const began = performance.now();
    const isOk = await this.#t.step(name, async () => void await run());
    const seconds = (performance.now() - began) / 1000;
    if (isOk) this.#steps.push({ name, seconds });
    else this.#hasFailed = true;
  }

  async live(site: XenSite, life: readonly LifeStep[]): Promise<void> {
    for (const { name, run } of life) {
      await this.step(name, () => run(site));
    }
  }

  /** What the suite says of one test. */
  async hear(end: Parameters<typeof stepOfSuite>[1]): Promise<void> {
    if (!await stepOfSuite(this.#t, end)) this.#hasFailed = true;
  }

  /** The steps; null when one of them has failed. */
  get passed(): LabPart["steps"] | null {
    return this.#hasFailed ? null : this.#steps;
  }
}

/** Declares a part, which tells what it came to beside its steps. */
function partTest(
  name: LabPart["name"],
  run: (part: Part) => Promise<Pick<LabPart, "column" | "figures">>,
): void {
  Deno.test({
    name: `xen: ${PARTS[name]}`,
    ignore: whyNoXenLab() !== undefined,
    async fn(t) {
      await dropPart(name);
      const began = performance.now();
      const part = new Part(t);
      const came = await run(part);
      const seconds = (performance.now() - began) / 1000;
      const steps = part.passed;
      if (steps === null) return;
      const at = new Date().toISOString();
      await keepPart({ name, at, seconds, steps, ...came });
    },
  });
}

partTest("moves", async (part) => {
  await using site = await XenSite.start({ hosts: 2 });
  await part.live(site, MOVES);
  return { figures: [] };
});

partTest("life", async (part) => {
  await using site = await XenSite.start();
  await part.live(site, [...VERBS, ...HVM, ...BY_HAND, ...LUCK]);
  const figures: LabPart["figures"][number][] = [];
  await part.step("figures: the news of a guest's end", async () => {
    figures.push(await measureNews(site));
  });
  return { figures };
});

partTest("suite", async (part) => {
  const folder = await Deno.makeTempDir({ prefix: "usher_suite_" });
  try {
    const files = await suiteFiles(folder);
    await using host = await XenHost.boot({ files, memoryMiB: 3072 });
    const column = await runSuite(host, ALL, (end) => part.hear(end));
    const figures: LabPart["figures"][number][] = [];
    await part.step("figures: a start, and lists of many", async () => {
      figures.push(...await runFigures(host));
    });
    return { column, figures };
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});
