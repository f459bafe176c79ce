/**
 * A program for Node that uses the client library as its writer would: from
 * the package, checked against the package's types.
 *
 * @module
 */
import { compileForNode, makePackage, PACKAGE } from "../../scripts/npm.ts";
import { REPOSITORY } from "./repository.ts";

/** A folder with a compiled program in it. */
export class NodeProgram implements AsyncDisposable {
  readonly folder: string;

  private constructor(folder: string) {
    this.folder = folder;
  }

  /** Makes the package where that was not done yet, and compiles sources of the repository against it. */
  static async make(sources: readonly string[]): Promise<NodeProgram> {
    await makePackage();
    const folder = await Deno.makeTempDir({ prefix: "usher_node_" });
    const program = new NodeProgram(folder);
    try {
      await program.#compile(sources);
      return program;
    } catch (error) {
      await program[Symbol.asyncDispose]();
      throw error;
    }
  }

  async #compile(sources: readonly string[]): Promise<void> {
    await Deno.mkdir(`${this.folder}/node_modules/@usher`, { recursive: true });
    const installed = `${this.folder}/node_modules/@usher/client`;
    await Deno.symlink(PACKAGE, installed);
    await Deno.writeTextFile(
      `${this.folder}/package.json`,
      '{"type":"module"}',
    );
    const files: string[] = [];
    for (const source of sources) {
      const file = `${this.folder}/src/${source}`;
      await Deno.mkdir(file.replace(/\/[^/]*$/, ""), { recursive: true });
      await Deno.copyFile(REPOSITORY + source, file);
      files.push(file);
    }
    await compileForNode(files, {
      rootDir: `${this.folder}/src`,
      outDir: `${this.folder}/out`,
    });
  }

  /** Where a source lies that was compiled. */
  compiled(source: string): string {
    return `${this.folder}/out/${source.replace(/\.ts$/, ".js")}`;
  }

  /** Starts a source that was compiled. */
  start(source: string, ...args: string[]): Deno.ChildProcess {
    return new Deno.Command("node", {
      args: [this.compiled(source), ...args],
      stdin: "null",
      stdout: "piped",
      stderr: "piped",
    }).spawn();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Deno.remove(this.folder, { recursive: true });
  }
}
