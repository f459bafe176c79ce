/**
 * What plugins cost the controller besides their calls: an ask, an event that
 * is recorded, and a look at what all VMs of a large site use.
 *
 * @module
 */
import { UsageFrames } from "../../src/ctrl/history/usage_frames.ts";
import { Recording } from "../../src/ctrl/recording/recording.ts";
import { vmView } from "../../src/ctrl/views.ts";
import { systemClock } from "../../src/sys/clock.ts";
import { newId } from "../../src/sys/id.ts";
import { silentLog } from "../../src/sys/log.ts";
import { askedBy, AskSite, plugin } from "../../tests/support/ask_site.ts";
import { beside, median, type Row, timed } from "./row.ts";

const ASKS = 2000;
const EVENTS = 2000;
const VMS = 100_000;
const ROUNDS = 15;

/** Each beside the same work done barely. */
export async function* benchAsks(): AsyncGenerator<Row> {
  yield* asks();
  yield await recording();
  yield usage();
}

/** Microseconds of one of `count`, the median of all rounds. */
async function each(
  count: number,
  work: () => Promise<unknown>,
): Promise<number> {
  return median(await timed(ROUNDS, work)) / count * 1000;
}

async function* asks(): AsyncGenerator<Row> {
  await using at = await AskSite.open();
  await at.start("web.lab.ann");
  const { records, links, runner } = at.small;
  at.use(plugin("p", {
    asks: ["vms", "state"],
    grants: { ctx: ["vms", "state"], vms: ["*.lab.*"] },
    rate: 1_000_000_000,
  }));
  const by = askedBy("p");
  const name = "web.lab.ann";
  const asked = await each(ASKS, async () => {
    for (let i = 0; i < ASKS; i++) await at.ask("vms.get", { name }, by);
  });
  const bare = await each(ASKS, async () => {
    for (let i = 0; i < ASKS; i++) {
      const vm = records.vms.get(records.names.uidOf(name) ?? "");
      if (vm !== undefined) {
        await Promise.resolve(vmView(vm, { links, runner, records }));
      }
    }
  });
  yield beside(
    { name: "vms.get, checked and granted", value: asked, unit: "µs" },
    "the view itself",
    bare,
  );
}

async function recording(): Promise<Row> {
  const folder = await Deno.makeTempDir({ prefix: "usher_bench_" });
  try {
    const context = { clock: systemClock, newId, log: silentLog };
    // So large that nothing is dropped.
    const bytes = 1e12;
    await using recording = new Recording(context, {
      folder,
      keepMs: 1e9,
      bytes,
    });
    const event = requestEvent();
    const recorded = await each(EVENTS, () => {
      for (let i = 0; i < EVENTS; i++) recording.record(event);
      return recording.flush();
    });
    const bare = await each(EVENTS, () => {
      const lines = Array.from({ length: EVENTS }, () => JSON.stringify(event));
      return Deno.writeTextFile(`${folder}/bare`, `${lines.join("\n")}\n`, {
        append: true,
      });
    });
    return beside(
      {
        name: "an event recorded and written",
        value: recorded,
        unit: "µs",
        note: `${recording.dropped} dropped`,
      },
      "its JSON written to a file",
      bare,
    );
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

/** A request to start one VM, as handlers get it. */
function requestEvent() {
  const uid = newId();
  return {
    at: new Date().toISOString(),
    event: "start_request",
    decision: `${uid}/start_request`,
    operation: null,
    depth: 0,
    args: [{
      id: uid,
      verb: "start",
      user: "ann",
      role: "user",
      groups: [],
      plugin: null,
      names: ["web"],
      args: {},
      queue: true,
      spec: { driver: "sim", vcpus: 1, memoryMiB: 64 },
      vms: [{ name: "web.lab.ann", uid: null, node: null }],
    }],
    answers: [],
  };
}

function usage(): Row {
  const uids = Array.from({ length: VMS }, () => newId());
  const sample = { cpu: 1, memoryMiB: 64 };
  const frames = new UsageFrames();
  const looked: number[] = [];
  const bare: number[] = [];
  const places = new Map(uids.map((uid, i) => [uid, i]));
  const cpu = new Float32Array(VMS);
  for (let minute = 0; minute < 150; minute++) {
    const began = performance.now();
    const frame = frames.begin(minute * 60_000);
    for (const uid of uids) frame.put(uid, sample);
    frames.add(frame);
    looked.push(performance.now() - began);
    const then = performance.now();
    for (const uid of uids) cpu[places.get(uid) ?? 0] = sample.cpu;
    bare.push(performance.now() - then);
  }
  return beside(
    {
      name: `a look at what ${VMS} VMs use, in pieces of 2000`,
      value: median(looked),
      unit: "ms",
      note: `${(frames.bytes / 2 ** 20).toFixed(0)} MiB kept; once a minute`,
    },
    "each looked up in a map",
    median(bare),
  );
}
