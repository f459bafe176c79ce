/**
 * A program that cuts the link between two nodes in the middle of a move: run
 * by `in_namespace.sh`, in a network of its own, so that a filter may drop
 * what goes over the ports of migrations, and only that.
 *
 * Both ends keep a connection that is dead, and the controller hears both.
 *
 * @module
 */
import { compiledUsher } from "./compiled.ts";
import { qemuNode } from "./node_plan.ts";
import { ProcessSite } from "./process_site.ts";
import { GUEST } from "./qemu_node.ts";
import { until } from "./wait.ts";

const PORTS = "49152-49215";
/** Slow enough that it is cut in the middle. */
const BANDWIDTH = 400_000;
const PATIENCE = { deadlineMs: 300_000 };

/** What was seen of a move whose link was cut. */
export interface CutMove {
  /** What was on its way when the link was cut. */
  readonly phase: string;
  /** How the operation ended. */
  readonly end: string;
  /** The VM afterwards. */
  readonly node: string;
  readonly state: string;
  readonly isSameRun: boolean;
  /** Guests of n1 and n2. */
  readonly guests: readonly [number, number];
  /** What is left of it on n2. */
  readonly leftovers: readonly string[];
  /** How another move ended, once the link was mended. */
  readonly again: string;
}

async function run(line: string): Promise<void> {
  const [program = "", ...args] = line.split(" ");
  const { success, stderr } = await new Deno.Command(program, { args })
    .output();
  if (!success) throw new Error(`${line}: ${new TextDecoder().decode(stderr)}`);
}

async function cut(): Promise<void> {
  await run("nft add table inet cut");
  await run(
    "nft add chain inet cut input { type filter hook input priority 0 ; }",
  );
  for (const side of ["sport", "dport"]) {
    await run(`nft add rule inet cut input tcp ${side} ${PORTS} drop`);
  }
}

function filesOf(site: ProcessSite, node: string, uid: string): string[] {
  return ["handles", "overlays"].flatMap((folder) =>
    [...Deno.readDirSync(`${site.dir}/${node}/qemu/${folder}`)]
      .filter(({ name }) => name.startsWith(uid)).map(({ name }) => name)
  );
}

async function cutMove(site: ProcessSite): Promise<CutMove> {
  const before = await site.vm("web");
  const asked = await site.submit({
    verb: "migrate",
    names: ["web"],
    to: "n2",
    bandwidth: BANDWIDTH,
  });
  const phase = await until("something is on its way", async () => {
    const [operation] = await site.open();
    const { phase = "", doneBytes = 0 } = operation?.progress ?? {};
    return doneBytes > 0 && phase;
  }, { ...PATIENCE, everyMs: 5 });
  await cut();
  const { outcomes } = await site.ends(asked.request);
  await site.untilQuiet();
  await until(
    "nothing is left on the other side",
    () =>
      site.guests("n2").length === 0 &&
      filesOf(site, "n2", before.uid).length === 0,
    PATIENCE,
  ).catch(() => {}); // what is left is told
  const guests = [site.guests("n1").length, site.guests("n2").length] as const;
  const leftovers = filesOf(site, "n2", before.uid);
  const after = await site.vm("web");
  await run("nft delete table inet cut");
  const again = await site.run({ verb: "migrate", names: ["web"], to: "n2" });
  return {
    phase: String(phase),
    end: outcomes[0]?.problem?.code ?? outcomes[0]?.state ?? "",
    node: after.node ?? "",
    state: after.status.state,
    isSameRun: after.status.incarnation === before.status.incarnation,
    guests,
    leftovers,
    again: again.outcomes[0]?.problem?.code ?? again.outcomes[0]?.state ?? "",
  };
}

if (import.meta.main) {
  await using site = await ProcessSite.start({
    nodes: [qemuNode("n1"), qemuNode("n2")],
    usher: await compiledUsher(),
  });
  const disk = { base: `${GUEST}/boot.raw`, format: "raw" };
  await site.run({
    verb: "start",
    names: ["web"],
    spec: { memoryMiB: 32, disks: [disk] },
    on: "n1",
  });
  console.log(JSON.stringify(await cutMove(site)));
}
