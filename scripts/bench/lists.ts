/**
 * What people wait for: a long list, one VM, a login, the completion of a
 * name, the prompt of the shell; beside bare HTTP/2 of the same bytes, a hello
 * world, and `virsh` where that is installed.
 *
 * @module
 */
import { Api } from "../../src/client/api.ts";
import { connect } from "../../src/client/library/connect.ts";
import { Pty } from "../../tests/support/pty.ts";
import { RolesSite } from "../../tests/support/roles_site.ts";
import { peakMiB } from "../../tests/support/role.ts";
import { BareHttp } from "./bare_http.ts";
import { virshList } from "./cold.ts";
import { cold, EXECUTABLE, helloWorld, isInstalled } from "./command.ts";
import { beside, median, type Row, time, timed } from "./row.ts";

const MANY = 20_000;
/** The most that one request may ask for. */
const AT_ONCE = 10_000;
const ROUNDS = 5;
const SHOWS = 3000;
/** One connection carries 200. */
const TOGETHER = 64;

/** Figures of lists, shows, logins and completion. */
export async function* benchLists(): AsyncGenerator<Row> {
  await using site = await RolesSite.start(EXECUTABLE, "sim");
  const hello = await cold(await helloWorld(), []);
  await site.request({ verb: "register", names: ["web1"] });
  yield* shows(site);
  yield await logins(site);
  yield* completion(site, hello);
  yield await prompt(site);
  for (const name of ["a", "b"]) {
    await site.request({ verb: "register", names: [name], count: AT_ONCE });
  }
  yield* longList(site);
}

async function* shows(site: RolesSite): AsyncGenerator<Row> {
  const path = "/v1/vms/web1";
  const bytes = (await site.call("GET", path)).length;
  await using bare = await BareHttp.start(bytes);
  const ours = () => site.call("GET", path);
  await together(SHOWS, ours);
  const rates: number[] = [];
  const floors: number[] = [];
  for (let round = 0; round < ROUNDS; round++) {
    rates.push(await together(SHOWS, ours));
    floors.push(await together(SHOWS, () => bare.get()));
  }
  yield beside(
    {
      name: `vm show, ${TOGETHER} at a time over one connection`,
      value: median(rates),
      unit: "1/s",
      note: "target > 3000",
    },
    "bare HTTP/2 of the same bytes",
    median(floors),
  );
}

/** How many a second, so many under way at any time. */
async function together(
  count: number,
  work: () => Promise<unknown>,
): Promise<number> {
  let left = count;
  const worker = async () => {
    while (left-- > 0) await work();
  };
  const ms = await time(() =>
    Promise.all(Array.from({ length: TOGETHER }, worker))
  );
  return count / ms * 1000;
}

/** A login is slow on purpose: its floor is the hashing of one password. */
async function logins(site: RolesSite): Promise<Row> {
  const password = await site.ctrl.says(/its password is (\S+)/);
  const ms = await timed(
    ROUNDS,
    () => site.call("POST", "/v1/login", { user: "admin", password }),
  );
  const key = await crypto.subtle.importKey(
    "raw",
    new TextEncoder().encode(password),
    "PBKDF2",
    false,
    ["deriveBits"],
  );
  const salt = new Uint8Array(16);
  const options = {
    name: "PBKDF2",
    hash: "SHA-256",
    salt,
    iterations: 600_000,
  };
  const floor = await timed(
    ROUNDS,
    () => crypto.subtle.deriveBits(options, key, 256),
  );
  return beside(
    { name: "login by password", value: median(ms), unit: "ms" },
    "PBKDF2 of one password",
    median(floor),
  );
}

async function* completion(
  site: RolesSite,
  hello: number,
): AsyncGenerator<Row> {
  await site.request({ verb: "register", names: ["c"], count: 99 });
  const row = {
    name: "completion of a name among 100 VMs, cold",
    value: await cold(
      EXECUTABLE,
      ["__complete", "vm", "show", "c-1"],
      site.env,
    ),
    unit: "ms",
  };
  yield beside(row, "compiled hello world", hello);
  if (!await isInstalled("virsh")) return;
  yield beside(row, "virsh list of 100", await virshList(site.dir, 100));
}

/** One `usher vm list` into a pipe, as its reader sees it. */
interface Listed {
  readonly firstMs: number;
  readonly allMs: number;
  readonly rssMiB: number;
  readonly bytes: number;
}

async function listOnce(site: RolesSite): Promise<Listed> {
  const began = performance.now();
  const child = new Deno.Command(EXECUTABLE, {
    args: ["vm", "list"],
    env: site.env,
    stdin: "null",
    stdout: "piped",
  }).spawn();
  let [firstMs, rss, bytes] = [NaN, 0, 0];
  for await (const part of child.stdout) {
    if (Number.isNaN(firstMs)) firstMs = performance.now() - began;
    bytes += part.length;
    rss = Math.max(rss, await peakMiB(child.pid));
  }
  await child.status;
  return { firstMs, allMs: performance.now() - began, rssMiB: rss, bytes };
}

