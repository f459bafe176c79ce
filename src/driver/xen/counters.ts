/**
 * What running domains have used: processor time and memory as Xen counts
 * them, disks and network cards as the kernel of dom0 counts what its
 * back ends carry (xen-blkback and xen-netback in sysfs).
 *
 * @module
 */
import { listFolder, readTextOrNull } from "../../sys/file.ts";
import type { DomainCounters } from "../driver.ts";
import type { Row } from "./listing.ts";

const BACKENDS = "/sys/bus/xen-backend/devices";
const INTERFACES = "/sys/class/net";
const SECTOR_BYTES = 512;

/** The counters of each of these domains, by domid. */
export async function readCounters(
  rows: readonly Row[],
): Promise<ReadonlyMap<number, DomainCounters>> {
  const [backends, interfaces] = await Promise.all([
    listFolder(BACKENDS),
    listFolder(INTERFACES),
  ]);
  return new Map(
    await Promise.all(rows.map(async (row) =>
      [row.domid, {
        cpuSeconds: row.cpuSeconds,
        memoryMiB: row.memoryMiB,
        ...await readDisks(row.domid, backends),
        ...await readNics(row.domid, interfaces),
      }] as const
    )),
  );
}

async function readDisks(
  domid: number,
  backends: readonly string[],
): Promise<Pick<DomainCounters, "diskReadBytes" | "diskWriteBytes">> {
  const folders = backends.filter((name) => name.startsWith(`vbd-${domid}-`))
    .map((name) => `${BACKENDS}/${name}/statistics`);
  const sectors = async (name: string) =>
    await sum(folders.map((folder) => `${folder}/${name}`));
  const [read, write] = await Promise.all([
    sectors("rd_sect"),
    sectors("wr_sect"),
  ]);
  return {
    diskReadBytes: read === null ? null : read * SECTOR_BYTES,
    diskWriteBytes: write === null ? null : write * SECTOR_BYTES,
  };
}

async function readNics(
  domid: number,
  interfaces: readonly string[],
): Promise<Pick<DomainCounters, "netRxBytes" | "netTxBytes">> {
  const folders = interfaces.filter((name) => name.startsWith(`vif${domid}.`))
    .map((name) => `${INTERFACES}/${name}/statistics`);
  // What dom0 sends into the interface is what the guest receives.
  const [rx, tx] = await Promise.all([
    sum(folders.map((folder) => `${folder}/tx_bytes`)),
    sum(folders.map((folder) => `${folder}/rx_bytes`)),
  ]);
  return { netRxBytes: rx, netTxBytes: tx };
}

/** Null when nothing counts. */
async function sum(paths: readonly string[]): Promise<number | null> {
  const texts = await Promise.all(paths.map(readTextOrNull));
  const numbers = texts.flatMap((text) => text === null ? [] : [Number(text)]);
  return numbers.length === 0
    ? null
    : numbers.reduce((total, one) => total + one, 0);
}
