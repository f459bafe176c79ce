/**
 * The command line against a site on `sim`, both in this process.
 *
 * @module
 */
import { runClient } from "../../src/client/main.ts";
import { FakeIo, type FakeIoOptions } from "./fake_client.ts";
import { TestSite, type TestSiteOptions } from "./site.ts";

/** A site, and commands that are run against it. */
export interface Shell {
  readonly site: TestSite;
  /** Runs a command to its end. */
  run(
    line: string | readonly string[],
    options?: FakeIoOptions,
  ): Promise<{ code: number; out: string; err: string }>;
  /** A terminal on which a command can be run and interrupted. */
  io(options?: FakeIoOptions): FakeIo;
}

/** Runs `test` with a site of so many nodes, and what else it should have. */
export async function withShell(
  nodes: number,
  test: (shell: Shell) => Promise<void>,
  more: TestSiteOptions = {},
): Promise<void> {
  const home = await Deno.makeTempDir();
  await using site = await TestSite.start({ ...more, nodes });
  const io = (options: FakeIoOptions = {}) =>
    new FakeIo({
      ...options,
      env: {
        HOME: home,
        USHERCLI_CONFIG: site.site.cliConfig,
        ...options.env,
      },
    });
  try {
    await test({
      site,
      io,
      async run(line, options) {
        const fake = io(options);
        const argv = typeof line === "string" ? line.split(" ") : line;
        const code = await runClient(argv, fake);
        return { code, out: fake.out, err: fake.err };
      },
    });
  } finally {
    await Deno.remove(home, { recursive: true });
  }
}
