/**
 * Starting a domain: look, write the handle, define, start; and take all of it
 * back when libvirt refuses.
 *
 * The handle is durable before libvirt hears of the domain, and the definition
 * bears usher's mark, so a crash at any point leaves either a handle without a
 * domain or a domain that is known again. libvirt itself has one domain of a
 * UUID at most.
 *
 * A start whose answer did not come is left alone: the next look tells.
 *
 * @module
 */
import { isUsherError, messageOf, UsherError } from "../../error/mod.ts";
import { removeIfThere, writeDurably } from "../../sys/file.ts";
import { isBlockDevice } from "../../sys/file_access.ts";
import { sleep } from "../../sys/sleep.ts";
import { absent } from "../absent.ts";
import type { DomainPlan, DomainReport } from "../driver.ts";
import { ImageTool } from "../image_tool.ts";
import { saveHandle } from "../kept_handles.ts";
import { makeOverlays, withoutBases } from "../overlays.ts";
import { checkSpec } from "../spec_check.ts";
import { CUT_SHORT, cutShort } from "../start_failures.ts";
import { redefined } from "./adoption.ts";
import type { Book } from "./book.ts";
import { diskHolder } from "./disk_users.ts";
import { Domain } from "./domain.ts";
import { domainXml } from "./domain_xml.ts";
import type { LibvirtEnvironment } from "./environment.ts";
import { removeFiles, removeFromLibvirt } from "./forget.ts";
import { type Handle, markOf, newHandle } from "./handle.ts";
import { refuseForwards } from "./nic_check.ts";
import { openWay } from "./overlay_way.ts";
import { startError } from "./start_error.ts";
import type { Refusal } from "./virsh.ts";

/** What a start works on. */
interface Start {
  readonly env: LibvirtEnvironment;
  readonly book: Book;
  readonly domain: Domain;
  readonly plan: DomainPlan;
  /** The handle before; null when there was nothing of it. */
  readonly before: Handle | null;
  /** Overlays that it has made. */
  readonly made: string[];
  /** A power cut came in between. */
  readonly cancel: AbortSignal;
}

/** Starts a domain that the book's newest look has not seen up. */
export async function launch(
  env: LibvirtEnvironment,
  book: Book,
  plan: DomainPlan,
  cancel: AbortSignal,
): Promise<DomainReport> {
  const known = book.domains.get(plan.uid);
  const domain = known ?? new Domain(env, newHandle(plan, env.bootId));
  refuseClash(book, domain, plan.name);
  const before = known?.handle ?? null;
  const start: Start = { env, book, domain, plan, before, made: [], cancel };
  if (known === undefined) book.add(domain);
  domain.begin(nextHandle(env, before, plan));
  domain.phase = "starting";
  try {
    await prepare(start);
    await run(start);
  } catch (error) {
    throw await fail(start, error);
  }
  book.touch(domain);
  domain.set("running");
  domain.phase = "idle";
  return domain.report();
}

/** libvirt knows each name once, and who has it keeps it. */
function refuseClash(book: Book, { uuid, sighting }: Domain, name: string) {
  if (sighting !== null) return; // it has a name already
  const holder = book.foreign(uuid) === undefined
    ? book.holderOfName(name, uuid)
    : uuid;
  if (holder === null) return;
  throw new UsherError(
    "already_exists",
    `Cannot start VM "${name}": libvirt has a domain "${name}" already, with UUID ${holder}`,
    { hint: "Rename that one with virsh domrename, or have it adopted." },
  );
}

/** All that comes before libvirt is asked to run it. */
async function prepare(start: Start): Promise<void> {
  const { env, domain, plan, made, cancel } = start;
  const { config, layout, node, virsh } = env;
  // What an adopted domain has, its owner has given it.
  if (domain.handle.adopted === undefined) {
    const spec = await withoutBases(plan, layout);
    checkSpec({ ...plan, spec, node }, config, "daemon");
    refuseForwards(plan);
  }
  const accel = await env.accel();
  const imageTool = new ImageTool("qemu-img", env.closing);
  made.push(...await makeOverlays(plan, { imageTool, layout }));
  if (plan.spec.disks.some(({ base }) => base !== undefined)) {
    await openWay(layout);
  }
  await domain.settled();
  await saveHandle(layout, domain.handle);
  cancel.throwIfAborted();
  if (domain.isLive) {
    // A guest that panicked is preserved: the new run takes its place.
    await virsh.act(["destroy", domain.uuid]);
  }
  await define(start, await definitionOf(start, accel));
}

