import { deepStrictEqual, rejects } from "node:assert/strict";
import { writePeerKeys } from "../../tests/support/peer_keys.ts";
import {
  connectToPeer,
  listenForPeer,
  type PeerIdentity,
} from "./peer_link.ts";

const PORTS = { first: 49_500, last: 49_600 };

async function identity(
  name: string,
  from?: "site" | "stranger",
): Promise<PeerIdentity> {
  const folder = await Deno.makeTempDir({ prefix: "peer-link-" });
  try {
    await writePeerKeys(folder, name, from);
    const read = (file: string) => Deno.readTextFile(`${folder}/${file}.pem`);
    return {
      ca: await read("ca-cert"),
      certificate: await read("server-cert"),
      key: await read("server-key"),
    };
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

const target = await identity("n2");

function listen(purpose = "move 1") {
  return listenForPeer(PORTS, target, { subject: "CN=n1", purpose });
}

function connect(
  { port }: { port: number },
  who: PeerIdentity,
  { host = "n2.node.usher.internal", purpose = "move 1" } = {},
) {
  return connectToPeer({ address: "127.0.0.1", port, host }, who, purpose);
}

Deno.test("peers: bytes go both ways between two nodes of one site", async () => {
  using listener = listen();
  const one = await connect(listener, await identity("n1"));
  const other = await listener.peer;
  const buffer = new Uint8Array(100);

  await one.writeAll(new TextEncoder().encode("there"));
  deepStrictEqual(await other.read(buffer), 5);
  await other.writeAll(new TextEncoder().encode("back"));
  deepStrictEqual(await one.read(buffer), 4);

  one.close();
  deepStrictEqual(await other.read(buffer).catch(() => null), null);
  other.close();
});

Deno.test("peers: whoever is not the one expected is sent away, and keeps nobody else out", async () => {
  using listener = listen();
  const right = await identity("n1");
  const wrong = {
    "another node of the site": await identity("n3"),
    "a node of another site": {
      ...await identity("n1", "stranger"),
      ca: target.ca,
    },
    "one with a certificate that is not its own": {
      ...await identity("n3"),
      certificate: right.certificate,
    },
  };
  for (const [who, its] of Object.entries(wrong)) {
    await rejects(connect(listener, its), { code: "unavailable" }, who);
  }
  await rejects(connect(listener, right, { purpose: "move 2" }), {
    code: "unavailable",
  });
  const mute = await Deno.connect({
    hostname: "127.0.0.1",
    port: listener.port,
  });

  const connection = await connect(listener, right);

  (await listener.peer).close();
  connection.close();
  mute.close();
});

Deno.test("peers: a listener that is another node, or of another site, is not believed", async () => {
  using listener = listen();
  const right = await identity("n1");
  await rejects(connect(listener, right, { host: "n3.node.usher.internal" }), {
    code: "unavailable",
  });
  const stranger = await identity("n1", "stranger");
  await rejects(connect(listener, stranger), { code: "unavailable" });
});
