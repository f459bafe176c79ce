/**
 * Where the controller is and what is trusted, from flags, environment,
 * cli.yaml files and the sessions of `usher login`, in that order.
 *
 * The files that people have are a few lines of `key: value`. Those are read
 * here; whatever else a file holds, the YAML parser and the schema read it,
 * and only then are they loaded.
 *
 * @module
 */
import type { CliConfig } from "../schema/config.ts";
import { readPlainOrNull } from "../sys/given_file.ts";
import { controllerOrigin, readCredentials } from "./credentials.ts";
import { failure } from "./failure.ts";
import type { Io } from "./io.ts";
import { FORMATS } from "./render/format_name.ts";
import { UsageError } from "./usage.ts";

/** What a command needs to know before it talks to anyone. */
export interface Settings {
  /** The controller's origin; null when nothing names one. */
  readonly controller: string | null;
  /** The site's CA; undefined for the machine's own authorities. */
  readonly caPem: string | undefined;
  /** From `USHER_TOKEN`, or of the session. */
  readonly token: string | undefined;
  readonly user: string | undefined;
  readonly credentialsPath: string;
  readonly output: CliConfig["output"];
  /** Lines of history that the shell keeps; undefined for the usual number. */
  readonly historyLength: number | undefined;
}

/** Reads them all. `controller` is the flag of that name. */
export async function readSettings(
  io: Io,
  controllerFlag?: string,
): Promise<Settings> {
  const config = { ...await readConfigFiles(io), ...io.cli };
  const credentialsPath = inHome(io, config.credentials) ??
    `${homeOf(io)}/.usher/credentials.json`;
  const { current, sessions } = await readCredentials(credentialsPath);
  const named = controllerFlag ?? io.env("USHER_CONTROLLER") ??
    config.controller ?? current;
  const controller = named === null ? null : controllerUrl(named);
  const session = controller === null ? undefined : sessions[controller];
  return {
    controller,
    caPem: await readCa(inHome(io, config.ca_file)) ?? session?.caPem,
    token: io.env("USHER_TOKEN") || session?.token || undefined,
    user: session?.user,
    credentialsPath,
    output: config.output ?? "table",
    historyLength: config.hist_len,
  };
}

/** What a person may call a controller, as its origin: https, port 8440. */
export function controllerUrl(word: string): string {
  const url = /^[a-z][a-z0-9+.-]*:\/\//i.test(word) ? word : `https://${word}`;
  if (!url.startsWith("https://")) {
    throw new UsageError(
      `"${word}" is no address of a controller: it speaks https only`,
      "write https://HOST:8440",
    );
  }
  const hasPort = /^https:\/\/[^/]*:\d+(\/|$)/.test(url);
  const whole = hasPort ? url : withDefaultPort(url);
  if (URL.canParse(whole)) return controllerOrigin(whole);
  throw new UsageError(
    `"${word}" is no address of a controller`,
    "write https://HOST:8440",
  );
}

function withDefaultPort(url: string): string {
  return url.replace(/^(https:\/\/[^/]*)/, "$1:8440");
}

function homeOf(io: Io): string {
  return io.env("HOME") ?? "/root";
}

function inHome(io: Io, path: string | undefined): string | undefined {
  return path?.replace(/^~(?=\/)/, homeOf(io));
}

async function readCa(path: string | undefined): Promise<string | undefined> {
  if (path === undefined) return undefined;
  const pem = await readPlainOrNull(path);
  if (pem !== null) return checkCa(path, pem);
  throw await failure("not_found", `Cannot read the CA: no file ${path}`, {
    hint: "correct ca_file in cli.yaml",
  });
}

/** `pem`, the text of `path`, if it holds a certificate. */
export function checkCa(path: string, pem: string): string {
  if (pem.includes("-----BEGIN CERTIFICATE-----")) return pem;
  throw new UsageError(
    `Cannot take ${path} for a CA: it holds no certificate`,
    "a CA's file has a part that begins with -----BEGIN CERTIFICATE-----",
  );
}

type PartialConfig = Partial<CliConfig>;

async function readConfigFiles(io: Io): Promise<PartialConfig> {
  const named = io.env("USHERCLI_CONFIG");
  const paths = ["/etc/usher/cli.yaml", `${homeOf(io)}/.usher/cli.yaml`];
  let merged: PartialConfig = {};
  for (const path of paths) {
    const text = await readPlainOrNull(path);
    if (text !== null) merged = { ...merged, ...await readConfig(path, text) };
  }
  if (!named) return merged;
  const text = await readPlainOrNull(named);
  if (text === null) {
    throw new UsageError(
      `Cannot read ${named}, which USHERCLI_CONFIG names: there is no such file`,
      "unset USHERCLI_CONFIG, or make it name a cli.yaml",
    );
  }
  return { ...merged, ...await readConfig(named, text) };
}

async function readConfig(path: string, text: string): Promise<PartialConfig> {
  const plain = readPlainConfig(text);
  if (plain !== null) return plain;
  const { readYaml } = await import("../config/yaml_file.ts");
  const { CliConfig } = await import("../schema/config.ts");
  const given = readYaml(path, text, CliConfig);
  const { output: _, ...rest } = given;
  // Defaults must not hide what an earlier file says.
  return text.includes("output") ? given : rest;
}

/**
 * A file of comments and `key: value` lines, each value without a character
 * that means something to YAML; null for any other, whatever it is.
 */
export function readPlainConfig(text: string): PartialConfig | null {
  const found: Record<string, string | number> = {};
  for (const line of text.split("\n")) {
    if (/^\s*(#.*)?$/.test(line)) continue;
    const match =
      /^(controller|ca_file|credentials|output|hist_len): ("?)([A-Za-z0-9/._~:[\]-]*[A-Za-z0-9/._~-])\2 *$/
        .exec(line);
    const [, key, , value] = match ?? [];
    if (key === undefined || value === undefined || key in found) return null;
    if (value.includes("://") && !URL.canParse(value)) return null;
    if (key === "controller" && !value.includes("://")) return null;
    if (key === "output" && !FORMATS.some((name) => name === value)) {
      return null;
    }
    if (value.startsWith("[") || value.startsWith("-") || value === "~") {
      return null;
    }
    const isNumber = key === "hist_len";
    if (isNumber && !/^[1-9]\d{0,4}$/.test(value)) return null;
    found[key] = isNumber ? Number(value) : value;
  }
  return found as PartialConfig;
}
