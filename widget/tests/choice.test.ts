import { describe, expect, it } from "vitest";
import { answered, choiceOf, chosen, isLastStep, moved, stepOf } from "../src/start/choice.ts";
import { coreUrl } from "../src/start/core_url.ts";
import { type Options, optionsFrom } from "../src/start/options.ts";

const CORE = "https://core.example/base";

function options(auth: number, comm: number): Options {
  const methods = (count: number, kind: string) =>
    Array.from({ length: count }, (_, index) => ({
      tag: `${kind}${index}`,
      name: `${kind} ${index}`,
      image: undefined,
    }));
  return { authMethods: methods(auth, "auth"), commMethods: methods(comm, "comm") };
}

describe("what is asked", () => {
  it.each([
    [2, 2, ["auth", "comm"]],
    [2, 1, ["auth"]],
    [1, 2, ["comm"]],
    [1, 1, ["summary"]],
  ])("with %i ways to identify and %i ways to talk: %j", (auth, comm, steps) => {
    expect(choiceOf(options(auth, comm)).steps).toEqual(steps);
  });

  it("a single way is chosen already", () => {
    expect(choiceOf(options(1, 2))).toMatchObject({ auth: "auth0", comm: undefined });
  });

  it("is not passed over without an answer, and can be gone back to with the answer kept", () => {
    const first = choiceOf(options(2, 2));
    expect(stepOf(moved(first, 1))).toBe("auth");
    const second = moved(chosen(first, "auth1"), 1);
    expect(stepOf(second)).toBe("comm");
    expect(isLastStep(second)).toBe(true);
    expect(answered(second)).toBe(false);
    expect(moved(second, -1)).toMatchObject({ at: 0, auth: "auth1" });
  });
});

describe("the core's answer", () => {
  it("may have members that are not known here", () => {
    const body = {
      auth_methods: [{ tag: "digid", name: "DigiD", image_path: "/digid.svg", more: 1 }],
      comm_methods: [{ tag: "chat", name: "Chat", image_path: "chat.svg" }],
      more: true,
    };
    expect(optionsFrom(body, CORE)).toEqual({
      authMethods: [{ tag: "digid", name: "DigiD", image: "https://core.example/digid.svg" }],
      commMethods: [{ tag: "chat", name: "Chat", image: "https://core.example/base/chat.svg" }],
    });
  });

  it.each([
    [undefined],
    ["text"],
    [{}],
    [{ auth_methods: [], comm_methods: [] }],
    [{ auth_methods: [{ tag: "digid" }], comm_methods: [{ tag: "chat", name: "Chat" }] }],
    [{ auth_methods: 7, comm_methods: [] }],
  ])("that makes no sense is not used: %j", (body) => {
    expect(optionsFrom(body, CORE)).toBeUndefined();
  });

  it("cannot bring in an image that is a script", () => {
    const method = { tag: "a", name: "A", image_path: "javascript:alert(1)" };
    const read = optionsFrom({ auth_methods: [method], comm_methods: [method] }, CORE);
    expect(read?.authMethods[0]?.image).toBeUndefined();
  });
});

describe("where the core is", () => {
  function script(src: string): HTMLScriptElement {
    const element = document.createElement("script");
    element.type = "text/plain";
    element.src = src;
    return element;
  }

  it("is said by the page", () => {
    expect(coreUrl("https://core.example/base/", [])).toBe("https://core.example/base");
  });

  it("follows from where the script came from", () => {
    const scripts = [script("https://site.example/other.js"), script("https://core.example/base/static/widget.js?v=1")];
    expect(coreUrl("", scripts)).toBe("https://core.example/base");
  });

  it("is the page's own place when nothing else is known", () => {
    expect(coreUrl("", [])).toBe(location.origin);
  });
});
