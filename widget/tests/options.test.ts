import { describe, expect, it } from "vitest";
import { optionsFrom } from "../src/start/options.ts";

const CORE = "https://core.example/base";

describe("the core's answer", () => {
  it("of the published core is enough, and members that are not known here do no harm", () => {
    const body = {
      auth_methods: [{ tag: "digid", name: "DigiD", image_path: "/digid.svg", more: 1 }],
      comm_methods: [{ tag: "chat", name: "Chat", image_path: "chat.svg" }],
      more: true,
    };
    const without = { description: undefined, availability: undefined };
    expect(optionsFrom(body, CORE)).toEqual({
      name: undefined,
      attributes: [],
      unauthenticated: false,
      authMethods: [{ tag: "digid", name: "DigiD", image: "https://core.example/digid.svg", ...without }],
      commMethods: [{ tag: "chat", name: "Chat", image: "https://core.example/base/chat.svg", ...without }],
    });
  });

  it("of ours says what it is about, what is shared, and who is there", () => {
    const until = "2026-11-23T17:00:00+01:00";
    const body = {
      name: "Verhuizing doorgeven",
      attributes: [{ tag: "fullname", name: "Naam" }],
      unauthenticated: true,
      auth_methods: [{ tag: "digid", name: "DigiD", image_path: "", description: "Met de app." }],
      comm_methods: [
        {
          tag: "chat",
          name: "Chat",
          image_path: "",
          availability: { open: true, until, agents: 2, waiting: 1, expected_wait: 90 },
        },
      ],
    };
    expect(optionsFrom(body, CORE)).toMatchObject({
      name: "Verhuizing doorgeven",
      attributes: ["Naam"],
      unauthenticated: true,
      authMethods: [{ description: "Met de app." }],
      commMethods: [{ availability: { open: true, until, agents: 2, expectedWait: 90 } }],
    });
  });

  it.each([
    [undefined],
    ["text"],
    [{}],
    [{ auth_methods: [{ tag: "digid" }], comm_methods: [{ tag: "chat", name: "Chat" }] }],
    [{ auth_methods: 7, comm_methods: [] }],
  ])("that makes no sense is not used: %j", (body) => {
    expect(optionsFrom(body, CORE)).toBeUndefined();
  });

  it.each([
    [{ open: "yes" }, undefined],
    [7, undefined],
    [{ open: true, until: "next week", agents: -1, expected_wait: "long" }, { open: true }],
  ])("says nothing about who is there by %j", (availability, said) => {
    const method = { tag: "a", name: "A", image_path: "", availability };
    const read = optionsFrom({ auth_methods: [method], comm_methods: [method] }, CORE);
    expect(read?.commMethods[0]?.availability).toEqual(
      said && { ...said, until: undefined, agents: undefined, expectedWait: undefined },
    );
  });

  it("cannot bring in an image that is a script", () => {
    const method = { tag: "a", name: "A", image_path: "javascript:alert(1)" };
    const read = optionsFrom({ auth_methods: [method], comm_methods: [method] }, CORE);
    expect(read?.authMethods[0]?.image).toBeUndefined();
  });
});
