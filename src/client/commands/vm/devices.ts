/**
 * `--disk`, `--nic`, `--sim` and `--xen`: one word each, with parts inside.
 *
 * Parts are separated by commas; a comma that belongs to a value is written
 * twice, as QEMU does.
 *
 * @module
 */
import type { z } from "zod";
import { didYouMean } from "../../../schema/nearest.ts";
import { parseDurationMs } from "../../../schema/quantity_text.ts";
import type { DiskSpec, NicSpec, PortForward } from "../../../schema/vm.ts";
import { readSizeMiB } from "../../quantity.ts";
import { UsageError } from "../../usage.ts";

/** A disk as a request takes it. */
export type DiskInput = z.input<typeof DiskSpec>;
/** A nic as a request takes it. */
export type NicInput = z.input<typeof NicSpec>;

type Part = readonly [key: string, value: string | undefined];

function splitParts(word: string): Part[] {
  const parts = word.replaceAll(",,", "\0").split(",");
  return parts.map((part) => {
    const whole = part.replaceAll("\0", ",");
    const at = whole.indexOf("=");
    return at < 0
      ? [whole, undefined]
      : [whole.slice(0, at), whole.slice(at + 1)];
  });
}

function unknownPart(
  of: string,
  key: string,
  known: readonly string[],
): UsageError {
  return new UsageError(
    `"${key}" is no part of a ${of}`,
    `${didYouMean(key, known)} known: ${known.join(", ")}`.trim(),
  );
}

function needValue(key: string, value: string | undefined): string {
  if (value !== undefined && value !== "") return value;
  throw new UsageError(`"${key}" needs a value: ${key}=…`);
}

const DISK_PARTS = ["path", "base", "format", "size", "readonly", "shared"];

/** Reads `/path` or `path=…|base=…[,format=…][,size=…][,readonly][,shared]`. */
export function readDisk(word: string): DiskInput {
  const disk: DiskInput = {};
  for (const [key, value] of splitParts(word)) {
    switch (key) {
      case "path":
      case "base":
        disk[key] = absolute(needValue(key, value));
        break;
      case "format":
        disk.format = readFormat(needValue(key, value));
        break;
      case "size":
        disk.sizeMiB = readSizeMiB(needValue(key, value));
        break;
      case "readonly":
      case "shared":
        disk[key] = value === undefined || value === "true";
        break;
      default:
        if (!key.startsWith("/") || value !== undefined) {
          throw unknownPart("disk", key, DISK_PARTS);
        }
        disk.path = key;
    }
  }
  if ((disk.path === undefined) === (disk.base === undefined)) {
    throw new UsageError(
      `"${word}" is no disk: it needs exactly one of path and base`,
      "write /path/to/image, or base=/path/to/image for an overlay on it",
    );
  }
  return disk;
}

function absolute(path: string): string {
  if (path.startsWith("/")) return path;
  throw new UsageError(
    `"${path}" is no path on a node: it must be absolute`,
    "write /srv/images/debian.qcow2, as the node sees it",
  );
}

function readFormat(value: string): "raw" | "qcow2" {
  if (value === "raw" || value === "qcow2") return value;
  throw new UsageError(`Format "${value}" is not known: it is raw or qcow2`);
}

const NIC_PARTS = ["user", "bridge", "tap", "forward", "mac"];

/** Reads `user[,forward=…]`, `bridge=NAME` or `tap=NAME`, each `[,mac=…]`. */
export function readNic(word: string): NicInput {
  let nic: NicInput | undefined;
  let mac: string | undefined;
  const forwards: z.input<typeof PortForward>[] = [];
  for (const [key, value] of splitParts(word)) {
    switch (key) {
      case "user":
        nic = { kind: "user" };
        break;
      case "bridge":
        nic = { kind: "bridge", bridge: needValue(key, value) };
        break;
      case "tap":
        nic = { kind: "tap", tap: needValue(key, value) };
        break;
      case "forward":
        forwards.push(readForward(needValue(key, value)));
        break;
      case "mac":
        mac = needValue(key, value).toLowerCase();
        break;
      default:
        throw unknownPart("nic", key, NIC_PARTS);
    }
  }
  return joinNic(word, nic, mac, forwards);
}

