/**
 * The comparison of all clusters with their branches, by name: over one
 * connection, and in as many calls as it takes, since each has a deadline.
 *
 * Where it stands is durable, so a directory that is away and a restart cost no
 * more than what one call did. A cluster that the directory refuses is tried
 * again by itself, and holds up no other.
 *
 * @module
 */
import { type Client, ResultCodeError } from "ldapts";
import type { Cluster, PluginContext } from "@usher/plugin";
import type { Directory } from "./directory.ts";

type Context = PluginContext<unknown>;

/** How long one call goes on before it leaves the rest to another. */
const CALL_MS = 12_000;
/** What comes later than a second after its cause is no part of it. */
const NEXT_MS = 1000;
const KEY = "compare";

/** What one comparison works with. */
export interface Comparing {
  readonly directory: Directory;
  /** Makes what a cluster's branch lacks, by a client that may. */
  readonly ensure: (
    cluster: Cluster,
    client: Client,
  ) => Promise<void>;
  /** Has one cluster tried again later. */
  readonly tryAgain: (cluster: Cluster, why: unknown) => Promise<void>;
}

/** Compares the clusters after the one named `from`. */
export async function compareFrom(
  from: string,
  opened: () => Promise<Comparing>,
  ctx: Context,
  retryMs: number,
): Promise<void> {
  const rest = (await ctx.clusters.list()).filter(({ name }) => name > from)
    .toSorted((a, b) => a.name < b.name ? -1 : 1);
  let at = from;
  const goOnIn = (ms: number) =>
    ctx.schedule.at(ms, "uldap_retry", ["", at], KEY);
  // Should this call be cut off, the next one comes all the same.
  await goOnIn(retryMs);
  const until = Date.now() + CALL_MS;
  try {
    const { directory, ensure, tryAgain } = await opened();
    await directory.asService(ctx.signal, async (client) => {
      for (const cluster of rest) {
        if (Date.now() > until) return;
        await ensure(cluster, client).catch(async (error) => {
          if (!(error instanceof ResultCodeError)) throw error;
          await tryAgain(cluster, error);
        });
        at = cluster.name;
      }
    });
  } catch (error) {
    const text = error instanceof Error ? error.message : String(error);
    ctx.log.warn(
      `branches of clusters are compared again in ${retryMs / 1000} s: ${text}`,
    );
    return await goOnIn(retryMs);
  }
  if (at !== (rest.at(-1)?.name ?? from)) return await goOnIn(NEXT_MS);
  await ctx.schedule.cancel(KEY);
}
