/**
 * How long it takes from a guest that ends by itself to the news of it at a
 * client outside.
 *
 * @module
 */
import { HttpClient } from "../../src/sys/http_client.ts";
import { within } from "./wait.ts";
import type { Figure } from "./xen_figures.ts";
import { XEN_MS } from "./xen_host.ts";
import { bootFlags } from "./xen_life.ts";
import type { XenSite } from "./xen_site.ts";

const ROUNDS = 5;
const NAME = "news";
/** Switches the least guest off. */
const SWITCH_OFF = "\\004";

/** Starts a VM, lets its guest end, and hears of it; so a few times. */
export async function measureNews(site: XenSite): Promise<Figure> {
  const [news, scripts]: [number[], number[]] = [[], []];
  for (let round = 0; round < ROUNDS; round++) {
    const description = round === 0 ? bootFlags() : [];
    await site.usher("vm", "start", NAME, ...description);
    const tty = await site.host.must(
      `xenstore-read "/local/domain/$(xl domid ${NAME}.default.admin)/console/tty"`,
    );
    await using watch = await Watch.open(site);
    const began = performance.now();
    const heard = watch.until(/"state":"stopped"/);
    await site.host.must(`printf '${SWITCH_OFF}' >${tty}`);
    scripts.push(performance.now() - began);
    news.push(await within("news of the end", XEN_MS, heard) - began);
  }
  await site.usher("vm", "destroy", NAME);
  return {
    name: "a guest ends, and a client is told",
    ms: median(news),
    floor: "the guest is told to, and the script has ended",
    floorMs: median(scripts),
  };
}

/** The stream of changes, as a client has it. */
class Watch implements AsyncDisposable {
  readonly #client: HttpClient;
  readonly #reader: ReadableStreamDefaultReader<string>;

  private constructor(client: HttpClient, body: ReadableStream<Uint8Array>) {
    this.#client = client;
    this.#reader = body.pipeThrough(
      new TextDecoderStream() as TransformStream<Uint8Array, string>,
    ).getReader();
  }

  /** Resolves once what is there was told. */
  static async open({ ctrl }: XenSite): Promise<Watch> {
    const client = new HttpClient(ctrl.ca);
    const { body } = await client.fetch(`${ctrl.url}/v1/watch`, {
      headers: { authorization: `Bearer ${ctrl.token}` },
    });
    if (body === null) throw new Error("The watch has no body");
    const watch = new Watch(client, body);
    await watch.until(new RegExp(`"name":"${NAME}\\.`));
    return watch;
  }

  /** Reads until a chunk matches; when that was. */
  async until(pattern: RegExp): Promise<number> {
    for (;;) {
      const { value } = await this.#reader.read();
      if (value === undefined) throw new Error("The watch has ended");
      if (pattern.test(value)) return performance.now();
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#reader.cancel();
    this.#client[Symbol.dispose]();
  }
}

function median(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[values.length >> 1] ?? NaN;
}