function joinNic(
  word: string,
  nic: NicInput | undefined,
  mac: string | undefined,
  forwards: z.input<typeof PortForward>[],
): NicInput {
  if (nic === undefined) {
    throw new UsageError(
      `"${word}" is no nic: it needs user, bridge=NAME or tap=NAME`,
    );
  }
  const withMac = mac === undefined ? nic : { ...nic, mac };
  if (forwards.length === 0) return withMac;
  if (withMac.kind === "user") return { ...withMac, forwards };
  throw new UsageError(
    `"${word}" is no nic: ports are forwarded in user mode only`,
  );
}

const FORWARD =
  /^(?:(tcp|udp):)?(?:(\d{1,3}(?:\.\d{1,3}){3}):)?(\d{1,5}):(\d{1,5})$/;

function readForward(text: string): z.input<typeof PortForward> {
  const [, protocol, address, node, guest] = FORWARD.exec(text) ?? [];
  if (!isPort(node) || !isPort(guest)) {
    throw new UsageError(
      `"${text}" is no port forward`,
      "write [tcp|udp:][ADDRESS:]NODEPORT:GUESTPORT, such as tcp:127.0.0.1:2222:22",
    );
  }
  return {
    nodePort: Number(node),
    guestPort: Number(guest),
    ...(protocol === "udp" || protocol === "tcp" ? { protocol } : {}),
    ...(address === undefined ? {} : { address }),
  };
}

function isPort(text: string | undefined): boolean {
  return text !== undefined && Number(text) >= 1 && Number(text) <= 65535;
}

/** What a simulated VM can be told; schema/vm.ts has the schema of it. */
export const SIM_PARTS: readonly string[] = [
  "bootMs",
  "shutdownMs",
  "ignoreShutdown",
  "startError",
  "startHangs",
  "cpuLoad",
  "crashAfterMs",
  "sendMs",
  "sendError",
  "sendHangs",
  "replyLost",
];

/** Reads one `key=value` of the simulated driver. */
export function readSim(word: string): readonly [string, unknown] {
  const at = word.indexOf("=");
  const key = at < 0 ? word : word.slice(0, at);
  if (!SIM_PARTS.includes(key)) {
    throw unknownPart("simulated VM", key, SIM_PARTS);
  }
  if (at < 0) return [key, true];
  const value = word.slice(at + 1);
  if (key.endsWith("Ms")) return [key, readMs(value)];
  if (key === "cpuLoad") return [key, readShare(value)];
  return [key, value === "true" ? true : value === "false" ? false : value];
}

function readShare(value: string): number {
  const share = value.trim() === "" ? NaN : Number(value);
  if (share >= 0 && share <= 1) return share;
  throw new UsageError(
    `"${value}" is no share of a processor: write 0 to 1, such as 0.5`,
  );
}

function readMs(value: string): number {
  const ms = /^\d+$/.test(value) ? Number(value) : parseDurationMs(value);
  if (ms !== null) return ms;
  throw new UsageError(`"${value}" is no duration: write 250 (ms) or 2s`);
}

/** What a VM of the xen driver can be told; schema/vm.ts has the schema of it. */
export const XEN_PARTS: readonly string[] = [
  "type",
  "onCrash",
  "bootloader",
  "firmware",
  "cpus",
  "cpuWeight",
  "cpuCap",
];

/** Reads one `key=value` of the xen driver; the controller checks the value. */
export function readXen(word: string): readonly [string, unknown] {
  const [, key = word, value] = /^([^=]*)=(.*)$/s.exec(word) ?? [];
  if (!XEN_PARTS.includes(key)) throw unknownPart("Xen VM", key, XEN_PARTS);
  const given = needValue(key, value);
  if (!["cpuWeight", "cpuCap"].includes(key)) return [key, given];
  if (/^\d{1,9}$/.test(given)) return [key, Number(given)];
  throw new UsageError(`"${given}" is no ${key}: write a whole number`);
}
