import { describe, expect, it } from "vitest";
import { coreUrl } from "../src/start/core_url.ts";

describe("where the core is", () => {
  it("is said by the page", () => {
    expect(coreUrl("https://core.example/base/", "https://other.example/widget.js")).toBe("https://core.example/base");
  });

  it.each([
    ["https://core.example/widget.js", "https://core.example"],
    ["https://core.example/base/static/widget.js?v=1", "https://core.example/base"],
    ["https://core.example/base/widget.js#x", "https://core.example/base"],
  ])("follows from where the module came from: %s", (module, core) => {
    expect(coreUrl("", module)).toBe(core);
  });

  it.each([["https://cdn.example/town-bundle.js"], ["file:///static/widget.js"]])(
    "is the page's own place when %s does not say it",
    (module) => {
      expect(coreUrl("", module)).toBe(location.origin);
    },
  );

  it("is not asked for at an address that is none", () => {
    expect(coreUrl("https://", "https://core.example/widget.js")).toBe("https://core.example");
  });
});