/** The handle of the run that begins; whose domain it was before stays known. */
function nextHandle(
  { bootId }: LibvirtEnvironment,
  before: Handle | null,
  plan: DomainPlan,
): Handle {
  const { uuid, adopted } = before ?? {};
  return {
    ...newHandle(plan, bootId),
    ...(uuid === undefined ? {} : { uuid }),
    ...(adopted === undefined ? {} : { adopted }),
  };
}

async function definitionOf(
  { env, domain, plan }: Start,
  accel: "kvm" | "tcg",
): Promise<string> {
  const { layout, config } = env;
  const { adopted } = domain.handle;
  if (adopted !== undefined) {
    // What its owner may have changed in it since.
    const dump = ["dumpxml", "--inactive", "--security-info", domain.uuid];
    const now = domain.sighting === null ? null : await env.virsh.ask(dump);
    return redefined(now ?? adopted.definition, plan);
  }
  return domainXml({
    mark: markOf(domain.handle, layout),
    // One that was renamed by hand keeps that name.
    name: domain.sighting?.name ?? plan.name,
    spec: plan.spec,
    accel,
    machine: config.machine,
    files: domain.files,
    overlay: (index) => layout.overlay(plan.uid, index),
    isDevice: isBlockDevice,
  });
}

async function define(
  { env, domain, plan }: Start,
  xml: string,
): Promise<void> {
  const { definition } = domain.files;
  try {
    await writeDurably(definition, xml);
    const refusal = await env.virsh.act(["define", definition]);
    if (refusal !== null) throw startError(plan.name, refusal, () => null);
  } finally {
    await removeIfThere(definition);
  }
}

async function run(start: Start): Promise<void> {
  const { env, book, domain, plan, before, cancel } = start;
  cancel.throwIfAborted();
  const command = ["start", domain.uuid];
  // What somebody has saved of another generation is another machine's memory.
  const isSaved = domain.sighting?.isSaved === true;
  if (isSaved && before?.generation !== plan.generation) {
    command.push("--force-boot");
  }
  const refusal = await untilCut(env.virsh.act(command), start);
  cancel.throwIfAborted();
  if (refusal === null || /already (active|running)/.test(refusal)) return;
  const heldCopy = plan.isHeldElsewhere === true ? "its copy" : null;
  throw startError(
    plan.name,
    refusal,
    (disk) => diskHolder(book, disk, plan.uid) ?? heldCopy,
  );
}

/** Waits for the start; once a power cut has come, makes sure that it comes to an end. */
async function untilCut(
  starting: Promise<Refusal>,
  { env, domain, cancel }: Start,
): Promise<Refusal> {
  const over = new AbortController();
  const cut = async () => {
    while (!over.signal.aborted) {
      await env.virsh.act(["destroy", domain.uuid]).catch(() => {});
      await sleep(CUT_EVERY_MS, over.signal).catch(() => {});
    }
  };
  const onCancel = () => void cut();
  if (cancel.aborted) onCancel();
  cancel.addEventListener("abort", onCancel, { once: true });
  try {
    return await starting;
  } finally {
    cancel.removeEventListener("abort", onCancel);
    over.abort();
  }
}

const CUT_EVERY_MS = 500;

/** Makes good what can be, and answers what is to be told. */
async function fail(start: Start, error: unknown): Promise<unknown> {
  const { env, book, domain, plan, cancel } = start;
  const { name } = plan;
  book.touch(domain);
  if (cancel.aborted) {
    domain.isCut = true;
    domain.keepEnding(CUT_SHORT);
    domain.phase = "idle";
    return cutShort(name);
  }
  // Whether it came up is for the next look to tell.
  if (isUsherError(error, "interrupted")) {
    domain.isStartCut = true;
    domain.phase = "idle";
    return error;
  }
  try {
    await takeBack(start);
  } catch (trouble) {
    env.log("error", "cannot take a start back", { uid: plan.uid, trouble });
    domain.keepEnding({ state: "stopped", reason: "its start failed" });
    domain.phase = "idle";
  }
  return isUsherError(error) ? error : new UsherError(
    "driver_failed",
    `Cannot start VM "${name}": ${messageOf(error)}`,
    { cause: error },
  );
}

async function takeBack({ env, book, domain, before, made }: Start) {
  const { uid, name } = domain.handle;
  for (const overlay of made) await removeIfThere(overlay);
  if (before === null) {
    await removeFromLibvirt(env, domain);
    await removeFiles(env.layout, uid);
    book.remove(domain);
    return env.publish({ ...absent(uid), name });
  }
  domain.begin(before);
  await saveHandle(env.layout, before);
  domain.phase = "idle";
}
