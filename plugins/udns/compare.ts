/**
 * One part of the comparison: the names of some hundred VMs, told to the server in few
 * messages, and written down before and after in few commits.
 *
 * @module
 */
import type { PluginContext, VmView } from "@usher/plugin";
import { type Entry, pageOf, writeEntries } from "./book.ts";
import { makeAll } from "./bulk.ts";
import { areSame, type Due, dueFor } from "./claims.ts";
import { NotAllowed } from "./name_server.ts";
import type { Names } from "./names.ts";
import {
  type Change,
  type Claim,
  type Found,
  look,
  NOTHING,
  type Place,
  toCheck,
  toClaim,
  toRelease,
} from "./ownership.ts";
import type { Survey } from "./survey.ts";
import { inTurns } from "./turns.ts";

/** What became of names. */
export interface Outcome {
  /** Names that the server was told of. */
  told: number;
  /** Names that are somebody else's. */
  readonly foreign: string[];
  /** Names that the server does not let be changed. */
  readonly refused: string[];
}

interface Work {
  readonly names: Names;
  readonly ctx: PluginContext<unknown>;
  readonly survey: Survey;
}

/** One VM, and what is to be done for it. */
interface Task extends Due {
  readonly uid: string;
  readonly name: string;
  readonly addresses: readonly string[];
  readonly entry: Entry | null;
}

/** A change of a name of a task. */
type Told =
  & Change
  & { readonly task: Task }
  & ({ readonly claim: Claim } | { readonly place: Place });

/** Makes the server have what these VMs should have. Throws while it cannot be told. */
export async function comparePart(
  uids: readonly string[],
  entries: ReadonlyMap<string, Entry>,
  work: Work,
): Promise<Outcome> {
  const outcome: Outcome = { told: 0, foreign: [], refused: [] };
  await inTurns(uids, async () => {
    const tasks = uids.filter((uid) => !work.survey.isTouched(uid))
      .map((uid) => taskOf(uid, entries.get(uid) ?? null, work))
      .filter((it) => it !== null);
    const changes = await changesOf(tasks, outcome, work);
    const changed = new Set(changes.map(({ task }) => task));
    await note(
      tasks.filter((it) => changed.has(it) && !isNoted(it)),
      ({ name, all }) => ({ vm: name, addresses: all, done: false }),
      work,
    );
    await tell(changes, outcome, work);
    await note(
      tasks.filter((it) => changed.has(it) || !isSettled(it)),
      ({ name, addresses }) =>
        addresses.length === 0 ? null : { vm: name, addresses, done: true },
      work,
    );
  });
  return outcome;
}

/** What there is to do for a VM; null for nothing, now or ever. */
function taskOf(
  uid: string,
  entry: Entry | null,
  { names, ctx, survey }: Work,
): Task | null {
  const vm = vmOf(uid, survey);
  const name = vm?.name ?? entry?.vm ?? "";
  const addresses = vm === null ? [] : names.addressesOf(vm, ctx);
  if (entry === null && addresses.length === 0) return null;
  const due = dueFor(name, addresses, entry, names.options);
  return { uid, name, addresses, entry, ...due };
}

function vmOf(uid: string, { byPage }: Survey): VmView | null {
  return byPage.get(pageOf(uid))?.find((it) => it.uid === uid) ?? null;
}

/** Whether it is written down that the server may have all that it is told now. */
function isNoted({ entry, all }: Task): boolean {
  return entry?.done === false && areSame(entry.addresses, all);
}

/** Whether it is written down that the server was told. */
function isSettled({ entry, addresses }: Task): boolean {
  return entry?.done === true && areSame(entry.addresses, addresses);
}

/** What the server is to be told, of what it does not have; what is somebody else's stays. */
async function changesOf(
  tasks: readonly Task[],
  outcome: Outcome,
  work: Work,
): Promise<Told[]> {
  const { owner, ttl } = work.names.options;
  const releases = tasks.flatMap((task) =>
    task.releases.map((place): Told => {
      const mark = { owner, uid: task.uid };
      return { ...toRelease(place, mark), task, place };
    })
  );
  const claims: Told[] = [];
  for (const { task, claim, found } of await foundFor(tasks, work)) {
    const mark = { owner, uid: task.uid };
    const change = toClaim(claim, found, { mark, ttl });
    if (change === "foreign") outcome.foreign.push(claim.name);
    else if (change !== "unchanged") claims.push({ ...change, task, claim });
  }
  // A name that one VM gives up may be another's from now on.
  return [...releases, ...claims];
}

interface Wanted {
  readonly task: Task;
  readonly claim: Claim;
}

/**
 * What each name has that may not be as it should. Where the zones were not
 * read it is asked for as seldom as can be: what was told before is checked
 * many at a time, and of a VM that is new the server is thought to know nothing. What
 * is thought wrongly changes nothing, since changes have conditions.
 */
async function foundFor(
  tasks: readonly Task[],
  { names, ctx, survey: { zones } }: Work,
): Promise<(Wanted & { readonly found: Found })[]> {
  const all = tasks.flatMap((task) =>
    task.claims.map((claim): Wanted => ({ task, claim }))
  );
  if (zones !== null) {
    return all.map((it) => ({ ...it, found: zones.at(it.claim.name) }));
  }
  const { server, options: { owner } } = names;
  const isNew = ({ task }: Wanted) => task.entry === null;
  const isTold = ({ task }: Wanted) => isSettled(task);
  const checks = all.filter(isTold).map((it) => ({
    ...toCheck(it.claim, { owner, uid: it.task.uid }),
    ...it,
  }));
  const { left } = await makeAll(server, checks, ctx.signal);
  const asked = [...left, ...all.filter((it) => !isNew(it) && !isTold(it))];
  const looks = asked.map(async ({ task, claim }) => {
    const mark = { owner, uid: task.uid };
    return { task, claim, found: await look(server, claim, mark, ctx.signal) };
  });
  return [
    ...all.filter(isNew).map((it) => ({ ...it, found: NOTHING })),
    ...await Promise.all(looks),
  ];
}

async function note(
  tasks: readonly Task[],
  entryFor: (task: Task) => Entry | null,
  { ctx }: Work,
): Promise<void> {
  if (tasks.length === 0) return;
  const entries = tasks.map((task) => [task.uid, entryFor(task)] as const);
  await writeEntries(new Map(entries), ctx.state);
}

async function tell(
  changes: readonly Told[],
  outcome: Outcome,
  { names, ctx, survey: { zones } }: Work,
): Promise<void> {
  const { done, left } = await makeAll(names.server, changes, ctx.signal);
  outcome.told += done.length;
  for (const change of done) zones?.took(change);
  const alone = left.map((it) => tellAlone(it, outcome, { names, ctx }));
  // Nothing may be on its way when the VMs' turns are over.
  await Promise.allSettled(alone);
  await Promise.all(alone);
}

/** A name that was not as it was seen, or may not be changed. */
async function tellAlone(
  change: Told,
  outcome: Outcome,
  { names, ctx }: Pick<Work, "names" | "ctx">,
): Promise<void> {
  const { uid } = change.task;
  const { signal } = ctx;
  try {
    const became = "place" in change
      ? await names.release(uid, change.place, signal)
      : await names.claim(uid, change.claim, signal);
    if (became === "foreign") outcome.foreign.push(change.name);
    if (became === "ours" || became === true) outcome.told++;
  } catch (error) {
    if (!(error instanceof NotAllowed)) throw error;
    outcome.refused.push(change.name);
  }
}