async function* longList(site: RolesSite): AsyncGenerator<Row> {
  const before = await site.ctrl.rssMiB();
  const small = await cold(EXECUTABLE, ["vm", "list", "web1"], site.env);
  const lists: Listed[] = [];
  for (let i = 0; i < ROUNDS; i++) lists.push(await listOnce(site));
  const after = await site.ctrl.rssMiB();
  const of = (key: keyof Listed) => median(lists.map((one) => one[key]));
  const what = `usher vm list of ${MANY} VMs`;
  yield beside(
    {
      name: `${what}: first row`,
      value: of("firstMs"),
      unit: "ms",
      note: "target: within 50 ms of the floor",
    },
    "usher vm list of one",
    small,
  );
  yield await firstRow(site, what);
  const wire = (await site.call("GET", "/v1/vms?stream=1&fields=row")).length;
  await using bare = await BareHttp.start(wire);
  yield beside(
    {
      name: `${what}: all rows`,
      value: of("allMs"),
      unit: "ms",
      note: "target < 1000",
    },
    `bare HTTP/2 of ${Math.round(wire / 1e6)} MB`,
    median(await timed(ROUNDS, () => bare.get())),
  );
  yield* throughLibrary(site);
  const memory: Row = {
    name: `${what}: memory of the client`,
    value: of("rssMiB"),
    unit: "MiB",
  };
  yield beside(
    memory,
    `usher vm list of ${AT_ONCE}`,
    await memoryOf(site, ["a-*"]),
  );
  // What those few have not: code that was worth compiling for speed.
  yield beside(
    memory,
    "usher vm list of 500",
    await memoryOf(site, FIVE_HUNDRED),
  );
  yield beside(
    {
      name: `${what}: the controller after ${ROUNDS}`,
      value: after,
      unit: "MiB",
    },
    "before",
    before,
  );
}

/** The wire alone: from the request on a connection that stands to the first VM. */
async function firstRow(site: RolesSite, what: string): Promise<Row> {
  const { url: controller, token } = site;
  const { pem: caPem } = JSON.parse(await site.call("GET", "/v1/ca"));
  using api = new Api({ controller, caPem, token });
  const query = { stream: "1", fields: "row" };
  const first = async () => {
    for await (const _ of api.stream("vms", { query })) return;
  };
  const one = () => api.call("vm", { params: { name: "web1" } });
  await one();
  return beside(
    {
      name: `${what}: first row after the request`,
      value: median(await timed(ROUNDS, first)),
      unit: "ms",
      note: "target < 50",
    },
    "one VM",
    median(await timed(ROUNDS, one)),
  );
}

async function* throughLibrary(site: RolesSite): AsyncGenerator<Row> {
  const { url: controller, token } = site;
  const { pem: caPem } = JSON.parse(await site.call("GET", "/v1/ca"));
  const client = await connect({ controller, caPem, token });
  const bytes = (await site.call("GET", "/v1/vms")).length;
  await using bare = await BareHttp.start(bytes);
  yield beside(
    {
      name: `the library's vms() of ${MANY}`,
      value: median(await timed(ROUNDS, () => client.vms())),
      unit: "ms",
    },
    `bare HTTP/2 of ${Math.round(bytes / 1e6)} MB`,
    median(await timed(ROUNDS, () => bare.get())),
  );
  await client.close();
}

/** From the start of ush to its prompt on a terminal, beside a hello world there. */
async function prompt(site: RolesSite): Promise<Row> {
  const shown = async (command: string, text: string) => {
    await using pty = new Pty(command, site.env);
    const began = performance.now();
    while (!pty.printed.includes(text)) {
      await new Promise((resolve) => setTimeout(resolve, 1));
    }
    return performance.now() - began;
  };
  const hello = await helloWorld();
  const ours: number[] = [];
  const floors: number[] = [];
  for (let round = 0; round < ROUNDS; round++) {
    ours.push(await shown(`${EXECUTABLE} shell`, "ush> "));
    floors.push(await shown(hello, "hello"));
  }
  return beside(
    { name: "prompt of ush on a terminal", value: median(ours), unit: "ms" },
    "compiled hello world there",
    median(floors),
  );
}

const FIVE_HUNDRED = ["a-1??", "a-2??", "a-3??", "a-4??", "a-5??"];

/** The most that the list of `names` takes; one that ended before anybody looked is taken again. */
async function memoryOf(
  site: RolesSite,
  names: readonly string[],
): Promise<number> {
  const found: number[] = [];
  for (let round = 0; round < ROUNDS * 4 && found.length < ROUNDS; round++) {
    const most = await memoryOnce(site, names);
    if (most > 0) found.push(most);
  }
  return median(found);
}

async function memoryOnce(
  site: RolesSite,
  names: readonly string[],
): Promise<number> {
  const child = new Deno.Command(EXECUTABLE, {
    args: ["vm", "list", ...names],
    env: site.env,
    stdin: "null",
    stdout: "piped",
  }).spawn();
  let most = 0;
  for await (const _ of child.stdout) {
    most = Math.max(most, await peakMiB(child.pid));
  }
  await child.status;
  return most;
}
