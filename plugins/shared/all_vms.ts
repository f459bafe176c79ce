/**
 * All VMs of a site, a page at a time: the controller gives no more at once,
 * since everybody waits while it answers.
 *
 * A VM that comes while pages are read may be missing, as with any list; one that is
 * there all along is not.
 *
 * @module
 */
import type { PluginContext, VmUsage, VmView } from "@usher/plugin";

/** What the controller gives at once. */
const PAGE = 10_000;

/** The VMs that are granted, by name. */
export async function allVms(
  vms: Pick<PluginContext["vms"], "list">,
): Promise<VmView[]> {
  const all: VmView[] = [];
  for (;;) {
    const after = all.at(-1)?.name;
    const page = await vms.list({
      limit: PAGE,
      ...(after === undefined ? {} : { after }),
    });
    all.push(...page);
    if (page.length < PAGE) return all;
  }
}

/** What VMs use, by name. */
export async function allUsage(
  usage: Pick<PluginContext["usage"], "vms">,
): Promise<Record<string, VmUsage>> {
  const all: Record<string, VmUsage> = {};
  let after: string | undefined;
  for (;;) {
    const page = await usage.vms({
      limit: PAGE,
      ...(after === undefined ? {} : { after }),
    });
    Object.assign(all, page);
    const names = Object.keys(page);
    if (names.length < PAGE) return all;
    after = names.at(-1);
  }
}
