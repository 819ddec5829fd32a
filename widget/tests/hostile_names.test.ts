import { afterEach, beforeEach, expect, it, vi } from "vitest";
import { define } from "../../client/src/ui/define.ts";
import { StartElement } from "../src/start/start_element.ts";

define("id-contact", StartElement);

const MARKUP = '<img src=x onerror="alert(1)"><b>bold</b>';
const PURPOSE = 'a/b "quoted" <b>🚚</b>?c#d';

function methods(kind: string): object[] {
  return [0, 1].map((number) => ({ tag: `${kind}${number}`, name: MARKUP, description: MARKUP, image_path: "" }));
}

const fetching = vi.fn<typeof fetch>();

beforeEach(() => {
  const options = {
    name: MARKUP,
    attributes: [{ tag: "a", name: MARKUP }],
    auth_methods: methods("auth"),
    comm_methods: methods("comm").slice(1),
  };
  fetching.mockImplementation(async () => Response.json(options));
  vi.stubGlobal("fetch", fetching);
});

afterEach(() => {
  document.body.replaceChildren();
  fetching.mockReset();
  vi.unstubAllGlobals();
});

it("shows names with markup in them as text, and asks for a purpose of any name", async () => {
  const element = document.createElement("id-contact") as StartElement;
  element.setAttribute("purpose", PURPOSE);
  element.setAttribute("core", "https://core.example");
  document.body.append(element);
  const root = element.shadowRoot;
  await vi.waitFor(() => expect(root?.querySelector("form")?.textContent).toContain(MARKUP));
  expect(root?.querySelectorAll("img, b")).toHaveLength(0);
  expect(String(fetching.mock.calls[0]?.[0])).toBe(
    `https://core.example/session_options/${encodeURIComponent(PURPOSE)}`,
  );
  const sent = [...(root?.querySelectorAll<HTMLInputElement>("input[type=hidden]") ?? [])];
  expect(sent.find(({ name }) => name === "purpose")?.value).toBe(PURPOSE);
});
