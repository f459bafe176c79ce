/**
 * Which names a VM should have, and which it should not have any more: by its
 * record, and by what was written down of it. Pure.
 *
 * @module
 */
import type { Vm } from "@usher/plugin";
import type { Entry } from "./book.ts";
import type { TypeName } from "./message.ts";
import type { Claim, Place } from "./ownership.ts";
import { addressType, reverseName, zoneOf } from "./reverse.ts";

/** What names are made of. */
export interface NameOptions {
  readonly zone: string;
  readonly reverse_zones: readonly string[];
  readonly owner: string;
  readonly ttl: number;
  /** Keys of a VM's arguments that hold its addresses. */
  readonly addresses: readonly string[];
}

/** What is to be done for one VM. */
export interface Due {
  readonly claims: readonly Claim[];
  readonly releases: readonly Place[];
  /** Every address whose names the server may have until all of it is done. */
  readonly all: readonly string[];
}

/** What is at the name of a VM. */
const FORWARD: readonly TypeName[] = ["A", "AAAA"];

/** All that a VM with these addresses should have at the server. */
export function claimsOf(
  name: string,
  addresses: readonly string[],
  options: NameOptions,
): Claim[] {
  if (addresses.length === 0) return [];
  const reverse = addresses.map((it) => reverseOf(it, name, options));
  return [
    forwardOf(name, addresses, options),
    ...reverse.filter((it) => it !== null),
  ];
}

/** What makes the server have that, and nothing else of what it was told before. */
export function dueFor(
  name: string,
  addresses: readonly string[],
  before: Entry | null,
  options: NameOptions,
): Due {
  const old = before?.addresses ?? [];
  const gone = old.filter((it) => !addresses.includes(it))
    .map((it) => reverseOf(it, name, options)).filter((it) => it !== null);
  const isNameless = before !== null && addresses.length === 0;
  return {
    claims: claimsOf(name, addresses, options),
    releases: isNameless ? [...gone, forwardOf(name, [], options)] : gone,
    all: [...new Set([...old, ...addresses])],
  };
}

/** The kinds of records that are ours in a zone. */
export function typesIn(
  zone: string,
  options: NameOptions,
): readonly TypeName[] {
  return zone === options.zone ? FORWARD : ["PTR"];
}

/** The addresses that a VM's arguments tell of; `hear` is told of what is none. */
export function addressesOf(
  vm: Vm,
  { addresses }: NameOptions,
  hear: (text: string) => void,
): string[] {
  const texts = addresses.flatMap((key) => {
    const text = vm.args[key]?.trim() ?? "";
    return text === "" ? [] : [text];
  });
  return [...new Set(texts)].filter((text) => {
    const isAddress = addressType(text) !== null;
    if (!isAddress) hear(text);
    return isAddress;
  });
}

/** Whether these are the same addresses, in any order. */
export function areSame(a: readonly string[], b: readonly string[]): boolean {
  return a.length === b.length && a.every((it) => b.includes(it));
}

function forwardOf(
  name: string,
  addresses: readonly string[],
  { zone }: NameOptions,
): Claim {
  return {
    zone,
    name: `${name}.${zone}`,
    types: FORWARD,
    values: addresses.map((data) => ({
      type: addressType(data) ?? "A",
      data,
    })),
  };
}

function reverseOf(
  address: string,
  name: string,
  options: NameOptions,
): Claim | null {
  const at = reverseName(address);
  const zone = zoneOf(at, options.reverse_zones);
  if (zone === null) return null;
  const data = `${name}.${options.zone}`;
  return { zone, name: at, types: ["PTR"], values: [{ type: "PTR", data }] };
}
