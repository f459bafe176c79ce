/**
 * TCP_NODELAY for the sockets that Deno gives no option for.
 *
 * Deno serves TLS and fetches with Nagle's algorithm on: of two small writes
 * in a row the second waits until the first is acknowledged, and the other
 * side's kernel holds a lone acknowledgement back for 40 ms (tcp(7)). So a
 * line that follows another closely, such as a result after its progress, came
 * 40 ms late. The option is set through libc on the sockets that /proc names;
 * what a listener accepts takes it over from the listener. Where that cannot be
 * done, all goes on as before.
 *
 * @module
 */
import { readTextOrNullSync } from "./file.ts";

/** Values of <linux/tcp.h> and of /proc/net/tcp's column `st`. */
const IPPROTO_TCP = 6;
const TCP_NODELAY = 1;
const ESTABLISHED = "01";
const LISTEN = "0A";

const LIBRARY = {
  setsockopt: {
    parameters: ["i32", "i32", "i32", "buffer", "u32"],
    result: "i32",
  },
} as const;

/**
 * Connections that this process's listeners on `port` accept from now on send
 * at once. Answers how many listeners there are; zero when it cannot be done.
 */
export function acceptWithoutDelay(port: number): number {
  return setNoDelay((socket) =>
    socket.state === LISTEN && socket.localPort === port
  );
}

/**
 * This process's open connections to `port`, on whatever host, send at once.
 * Answers how many there are; zero when it cannot be done.
 */
export function sendWithoutDelay(port: number): number {
  return setNoDelay((socket) =>
    socket.state === ESTABLISHED && socket.remotePort === port
  );
}

/** A line of /proc/net/tcp (proc(5)). */
interface Socket {
  readonly localPort: number;
  readonly remotePort: number;
  readonly state: string;
  readonly inode: string;
}

function setNoDelay(wanted: (socket: Socket) => boolean): number {
  try {
    const inodes = readSockets().filter(wanted).map(({ inode }) => inode);
    return inodes.length === 0 ? 0 : setOn(ownDescriptors(inodes));
  } catch {
    return 0; // no /proc, or a C library of another name
  }
}

/** Sets the option on descriptors of this process; answers on how many. */
function setOn(descriptors: readonly number[]): number {
  const libc = Deno.dlopen("libc.so.6", LIBRARY);
  try {
    const { setsockopt } = libc.symbols;
    const on = new Int32Array([1]);
    return descriptors.filter((descriptor) =>
      setsockopt(descriptor, IPPROTO_TCP, TCP_NODELAY, on, on.byteLength) === 0
    ).length;
  } finally {
    libc.close();
  }
}

function readSockets(): Socket[] {
  return ["/proc/self/net/tcp", "/proc/self/net/tcp6"].flatMap((path) =>
    (readTextOrNullSync(path) ?? "").trim().split("\n").slice(1).map((line) => {
      const [, local = "", remote = "", state = "", , , , , , inode = ""] = line
        .trim().split(/\s+/);
      return {
        localPort: portOf(local),
        remotePort: portOf(remote),
        state,
        inode,
      };
    })
  );
}

/** `0100007F:20F8`, the port in hexadecimal. */
function portOf(address: string): number {
  return parseInt(address.slice(address.lastIndexOf(":") + 1), 16);
}

/** This process's descriptors of the sockets with these inodes. */
function ownDescriptors(inodes: readonly string[]): number[] {
  const links = new Set(inodes.map((inode) => `socket:[${inode}]`));
  const found: number[] = [];
  for (const { name } of Deno.readDirSync("/proc/self/fd")) {
    try {
      if (links.has(Deno.readLinkSync(`/proc/self/fd/${name}`))) {
        found.push(Number(name));
      }
    } catch {
      // Closed in the meantime.
    }
  }
  return found;
}
