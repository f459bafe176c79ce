/**
 * TCP_NODELAY as the kernel sees it, on both ends of a connection.
 *
 * @module
 */
import { strictEqual } from "node:assert/strict";
import { CA_A, CERT_A, KEY_A } from "../../tests/support/certificates.ts";
import { HttpClient } from "./http_client.ts";
import { serveTls } from "./listen.ts";
import { acceptWithoutDelay, sendWithoutDelay } from "./no_delay.ts";

/** The first server loads libc, which stays: no leak. */
const LOADS_LIBC = { sanitizeResources: false };

/** Whether each open connection of this process that `isWanted` has the option on. */
function noDelayOf(isWanted: (local: number, remote: number) => boolean) {
  using libc = opened();
  const port = (address = "") => parseInt(address.split(":")[1] ?? "", 16);
  const inodes = Deno.readTextFileSync("/proc/self/net/tcp").trim().split("\n")
    .slice(1).map((line) => line.trim().split(/\s+/))
    .filter(([, local, remote, state]) =>
      state === "01" && isWanted(port(local), port(remote))
    ).map((fields) => `socket:[${fields[9]}]`);
  return [...Deno.readDirSync("/proc/self/fd")].flatMap(({ name }) => {
    let link = "";
    try {
      link = Deno.readLinkSync(`/proc/self/fd/${name}`);
    } catch {
      return [];
    }
    if (!inodes.includes(link)) return [];
    const value = new Int32Array(1);
    const size = new Uint32Array([4]);
    strictEqual(libc.getsockopt(Number(name), 6, 1, value, size), 0);
    return [value[0] !== 0];
  });
}

function opened() {
  const library = Deno.dlopen("libc.so.6", {
    getsockopt: {
      parameters: ["i32", "i32", "i32", "buffer", "buffer"],
      result: "i32",
    },
  });
  return {
    getsockopt: library.symbols.getsockopt,
    [Symbol.dispose]: () => library.close(),
  };
}

Deno.test(
  "serveTls() accepts connections that send at once, and sendWithoutDelay() opens the other end",
  LOADS_LIBC,
  async () => {
    const server = serveTls({
      hostname: "127.0.0.1",
      port: 0,
      certPem: CERT_A,
      keyPem: KEY_A,
      handler: () => new Response("hello"),
    });
    const { port } = server;
    using client = new HttpClient(CA_A);
    await (await client.fetch(`https://localhost:${port}/`)).text();

    strictEqual(noDelayOf((local) => local === port).join(), "true");
    // Once this fails, Deno does it by itself and no_delay.ts can go.
    strictEqual(noDelayOf((_, remote) => remote === port).join(), "false");
    strictEqual(sendWithoutDelay(port), 1);
    strictEqual(noDelayOf((_, remote) => remote === port).join(), "true");
    await server.close(0);
  },
);

Deno.test("sendWithoutDelay() and acceptWithoutDelay() answer zero where there is nothing", () => {
  strictEqual(sendWithoutDelay(1), 0);
  strictEqual(acceptWithoutDelay(1), 0);
});
