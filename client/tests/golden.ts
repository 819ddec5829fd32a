import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import type { ToEndUser, ToStaff } from "../src/generated/messages.ts";

interface Directions {
  to_end_user: ToEndUser;
  to_staff: ToStaff;
}

/** The golden files of one direction, as [file name, frame]. The tests of the server read the same files. */
export function goldenFrames<D extends keyof Directions>(direction: D): [string, Directions[D]][] {
  const directory = join("tests", "golden", direction);
  return readdirSync(directory)
    .sort()
    .map((name) => [name, JSON.parse(readFileSync(join(directory, name), "utf8")) as Directions[D]]);
}

export function goldenFrame<D extends keyof Directions>(direction: D, name: string): Directions[D] {
  const found = goldenFrames(direction).find(([file]) => file === `${name}.json`);
  if (found === undefined) throw new Error(`no golden file ${direction}/${name}.json`);
  return found[1];
}
