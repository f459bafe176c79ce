/**
 * Datagrams to a unix socket, sent at once and without a socket file of our
 * own.
 *
 * Deno sends them only from a path that is bound, and later. What is told here
 * is told to the service manager and to the journal, also as the last act of a
 * process, and their answer is never waited for; so it goes through libc.
 *
 * @module
 */

/** Values of <sys/socket.h> on Linux. */
const AF_UNIX = 1;
const SOCK_DGRAM = 2;
const SOCK_CLOEXEC = 0o2000000;
const MSG_DONTWAIT = 0x40;
const MSG_NOSIGNAL = 0x4000;
/** What `struct sockaddr_un` has room for. */
const MAX_PATH = 108;

const LIBRARY = {
  socket: { parameters: ["i32", "i32", "i32"], result: "i32" },
  sendto: {
    parameters: ["i32", "buffer", "usize", "i32", "buffer", "u32"],
    result: "isize",
  },
  close: { parameters: ["i32"], result: "i32" },
} as const;

/** Somebody to send to. */
export interface Datagrams extends Disposable {
  /** Whether the receiver has taken it; it is not there, or busy, otherwise. */
  send(bytes: Uint8Array<ArrayBuffer>): boolean;
}

/**
 * Opens the way to the socket at `path`; a name that begins with `@` is an
 * abstract one (unix(7)). Null where it cannot be done. The receiver need not
 * be there yet, and may come back: each datagram finds it anew.
 */
export function openDatagrams(path: string): Datagrams | null {
  const address = addressOf(path);
  if (address === null) return null;
  try {
    const libc = Deno.dlopen("libc.so.6", LIBRARY);
    const { socket, sendto, close } = libc.symbols;
    const descriptor = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    if (descriptor < 0) {
      libc.close();
      return null;
    }
    const flags = MSG_DONTWAIT | MSG_NOSIGNAL;
    return {
      send(bytes) {
        const size = BigInt(bytes.length);
        const { length } = address;
        const sent = sendto(descriptor, bytes, size, flags, address, length);
        return BigInt(sent) === size;
      },
      [Symbol.dispose]() {
        close(descriptor);
        libc.close();
      },
    };
  } catch {
    return null; // a C library of another name
  }
}

/** `struct sockaddr_un`; null for a path that has no room in it. */
function addressOf(path: string): Uint8Array<ArrayBuffer> | null {
  const isAbstract = path.startsWith("@");
  const name = new TextEncoder().encode(
    isAbstract ? `\0${path.slice(1)}` : path,
  );
  // A path ends with a zero, an abstract name with the address.
  const address = new Uint8Array(2 + name.length + (isAbstract ? 0 : 1));
  if (address.length > 2 + MAX_PATH || name.length < 2) return null;
  new DataView(address.buffer).setUint16(0, AF_UNIX, true);
  address.set(name, 2);
  return address;
}
