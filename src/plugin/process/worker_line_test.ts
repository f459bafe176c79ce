import { deepStrictEqual, match, strictEqual } from "node:assert/strict";
import { FakeClock } from "../../../tests/support/fake_clock.ts";
import { until } from "../../../tests/support/wait.ts";
import type { ByteConnection } from "../../sys/byte_connection.ts";
import { connectUnix } from "../../sys/unix_socket.ts";
import { encodeFrame, sealOf } from "./frame.ts";
import { FrameLine } from "./frame_line.ts";
import { BODY } from "./protocol.ts";
import { meetWorker, type WorkerLine } from "./worker_line.ts";

const decoder = new TextDecoder();

/** Both ends of a line, and what the controller's has heard. */
class Line implements AsyncDisposable {
  readonly bodies: string[] = [];
  readonly broken: string[] = [];

  private constructor(
    readonly clock: FakeClock,
    readonly secret: string,
    readonly worker: ByteConnection,
  ) {}

  controller!: WorkerLine;

  static async open(): Promise<Line> {
    const clock = new FakeClock();
    const heard = { bodies: [] as string[], broken: [] as string[] };
    await using meeting = await meetWorker(clock, {
      maxBody: 1000,
      onBody: (body) => void heard.bodies.push(decoder.decode(body)),
      onBroken: (why) => void heard.broken.push(why),
    });
    const { socket, secret } = meeting.invitation;
    const worker = await connectUnix(socket);
    await worker.writeAll(new TextEncoder().encode(`${secret}\n`));
    const line = Object.assign(new Line(clock, secret, worker), heard);
    line.controller = await meeting.line;
    return line;
  }

  async say(text: string, secret = this.secret): Promise<void> {
    await this.worker.writeAll(
      encodeFrame({ kind: BODY, number: 0, text }, sealOf(secret)),
    );
  }

  [Symbol.asyncDispose](): Promise<void> {
    this.controller.close();
    this.worker.close();
    return Promise.resolve();
  }
}

Deno.test("a line carries bodies both ways, in order", async () => {
  await using line = await Line.open();
  const heard: string[] = [];
  const worker = new FrameLine({
    connection: line.worker,
    seals: { own: sealOf(line.secret) },
    maxBody: () => 1000,
    onBroken: () => {},
  });
  void worker.read(({ body }) => void heard.push(decoder.decode(body)))
    .catch(() => {}); // closed at the end
  for (const text of ["1", "2", "3"]) {
    line.controller.send(text);
    worker.send({ kind: BODY, number: 0, text });
  }
  await until("all is there", () => heard.length + line.bodies.length === 6);
  deepStrictEqual([heard, line.bodies], [["1", "2", "3"], ["1", "2", "3"]]);
});

Deno.test("what somebody else writes to a line, or what is too long, breaks it", async () => {
  await using forged = await Line.open();
  await forged.say("forged", "a".repeat(forged.secret.length));
  match(await until("it is broken", () => forged.broken[0]), /no seal/);
  await using long = await Line.open();
  await long.say("x".repeat(1001));
  match(await until("it is broken", () => long.broken[0]), /1001 bytes/);
  deepStrictEqual([...forged.bodies, ...long.bodies], []);
});

Deno.test("what a worker said before its end is heard, and its end is waited for", async () => {
  await using line = await Line.open();
  await line.say("last");
  line.worker.close();
  await line.controller.lastWords();
  deepStrictEqual(line.bodies, ["last"]);
  strictEqual(line.clock.sleeping, 1, "only that it has left may be told");
  line.controller.close();
  strictEqual(line.clock.sleeping, 0);
});

Deno.test("a worker that was ended and whose line goes on is not waited for long", async () => {
  await using line = await Line.open();
  const words = line.controller.lastWords();
  await line.clock.advance(100);
  await words;
});

Deno.test("a worker that leaves its line and lives is told of", async () => {
  await using line = await Line.open();
  line.worker.close();
  await until("it is missed", () => line.clock.sleeping === 1);
  await line.clock.advance(1000);
  deepStrictEqual(line.broken, ["it has left its line"]);
});
