import { describe, expect, it } from "vitest";
import { piecesOf } from "../src/links.ts";

function linksIn(message: string): string[] {
  return piecesOf(message).flatMap(({ href }) => (href === undefined ? [] : [href]));
}

describe("links in messages", () => {
  it.each([
    ["see https://example.org/a?b=c#d", "https://example.org/a?b=c#d"],
    ["http://example.org.", "http://example.org/"],
    ["(at https://example.org/page)", "https://example.org/page"],
    ["https://example.org/wiki/Move_(law)", "https://example.org/wiki/Move_(law)"],
    ['he said "https://example.org/x"', "https://example.org/x"],
    ["HTTPS://EXAMPLE.ORG/Y!", "https://example.org/Y"],
  ])("are found in %s", (message, href) => {
    expect(linksIn(message)).toEqual([href]);
  });

  it.each([
    "javascript:alert(1)",
    "data:text/html,<b>x</b>",
    "https://digid.nl@elsewhere.example/",
    "https://user:secret@example.org/",
    "www.example.org",
    "https://",
    "ftp://example.org/",
    "no address at all",
  ])("are not made of %s", (message) => {
    expect(linksIn(message)).toEqual([]);
  });

  it.each(["a https://example.org b", "https://a.example,https://b.example", "\n<b>https://a.example</b>\u202e", ""])(
    "leave the text as it was typed: %j",
    (message) => {
      expect(
        piecesOf(message)
          .map(({ text }) => text)
          .join(""),
      ).toBe(message);
    },
  );
});
