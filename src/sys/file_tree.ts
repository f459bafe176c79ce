/**
 * All files below a folder, as what they hold.
 *
 * @module
 */

/** One file, by its path below the folder. */
export interface TreeFile {
  readonly name: string;
  readonly bytes: Uint8Array<ArrayBuffer>;
}

/** How much is read. */
export interface TreeOptions {
  /** Whether a file or a folder of this name is of interest. */
  wants(name: string, isFolder: boolean): boolean;
  readonly maxFiles: number;
  readonly maxBytes: number;
}

/** What cannot be read, and why: `path` is the file or folder that it is about. */
export class TreeError extends Error {
  override readonly name = "TreeError";

  constructor(readonly path: string, readonly why: string) {
    super(`Cannot read ${path}: ${why}`);
  }
}

/**
 * The files below `folder`, sorted by name. A symbolic link is what it leads
 * to, and must lead to something below `folder`. Throws `TreeError`.
 */
export async function readTree(
  folder: string,
  options: TreeOptions,
): Promise<TreeFile[]> {
  const root = await Deno.realPath(folder).catch((error) => {
    throw refused(folder, error);
  });
  const files: TreeFile[] = [];
  let bytes = 0;
  for await (const { path, size } of walk(root, root, options)) {
    if (bytes + size > options.maxBytes) throw tooMuch(folder, options);
    const content = await Deno.readFile(path).catch((error) => {
      throw refused(path, error);
    });
    bytes += content.length;
    files.push({ name: path.slice(root.length + 1), bytes: content });
    if (files.length > options.maxFiles || bytes > options.maxBytes) {
      throw tooMuch(folder, options);
    }
  }
  return files.sort((a, b) => a.name < b.name ? -1 : 1);
}

function tooMuch(
  folder: string,
  { maxFiles, maxBytes }: TreeOptions,
): TreeError {
  const mib = maxBytes / 2 ** 20;
  return new TreeError(
    folder,
    `it has more than ${maxFiles} files, or ${mib} MiB in them`,
  );
}

async function* walk(
  folder: string,
  root: string,
  { wants, ...rest }: TreeOptions,
): AsyncGenerator<{ path: string; size: number }, void, void> {
  try {
    for await (const { name } of Deno.readDir(folder)) {
      const path = `${folder}/${name}`;
      // What lies beside a plugin and is none of it may be as broken as it likes.
      if (!wants(name, true) && !wants(name, false)) continue;
      const real = await inside(path, root);
      const { isDirectory, isFile, size } = await Deno.stat(real);
      if (!wants(name, isDirectory)) continue;
      // A link to a folder above would go round in a circle.
      if (isDirectory && path.startsWith(`${real}/`)) continue;
      if (isDirectory) yield* walk(path, root, { wants, ...rest });
      else if (isFile) yield { path, size };
    }
  } catch (error) {
    throw error instanceof TreeError ? error : refused(folder, error);
  }
}

/** Where `path` leads to. Throws when that is not below `root`. */
async function inside(path: string, root: string): Promise<string> {
  const real = await Deno.realPath(path).catch((error) => {
    throw refused(path, error);
  });
  if (real === root || real.startsWith(`${root}/`)) return real;
  throw new TreeError(path, "it is a link that leads out of the folder");
}

function refused(path: string, error: unknown): TreeError {
  const text = error instanceof Error ? error.message : String(error);
  const why = /^(.*?) \(os error/.exec(text)?.[1] ?? text;
  return new TreeError(path, why.toLowerCase());
}
