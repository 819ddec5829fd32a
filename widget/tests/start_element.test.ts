import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { define } from "../../client/src/ui/define.ts";
import { StartElement } from "../src/start/start_element.ts";

define("id-contact", StartElement);

const OPTIONS = {
  auth_methods: [
    { tag: "digid", name: "DigiD", image_path: "" },
    { tag: "yivi", name: "Yivi", image_path: "" },
  ],
  comm_methods: [{ tag: "chat", name: "Chat", image_path: "" }],
};

const fetching = vi.fn<typeof fetch>();

async function block(attributes: Record<string, string> = {}): Promise<{ element: StartElement; root: ShadowRoot }> {
  const element = document.createElement("id-contact") as StartElement;
  for (const [name, value] of Object.entries({ purpose: "report_move", core: "https://core.example", ...attributes })) {
    element.setAttribute(name, value);
  }
  document.body.append(element);
  await settled(element);
  const root = element.shadowRoot;
  if (root === null) throw new Error("not rendered");
  return { element, root };
}

async function settled(element: StartElement): Promise<void> {
  await vi.waitFor(() => {
    if (element.shadowRoot?.querySelector("form, [role=alert]") == null) throw new Error("still asking");
  });
  await element.updateComplete;
}

function fields(root: ShadowRoot): Record<string, string> {
  const inputs = [...root.querySelectorAll<HTMLInputElement>("input")];
  const sent = inputs.filter((input) => input.type === "hidden" || input.checked);
  return Object.fromEntries(sent.map(({ name, value }) => [name, value]));
}

beforeEach(() => {
  fetching.mockReset();
  fetching.mockImplementation(async () => Response.json(OPTIONS));
  vi.stubGlobal("fetch", fetching);
});

afterEach(() => {
  document.body.replaceChildren();
  vi.unstubAllGlobals();
});

describe("the block on a municipality's page", () => {
  it("asks the core for exactly JSON, in the page's language, and gives no cookies", async () => {
    await block({ lang: "en" });
    const [url, init] = fetching.mock.calls[0] ?? [];
    expect(url).toBe("https://core.example/session_options/report_move");
    expect(init).toMatchObject({
      headers: { Accept: "application/json", "Accept-Language": "en" },
      credentials: "omit",
    });
  });

  it("asks only what leaves a choice, and says what will happen once it is made", async () => {
    const { element, root } = await block();
    expect(root.querySelectorAll("fieldset")).toHaveLength(1);
    expect(root.querySelector(".happens")).toBeNull();
    root.querySelector<HTMLInputElement>("input[value=yivi]")?.click();
    await element.updateComplete;
    expect(root.querySelector(".happens")?.textContent).toContain("Yivi");
  });

  it("does not start without a choice, and says so", async () => {
    const { element, root } = await block();
    const submitted = new SubmitEvent("submit", { cancelable: true });
    root.querySelector("form")?.dispatchEvent(submitted);
    await element.updateComplete;
    expect(submitted.defaultPrevented).toBe(true);
    expect(root.querySelector(".reminder")?.textContent).toContain("Maak eerst een keuze");
  });

  it("starts by a form of the top page with what the core wants to know", async () => {
    const { element, root } = await block({ "return-url": "https://town.example/contact" });
    root.querySelector<HTMLInputElement>("input[value=digid]")?.click();
    await element.updateComplete;
    const form = root.querySelector("form");
    expect([form?.method, form?.getAttribute("action"), form?.target]).toEqual([
      "post",
      "https://core.example/start",
      "_top",
    ]);
    expect(fields(root)).toEqual({
      purpose: "report_move",
      auth_method: "digid",
      comm_method: "chat",
      lang: "nl",
      return_url: "https://town.example/contact",
    });
  });

  it("does not start twice", async () => {
    const { element, root } = await block();
    root.querySelector<HTMLInputElement>("input[value=digid]")?.click();
    await element.updateComplete;
    const [first, second] = [0, 1].map(() => new SubmitEvent("submit", { cancelable: true }));
    if (first === undefined || second === undefined) throw new Error("two events");
    // A real form would leave the page here.
    root.addEventListener("submit", (event) => event.stopPropagation());
    root.querySelector("form")?.dispatchEvent(first);
    root.querySelector("form")?.dispatchEvent(second);
    expect([first.defaultPrevented, second.defaultPrevented]).toEqual([false, true]);
  });

  it("says that the core cannot be reached, and tries again when asked", async () => {
    fetching.mockRejectedValueOnce(new TypeError("Failed to fetch"));
    const { element, root } = await block();
    expect(root.querySelector("[role=alert]")?.textContent).toContain("geen verbinding");
    root.querySelector<HTMLButtonElement>("[role=alert] button")?.click();
    await vi.waitFor(() => expect(root.querySelector("form")).not.toBeNull());
    expect(element.shadowRoot?.querySelector("[role=alert] button")).toBeNull();
  });

  it("says that the purpose is unknown, and does not offer to try again", async () => {
    fetching.mockImplementation(async () => Response.json({ error: { code: "bad_request" } }, { status: 400 }));
    const { root } = await block({ lang: "en" });
    expect(root.querySelector("[role=alert]")?.textContent).toContain("cannot contact us here about this subject");
    expect(root.querySelector("button")).toBeNull();
  });

  it("drops the answer to a question that is no longer asked", async () => {
    let answerFirst: (response: Response) => void = () => {};
    fetching.mockImplementationOnce(() => new Promise((resolve) => (answerFirst = resolve)));
    const element = document.createElement("id-contact") as StartElement;
    element.setAttribute("purpose", "old");
    document.body.append(element);
    await element.updateComplete;
    element.setAttribute("purpose", "passport");
    await settled(element);
    answerFirst(Response.json({ auth_methods: [], comm_methods: [] }));
    await element.updateComplete;
    expect(element.shadowRoot?.querySelector("[role=alert] button")).toBeNull();
    expect(element.shadowRoot?.querySelector("form")).not.toBeNull();
  });
});
