/**
 * The link suite over the simulator's network, in virtual time.
 *
 * @module
 */
import { Network } from "../../src/simulator/network.ts";
import { Random } from "../../src/simulator/random.ts";
import { Route } from "../../src/simulator/route.ts";
import { Process, VirtualClock } from "../../src/simulator/virtual_clock.ts";
import { nextTurn } from "../../src/sys/turn.ts";
import { type Answering, linkConformance, type LinkHarness } from "./link.ts";

/** How much virtual time a condition may take. */
const DEADLINE_MS = 60_000;

function makeHarness(): Promise<LinkHarness> {
  const random = new Random("link");
  const clock = new VirtualClock(random.fork("clock"));
  const [client, process] = [new Process(clock), new Process(clock)];
  const route = new Route(random.fork("route"));
  const network = new Network();
  let answering: Answering | null = null;
  const server = () => {
    const answer = answering;
    if (answer === null) return null;
    return {
      process,
      handle: (body: ReadableStream<Uint8Array>) =>
        Promise.resolve(answer(body)),
    };
  };
  return Promise.resolve({
    clock: client,
    listen(next) {
      answering = next;
    },
    async connect(body, signal) {
      const dialling = { route, client, server, body, signal };
      return (await network.connect(dialling)).body!;
    },
    async until(what, predicate) {
      const end = clock.elapsed + DEADLINE_MS;
      for (let time = clock.elapsed; time < end; time = clock.elapsed) {
        await nextTurn();
        if (predicate()) return;
        if (!clock.step(time + 10)) await nextTurn();
      }
      throw new Error(`Waited ${DEADLINE_MS} virtual ms in vain until ${what}`);
    },
    [Symbol.asyncDispose]: () => Promise.resolve(),
  });
}

linkConformance("simulated", makeHarness);
