/**
 * Plugins on disk, for tests: written from their text, found, snapshotted and
 * removed again.
 *
 * @module
 */
import { pluginAt } from "../../src/plugin/files/find.ts";
import type { Snapshot } from "../../src/plugin/runner.ts";
import { takeSnapshot } from "../../src/plugin/files/snapshot.ts";

/** A folder with plugins, and one for their snapshots. */
export class PluginFolder implements AsyncDisposable {
  readonly #root: string;

  private constructor(root: string) {
    this.#root = root;
  }

  static async make(): Promise<PluginFolder> {
    const folder = new PluginFolder(
      await Deno.makeTempDir({ prefix: "usher-test-plugins-" }),
    );
    await Deno.mkdir(folder.plugins);
    await Deno.mkdir(folder.store, { recursive: true });
    return folder;
  }

  /** Where plugins lie; for `plugin_dirs`. */
  get plugins(): string {
    return `${this.#root}/site`;
  }

  /** Where snapshots lie. */
  get store(): string {
    return `${this.#root}/state/plugins`;
  }

  /** Writes files by their path below `plugins`; answers the path of the first. */
  async write(files: Readonly<Record<string, string>>): Promise<string> {
    const paths: string[] = [];
    for (const [name, text] of Object.entries(files)) {
      const path = `${this.plugins}/${name}`;
      await Deno.mkdir(path.slice(0, path.lastIndexOf("/")), {
        recursive: true,
      });
      await Deno.writeTextFile(path, text);
      paths.push(path);
    }
    return paths[0] ?? this.plugins;
  }

  /** A snapshot of the plugin with this file or folder name. */
  async snapshot(name: string): Promise<Snapshot> {
    return await takeSnapshot(
      await pluginAt(`${this.plugins}/${name}`),
      this.store,
    );
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Deno.remove(this.#root, { recursive: true });
  }
}

/** The text of a plugin `name` that has these handlers. */
export function pluginText(
  name: string,
  handlers: string,
  { manifest = "", options = "" } = {},
): string {
  return `import type { Manifest, Plugin, PluginTools } from "@usher/plugin";

export const manifest: Manifest = { name: "${name}", version: "1.0.0", api: 1, ${manifest} };

export default ({ definePlugin, z }: PluginTools): Plugin =>
  definePlugin({ ${options} handlers: { ${handlers} } });
`;
}
