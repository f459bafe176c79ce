/**
 * A real browser, as people have one: Chromium without a window, spoken to by
 * its DevTools protocol. It resolves no name and keeps nothing, so whatever a
 * page would load from elsewhere fails, and is seen.
 *
 * @module
 */
import { until } from "./wait.ts";

/** Where Debian puts it. */
const CHROMIUM = "/usr/bin/chromium";

const START_MS = 60_000;
const ANSWER_MS = 30_000;

/** An event of the protocol, or an answer. */
interface Message {
  readonly id?: number;
  readonly method?: string;
  readonly params?: Readonly<Record<string, unknown>>;
  readonly result?: Readonly<Record<string, unknown>>;
  readonly error?: { readonly message: string };
}

/** What a page did besides being shown. */
export interface Seen {
  /** Every URL that it asked for. */
  readonly urls: readonly string[];
  /** Errors and warnings, of its own and of the browser about it. */
  readonly complaints: readonly string[];
}

/** One browser with one page. */
export class Browser implements AsyncDisposable {
  readonly #child: Deno.ChildProcess;
  readonly #folder: string;
  readonly #socket: WebSocket;
  readonly #waiting = new Map<number, PromiseWithResolvers<Message>>();
  readonly #urls: string[] = [];
  readonly #complaints: string[] = [];
  #isLoaded = false;
  #last = 0;

  private constructor(
    child: Deno.ChildProcess,
    folder: string,
    socket: WebSocket,
  ) {
    this.#child = child;
    this.#folder = folder;
    this.#socket = socket;
    socket.onmessage = ({ data }) => this.#take(JSON.parse(data));
  }

  /** Starts one; `extra` are flags of Chromium. */
  static async start(extra: readonly string[] = []): Promise<Browser> {
    const folder = await Deno.makeTempDir({ prefix: "usher_browser_" });
    const child = new Deno.Command(CHROMIUM, {
      args: [
        "--headless",
        // The tests may be root, and what is shown is our own.
        "--no-sandbox",
        "--disable-gpu",
        "--disable-dev-shm-usage",
        "--disable-background-networking",
        "--disable-component-update",
        "--disable-sync",
        "--no-first-run",
        "--no-default-browser-check",
        "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1",
        `--user-data-dir=${folder}`,
        "--remote-debugging-port=0",
        ...extra,
        "about:blank",
      ],
      env: { HOME: folder },
      stdin: "null",
      stdout: "null",
      stderr: "null",
    }).spawn();
    try {
      const port = await portOf(folder);
      const socket = new WebSocket(await pageSocket(port));
      await new Promise((resolve, reject) => {
        socket.onopen = resolve;
        socket.onerror = () => reject(new Error("The browser hangs up"));
      });
      const browser = new Browser(child, folder, socket);
      for (const domain of ["Page", "Network", "Runtime", "Log"]) {
        await browser.send(`${domain}.enable`);
      }
      return browser;
    } catch (error) {
      child.kill("SIGKILL");
      await child.status;
      throw error;
    }
  }

  /** What the page did so far. */
  get seen(): Seen {
    return { urls: [...this.#urls], complaints: [...this.#complaints] };
  }

  /** Opens `url` and waits until all of it is there. */
  async open(url: string): Promise<void> {
    this.#isLoaded = false;
    const { errorText } = await this.send("Page.navigate", { url });
    if (errorText !== undefined) throw new Error(`${url}: ${errorText}`);
    await until(`${url} is loaded`, () => this.#isLoaded, {
      deadlineMs: ANSWER_MS,
    });
  }

  /** The value of an expression in the page. */
  async value<T>(expression: string): Promise<T> {
    const { result, exceptionDetails } = await this.send("Runtime.evaluate", {
      expression,
      returnByValue: true,
    });
    if (exceptionDetails !== undefined) {
      throw new Error(`${expression}: ${JSON.stringify(exceptionDetails)}`);
    }
    return (result as { value: T }).value;
  }

  /** Sends a command of the protocol. */
  async send(
    method: string,
    params: Readonly<Record<string, unknown>> = {},
  ): Promise<Readonly<Record<string, unknown>>> {
    const id = ++this.#last;
    const answer = Promise.withResolvers<Message>();
    this.#waiting.set(id, answer);
    this.#socket.send(JSON.stringify({ id, method, params }));
    const late = setTimeout(
      () => answer.reject(new Error(`The browser does not answer ${method}`)),
      ANSWER_MS,
    );
    try {
      const { result = {}, error } = await answer.promise;
      if (error !== undefined) throw new Error(`${method}: ${error.message}`);
      return result;
    } finally {
      clearTimeout(late);
      this.#waiting.delete(id);
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const closed = new Promise((resolve) => this.#socket.onclose = resolve);
    // Its helpers end with it when it is asked, and linger when it is killed.
    await this.send("Browser.close").catch(() => this.#child.kill("SIGKILL"));
    await this.#child.status;
    this.#socket.close();
    await closed;
    await until(
      "the browser's folder is gone",
      () => Deno.remove(this.#folder, { recursive: true }).then(() => true),
    );
  }

  #take(message: Message): void {
    const { id, method, params = {} } = message;
    if (id !== undefined) this.#waiting.get(id)?.resolve(message);
    switch (method) {
      case "Page.loadEventFired":
        this.#isLoaded = true;
        break;
      case "Network.requestWillBeSent":
        this.#urls.push((params["request"] as { url: string }).url);
        break;
      case "Runtime.consoleAPICalled":
      case "Runtime.exceptionThrown":
      case "Log.entryAdded":
        this.#complaints.push(JSON.stringify(params));
        break;
    }
  }
}

/** The port that it listens on, which it writes into its folder. */
async function portOf(folder: string): Promise<number> {
  let port = 0;
  await until("the browser listens", async () => {
    const text = await Deno.readTextFile(`${folder}/DevToolsActivePort`)
      .catch(() => "");
    port = Number(text.split("\n")[0]);
    return port > 0;
  }, { deadlineMs: START_MS });
  return port;
}

async function pageSocket(port: number): Promise<string> {
  const response = await fetch(`http://127.0.0.1:${port}/json/list`);
  const targets: { type: string; webSocketDebuggerUrl: string }[] =
    await response.json();
  const page = targets.find(({ type }) => type === "page");
  if (page === undefined) throw new Error("The browser has no page");
  return page.webSocketDebuggerUrl;
}
