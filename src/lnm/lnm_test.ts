import { deepStrictEqual, rejects } from "node:assert/strict";
import { LnmConfig } from "../schema/config.ts";
import { silentLog } from "../sys/log.ts";
import { runLnm } from "./lnm.ts";

Deno.test("a node's state is its own, and whoever knows what to look for gets through what is above it", async () => {
  const dir = await Deno.makeTempDir();
  const config = LnmConfig.parse({
    state_dir: `${dir}/usher/lnm`,
    run_dir: `${dir}/run`,
  });
  const never = AbortSignal.timeout(60_000);
  await rejects(runLnm({ config, version: "1", log: silentLog }, never), {
    code: "unauthenticated",
  });
  const modeOf = async (path: string) => (await Deno.stat(path)).mode! & 0o777;
  deepStrictEqual(
    [await modeOf(`${dir}/usher`), await modeOf(`${dir}/usher/lnm`)],
    [0o755, 0o700],
  );
  await Deno.remove(dir, { recursive: true });
});
