import type { Availability } from "../src/start/availability.ts";
import type { Method, Options } from "../src/start/options.ts";

export const open: Availability = { open: true, until: undefined, agents: 1, expectedWait: 60 };
export const closed: Availability = { ...open, open: false };

/** A method as the core offers it. */
export function method(tag: string, availability?: Availability): Method {
  return { tag, name: `Name of ${tag}`, image: undefined, description: undefined, availability };
}

/** So many methods: `auth0`, `auth1`, …, and `comm0`, `comm1`, …. */
export function options(auth: number, comm: number): Options {
  const methods = (count: number, kind: string) =>
    Array.from({ length: count }, (_, index) => method(`${kind}${index}`));
  return {
    name: "Verhuizing doorgeven",
    attributes: ["Naam", "Adres"],
    unauthenticated: false,
    authMethods: methods(auth, "auth"),
    commMethods: methods(comm, "comm"),
  };
}
