/**
 * `usher quota list`.
 *
 * @module
 */
import { defineCommand, NO_WORDS } from "../../command.ts";
import { EXIT } from "../../exit.ts";
import { OUTPUT_FLAGS, printRows } from "../../render/output.ts";
import { QUOTA_COLUMNS } from "./columns.ts";

export const list = defineCommand({
  about:
    "List quotas with what is used of them: your own and those of clusters that you see; for administrators and viewers all. VMs and disks that usher makes count always, vcpus and memory while a VM is on.",
  words: NO_WORDS,
  flags: OUTPUT_FLAGS,
  examples: [["usher quota list", "who has how much, and may have"]],
  async run(context, { flags }) {
    const api = await context.api();
    await printRows(context, {
      read: async () => (await api.call("quotas")).quotas,
      columns: QUOTA_COLUMNS,
      name: ({ subject }) => subject,
      none: "no quotas",
    }, flags);
    return EXIT.done;
  },
});
