/**
 * Cold commands of the compiled executable, beside a hello world compiled the
 * same way and `virsh list` where that is installed.
 *
 * @module
 */
import { median, type Row } from "./row.ts";
import { BenchSite, EXECUTABLE, timed } from "./usher.ts";

const ROUNDS = 15;
const ROOT = new URL("../..", import.meta.url).pathname;

async function cold(
  command: string,
  args: string[],
  env: Record<string, string> = {},
): Promise<number> {
  const once = async () => {
    const { success } = await new Deno.Command(command, {
      args,
      env,
      stdin: "null",
      stdout: "null",
      stderr: "null",
    }).output();
    if (!success) throw new Error(`${command} ${args.join(" ")} failed`);
  };
  await once();
  return median(await timed(ROUNDS, once));
}

/** A hello world, compiled as usher is. */
async function compileHello(): Promise<string> {
  const out = `${ROOT}dist/.hello`;
  const { success, stderr } = await new Deno.Command(Deno.execPath(), {
    args: [
      "run",
      "-A",
      "--no-check",
      `${ROOT}scripts/compile.ts`,
      "--hello",
      out,
    ],
    stdin: "null",
  }).output();
  if (!success) throw new Error(new TextDecoder().decode(stderr));
  return out;
}

/** Start-up, size, and `usher vm list` with 100 and 1,000 VMs. */
export async function benchCold(): Promise<Row[]> {
  const rows: Row[] = [];
  const hello = await cold(await compileHello(), []);
  const size = (await Deno.stat(EXECUTABLE)).size / 1e6;
  rows.push({ name: "size of the executable", value: size, unit: "MB" });
  const beside = (name: string, value: number, note: string): Row => ({
    name,
    value,
    unit: "ms",
    floor: hello,
    floorName: "compiled hello world",
    ratio: value / hello,
    note,
  });
  rows.push(
    beside("usher version, cold", await cold(EXECUTABLE, ["version"]), ""),
  );
  await using site = await BenchSite.start("sim");
  const list = () => cold(EXECUTABLE, ["vm", "list"], site.environment);
  const make = (name: string, count: number) =>
    site.run({ verb: "register", names: [name], count });
  await make("a", 100);
  rows.push(
    beside("usher vm list, cold, 100 VMs", await list(), "target < 70 ms"),
  );
  await make("b", 900);
  rows.push(
    beside("usher vm list, cold, 1,000 VMs", await list(), "target < 100 ms"),
  );
  const virsh = await cold("virsh", ["-c", "test:///default", "list"])
    .catch(() => null);
  if (virsh !== null) {
    rows.push({ name: "virsh list, cold, 1 domain", value: virsh, unit: "ms" });
  }
  return rows;
}
