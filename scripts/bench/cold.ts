/**
 * The executable itself: its size, its start, and cold commands, beside a
 * hello world compiled the same way and `virsh` where that is installed.
 *
 * @module
 */
import { RolesSite } from "../../tests/support/roles_site.ts";
import { cold, EXECUTABLE, helloWorld, isInstalled } from "./command.ts";
import { beside, type Row } from "./row.ts";

const HELLO = "compiled hello world";

/** Start-up, size, and `usher vm list` with 100 and 1,000 VMs. */
export async function benchCold(): Promise<Row[]> {
  const hello = await helloWorld();
  const megabytes = async (path: string) => (await Deno.stat(path)).size / 1e6;
  const floor = await cold(hello, []);
  const size = {
    name: "size of the executable",
    value: await megabytes(EXECUTABLE),
    unit: "MB",
  };
  const start = await cold(EXECUTABLE, ["version", "--client"]);
  return [
    beside(size, HELLO, await megabytes(hello)),
    beside(
      { name: "usher version --client, cold", value: start, unit: "ms" },
      HELLO,
      floor,
    ),
    ...await benchList(floor),
  ];
}

async function benchList(floor: number): Promise<Row[]> {
  const rows: Row[] = [];
  await using site = await RolesSite.start(EXECUTABLE, "sim");
  const rival = await isInstalled("virsh");
  for (const [name, count, target] of [["a", 100, 70], ["b", 900, 100]]) {
    await site.request({ verb: "register", names: [name], count });
    const all = name === "a" ? 100 : 1000;
    const value = await cold(EXECUTABLE, ["vm", "list"], site.env);
    const note = `target < ${target} ms`;
    const row = {
      name: `usher vm list, cold, ${all} VMs`,
      value,
      unit: "ms",
      note,
    };
    rows.push(beside(row, HELLO, floor));
    if (rival) {
      const theirs = await virshList(site.dir, all);
      rows.push(beside(row, `virsh list of ${all}`, theirs));
    }
  }
  return rows;
}

/** `virsh list` of so many domains of libvirt's mock, which reads them from a file. */
export async function virshList(dir: string, count: number): Promise<number> {
  const path = `${dir}/test-${count}.xml`;
  const domains = Array.from(
    { length: count },
    (_, i) =>
      `<domain type="test"><name>web-${i}</name><memory>65536</memory><os><type>hvm</type></os></domain>`,
  );
  await Deno.writeTextFile(path, `<node>${domains.join("")}</node>\n`);
  return await cold("virsh", ["-c", `test://${path}`, "list"]);
}
