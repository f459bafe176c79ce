/**
 * What `xl list -v` prints, line by line. Pure.
 *
 * It is the one answer of xl that has everything: state, uuid and shutdown
 * reason together, and domains too whose creation is still under way, which
 * the JSON of `xl list -l` leaves out. A name may hold anything, so a line is
 * read from its right end; what does not end like a domain is a warning or the
 * heading, and no domain.
 *
 * @module
 */

/** One domain as Xen has it. */
export interface Row {
  /** Changes when the guest reboots; a uuid stays. */
  readonly domid: number;
  readonly uuid: string;
  readonly name: string;
  readonly memoryMiB: number;
  /** None once it has shut down. */
  readonly vcpus: number;
  readonly cpuSeconds: number;
  readonly paused: boolean;
  /** It has shut down and is there to be looked at; `reason` tells why. */
  readonly shutdown: boolean;
  readonly crashed: boolean;
  /** It was destroyed, and goes as soon as nobody holds its memory. */
  readonly dying: boolean;
  /** Why it shut down; null while it has not. */
  readonly reason: number | null;
}

/** Xen's reasons for a shutdown (sched.h). */
export const REASON = {
  poweroff: 0,
  reboot: 1,
  suspend: 2,
  crash: 3,
  watchdog: 4,
  softReset: 5,
} as const;

// Name, ID, Mem, VCPUs, State, Time(s), UUID, Reason-Code, and what newer versions add.
const LINE =
  /^(.*?) +(\d+) +(\d+) +(\d+) +([-rbpscd]{6}) +(\d+(?:\.\d+)?) +([0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}) +(-|\d+)(?: .*)?$/;

const DOM0_UUID = "00000000-0000-0000-0000-000000000000";

/** Every domain but dom0. */
export function parseListing(text: string): Row[] {
  return rowsOf(text).filter((row) => !isDom0(row));
}

/** Every domain, dom0 among them. */
export function rowsOf(text: string): Row[] {
  return text.split("\n").flatMap((line) => parseLine(line) ?? []);
}

/** Whether it is the domain in which the toolstack runs. */
export function isDom0({ domid, uuid }: Row): boolean {
  return domid === 0 || uuid === DOM0_UUID;
}

function parseLine(line: string): Row | null {
  const found = LINE.exec(line);
  if (found === null) return null;
  const [, name = "", domid, memory, vcpus, flags = "", time, uuid = "", why] =
    found;
  return {
    domid: Number(domid),
    uuid,
    name,
    memoryMiB: Number(memory),
    vcpus: Number(vcpus),
    cpuSeconds: Number(time),
    paused: flags.includes("p"),
    shutdown: flags.includes("s") || flags.includes("c"),
    crashed: flags.includes("c"),
    dying: flags.includes("d"),
    reason: why === undefined || why === "-" ? null : Number(why),
  };
}

/** Whether text is such a listing at all, with domains or none. */
export function isListing(text: string): boolean {
  return /^Name +ID +Mem +VCPUs\s+State\s+Time\(s\) +UUID/m.test(text);
}
