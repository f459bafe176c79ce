/**
 * `usher quota set`.
 *
 * @module
 */
import type { SetQuotaRequest } from "../../../schema/quota.ts";
import { defineCommand, parsed, toggle, wholeNumber } from "../../command.ts";
import { EXIT } from "../../exit.ts";
import { readSizeMiB } from "../../quantity.ts";
import { FORMAT_FLAG, printOne } from "../../render/output.ts";
import { UsageError } from "../../usage.ts";
import { describeQuota, PARTS } from "./columns.ts";

const readCount = wholeNumber("limit", { min: 0, max: 10_000_000 });

export const set = defineCommand({
  about:
    "Set limits of a user or a cluster; for administrators. A limit that is not named stays. Both the user's and the cluster's hold. Whoever has more than a new limit keeps it, and gets no more.",
  words: {
    usage: "USER|CLUSTER.USER",
    min: 1,
    max: 1,
    completes: "owner",
  },
  flags: {
    vms: parsed("N|none|default", "VMs, on or off", limit(readCount)),
    vcpus: parsed("N|none|default", "of VMs that are on", limit(readCount)),
    memory: parsed(
      "SIZE|none|default",
      "of VMs that are on",
      limit(readSizeMiB),
    ),
    disk: parsed(
      "SIZE|none|default",
      "that usher makes, of VMs on or off",
      limit(readSizeMiB),
    ),
    ahead: toggle(
      "also where nothing is known of them yet: a user of a directory who never logged in, a cluster to come",
    ),
    ...FORMAT_FLAG,
  },
  examples: [
    ["usher quota set ann --vms 20 --memory 64GiB", "two limits of ann"],
    ["usher quota set web.ann --vcpus none", "any number in this cluster"],
    ["usher quota set ann --vms default", "as ctrl.yaml has it"],
    ["usher quota set eve --vms 5 --ahead", "before eve's first login"],
  ],
  async run(context, { words: [subject = ""], flags }) {
    const body = Object.fromEntries(
      PARTS.flatMap((part) =>
        flags[part] === undefined ? [] : [[part, flags[part]]]
      ),
    ) as SetQuotaRequest;
    if (Object.keys(body).length === 0) {
      throw new UsageError(
        "No limit is given",
        "add --vms, --vcpus, --memory or --disk",
      );
    }
    const api = await context.api();
    const quota = await api.call("setQuota", {
      params: { subject },
      body: flags.ahead ? { ...body, ahead: true } : body,
    });
    await printOne(context, quota, flags.output, {
      name: quota.subject,
      describe: describeQuota,
    });
    return EXIT.done;
  },
});

/** A limit, none at all, or the configuration's. */
function limit(
  read: (word: string) => number,
): (word: string) => number | null | "default" {
  return (word) =>
    word === "none" ? null : word === "default" ? word : read(word);
}
