/**
 * A process that writes to a state until it is killed, or only opens it:
 *
 *   store_writer.ts PATH write   prints N when records 0 … N are durable
 *   store_writer.ts PATH open    prints `opened`, or the error's code and message
 *
 * @module
 */
import { isUsherError } from "../../src/error/mod.ts";
import { openKvStore } from "../../src/store/kv_store.ts";
import { silentLog } from "../../src/sys/log.ts";

async function main([path = "", what = ""]: string[]): Promise<void> {
  const store = await openKvStore({
    path,
    host: "testhost",
    pid: Deno.pid,
    now: Date.now,
    log: silentLog,
  });
  if (what === "open") {
    console.log("opened");
    return await store.close();
  }
  for (let round = 0;; round++) {
    await Promise.all(Array.from({ length: 8 }, async (_, i) => {
      const number = round * 8 + i;
      const key = ["n", number];
      await store.commit([{ type: "set", key, value: { number } }]);
      console.log(String(number));
    }));
  }
}

if (import.meta.main) {
  try {
    await main(Deno.args);
  } catch (error) {
    if (!isUsherError(error)) throw error;
    console.log(`${error.code}: ${error.message}`);
  }
}
