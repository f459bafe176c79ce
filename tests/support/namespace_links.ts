/**
 * A program that breaks the link between a controller and a node the way
 * networks do: run by `in_namespace.sh`, it gives the node a network of its
 * own, joined to the controller's by one cable.
 *
 * The cable is pulled (link down), or a filter drops what comes over it
 * without a word, so that both ends keep a connection that is dead.
 *
 * @module
 */
import { compiledUsher } from "./compiled.ts";
import { qemuNode } from "./node_plan.ts";
import { ProcessSite } from "./process_site.ts";
import { GUEST } from "./qemu_node.ts";
import { until } from "./wait.ts";

const HERE = "10.8.0.1";
const THERE = "10.8.0.2";
const LEASE_MS = 4000;

/** What was seen of one break. */
export interface Broken {
  readonly how: string;
  /** States that the node was in, in order. */
  readonly nodeStates: readonly string[];
  /** The VM's state while the node was lost; empty when it never was. */
  readonly meanwhile: string;
  /** How the operations that were asked for during it ended. */
  readonly ends: readonly string[];
  /** The VM afterwards, and whether its QEMU is the same. */
  readonly after: string;
  readonly isSameGuest: boolean;
  readonly guests: number;
}

async function run(line: string): Promise<void> {
  const [program = "", ...args] = line.split(" ");
  const { success, stderr } = await new Deno.Command(program, { args })
    .output();
  if (!success) throw new Error(`${line}: ${new TextDecoder().decode(stderr)}`);
}

async function layCable(): Promise<void> {
  // Names of networks are files there.
  await Deno.mkdir("/run/netns", { recursive: true });
  await run("mount -t tmpfs tmpfs /run/netns");
  await run("ip netns add there");
  await run("ip link add cable type veth peer name end netns there");
  await run(`ip address add ${HERE}/24 dev cable`);
  await run("ip link set cable up");
  await run("ip netns exec there ip link set lo up");
  await run(`ip netns exec there ip address add ${THERE}/24 dev end`);
  await run("ip netns exec there ip link set end up");
}

/** How a link is broken and mended. */
interface Break {
  readonly how: string;
  readonly break: readonly string[];
  readonly mend: readonly string[];
  /** Whether it lasts past the lease. */
  readonly isLong: boolean;
}

const table = "nft add table inet cut";
const chain = (hook: string) =>
  `nft add chain inet cut ${hook} { type filter hook ${hook} priority 0 ; }`;
const unfiltered = ["nft delete table inet cut"];

const BREAKS: readonly Break[] = [
  {
    how: "the cable is pulled past the lease",
    break: ["ip link set cable down"],
    mend: ["ip link set cable up"],
    isLong: true,
  },
  {
    how: "a filter drops everything past the lease",
    break: [
      table,
      chain("input"),
      chain("output"),
      `nft add rule inet cut input ip saddr ${THERE} drop`,
      `nft add rule inet cut output ip daddr ${THERE} drop`,
    ],
    mend: unfiltered,
    isLong: true,
  },
  {
    how: "a filter drops what the node says, within the lease",
    break: [
      table,
      chain("input"),
      `nft add rule inet cut input ip saddr ${THERE} drop`,
    ],
    mend: unfiltered,
    isLong: false,
  },
];

async function breakLink(site: ProcessSite, its: Break): Promise<Broken> {
  const before = await site.vm("web");
  const [guest] = site.guests("n1");
  const nodeStates: string[] = [];
  const watching = watchNode(site, nodeStates);
  for (const line of its.break) await run(line);
  const asked = await site.submit({ verb: "pause", names: ["web"] });
  let meanwhile = "";
  if (its.isLong) {
    await site.untilNode("n1", "lost");
    meanwhile = (await site.vm("web")).status.state;
  } else await site.untilNode("n1", "silent");
  for (const line of its.mend) await run(line);
  await site.untilReady("n1");
  const { outcomes } = await site.ends(asked.request);
  await site.run({ verb: "resume", names: ["web"] });
  await until(
    "the VM runs",
    async () => (await site.vm("web")).status.state === "running",
  );
  await watching.stop();
  const after = await site.vm("web");
  const guests = site.guests("n1");
  return {
    how: its.how,
    nodeStates,
    meanwhile,
    ends: outcomes.map(({ state, problem }) => problem?.code ?? state),
    after: after.status.incarnation === before.status.incarnation
      ? after.status.state
      : "another run",
    isSameGuest: guests[0]?.id.pid === guest?.id.pid,
    guests: guests.length,
  };
}

/** Notes each state of the node once, as it comes; the last one when stopped. */
function watchNode(site: ProcessSite, states: string[]) {
  const stopped = new AbortController();
  const look = async () => {
    const node = await site.call<{ state: string }>("GET", "/v1/nodes/n1");
    if (states.at(-1) !== node.state) states.push(node.state);
  };
  const looking = (async () => {
    while (!stopped.signal.aborted) {
      await look();
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
  })();
  return {
    async stop() {
      stopped.abort();
      await looking;
      // What came between two looks is seen now.
      await look();
    },
  };
}

if (import.meta.main) {
  await layCable();
  await using site = await ProcessSite.start({
    nodes: [{
      ...qemuNode("n1"),
      through: ["ip", "netns", "exec", "there"],
    }],
    ctrl: { node_lease: `${LEASE_MS}ms` },
    host: HERE,
    usher: await compiledUsher(),
  });
  const disk = { path: `${site.dir}/web.raw`, format: "raw" };
  await Deno.copyFile(`${GUEST}/boot.raw`, disk.path);
  const spec = { memoryMiB: 32, disks: [disk] };
  await site.run({ verb: "start", names: ["web"], spec });
  const seen: Broken[] = [];
  for (const its of BREAKS) seen.push(await breakLink(site, its));
  console.log(JSON.stringify(seen));
}
