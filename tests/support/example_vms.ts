/**
 * The VMs that an example speaks of: there, and in the state that its verb needs.
 *
 * @module
 */

/** Runs a command of the client; throws when it fails. */
type Client = (...argv: string[]) => Promise<string>;

/** Makes the VMs that the example of a verb names. */
export async function prepareVms(
  verb: string,
  words: readonly string[],
  flags: Readonly<Record<string, unknown>>,
  client: Client,
): Promise<void> {
  if (["start", "register", "list"].includes(verb)) return;
  const names = words.filter((word) => !word.includes("="))
    .map((name) => name.replaceAll("*", "1"));
  const make = verb === "unregister" ? "register" : "start";
  await client("vm", make, ...names);
  if (verb === "resume") await client("vm", "pause", ...names);
  const states = flags["for"];
  if (Array.isArray(states) && states.includes("stopped")) {
    await client("vm", "poweroff", ...names);
  }
}

/** Verbs on all VMs of a cluster. */
const CLUSTER_VERBS = [
  ...["start", "shutdown", "reboot", "poweroff", "cycle", "pause", "resume"],
  ...["unregister", "destroy"],
];

/** Makes a VM in each cluster of one's own that the example of a verb names. */
export async function prepareClusters(
  verb: string,
  words: readonly string[],
  client: Client,
): Promise<void> {
  if (!CLUSTER_VERBS.includes(verb)) return;
  const own = words.filter((word) => !/[=.]/.test(word));
  if (own.length === 0) return;
  const vms = own.map((cluster) => `one.${cluster}`);
  if (verb === "start") await client("vm", "register", ...vms);
  else await prepareVms(verb, vms, {}, client);
}
