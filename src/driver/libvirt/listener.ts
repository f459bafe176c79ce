/**
 * Looking whenever libvirt says that something has happened, and now and then
 * when it says nothing.
 *
 * @module
 */
import { messageOf } from "../../error/mod.ts";
import { sleep } from "../../sys/sleep.ts";
import type { Book } from "./book.ts";
import type { LibvirtEnvironment } from "./environment.ts";
import type { Installation } from "./installation.ts";
import { type Hearer, type LibvirtEvent, listen } from "./news.ts";

/** What no event told of is noticed after so long. */
const LOOK_EVERY_MS = 10_000;

/** Keeps a book up to date. */
export class Listener implements Hearer {
  readonly #env: LibvirtEnvironment;
  readonly #book: Book;
  readonly #installation: Installation;
  #wasDeaf = false;

  constructor(
    env: LibvirtEnvironment,
    book: Book,
    installation: Installation,
  ) {
    this.#env = env;
    this.#book = book;
    this.#installation = installation;
  }

  /** Goes on until the driver is closed. */
  async run(): Promise<void> {
    const { closing, virsh } = this.#env;
    await Promise.all([
      listen(virsh.options, this, closing),
      this.#lookNowAndThen(),
    ]);
  }

  hear({ kind, name, detail }: LibvirtEvent): void {
    const domain = this.#book.byName(name);
    if (kind === "lifecycle") {
      if (domain === undefined) this.#book.forgetForeign(name);
      else if (LAST_WORDS.test(detail)) domain.lastWords = detail;
    } else if (kind === "reboot") domain?.note("guest restarted itself");
    this.#look();
  }

  listening(): void {
    if (this.#wasDeaf) {
      this.#wasDeaf = false;
      this.#installation.forget();
      this.#env.log("info", "libvirtd is back");
    }
    this.#look();
  }

  deaf(said: string): void {
    // Ends by itself every now and then, without a complaint.
    if (said === "" || this.#wasDeaf) return;
    this.#wasDeaf = true;
    this.#env.log("warn", "libvirtd is out of reach", { said });
  }

  #look(): void {
    this.#book.look().catch((error) => {
      this.#env.log("debug", "cannot look what libvirt has", {
        error: messageOf(error),
      });
    });
  }

  async #lookNowAndThen(): Promise<void> {
    const { closing } = this.#env;
    while (!closing.aborted) {
      await sleep(LOOK_EVERY_MS, closing).catch(() => {});
      if (!closing.aborted) this.#look();
    }
  }
}

/** Details that say how a run ended. */
const LAST_WORDS = /^(Crashed|Stopped) /;
