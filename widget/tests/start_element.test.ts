import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { define } from "../../client/src/ui/define.ts";
import type { StartEvents } from "../src/start/events.ts";
import { StartElement } from "../src/start/start_element.ts";

define("id-contact", StartElement);

const DIGID = { tag: "digid", name: "DigiD", image_path: "" };
const YIVI = { tag: "yivi", name: "Yivi", image_path: "" };
const CHAT = { tag: "chat", name: "Chat", image_path: "" };
const PHONE = { tag: "phone", name: "Bellen", image_path: "" };
const OPTIONS = { auth_methods: [DIGID, YIVI], comm_methods: [CHAT] };
const CLOSED = { open: false, until: "2099-11-23T09:00:00+01:00" };

const fetching = vi.fn<typeof fetch>();

function answering(body: unknown, status = 200): void {
  fetching.mockImplementation(async () => Response.json(body, { status }));
}

function made(attributes: Record<string, string> = {}): StartElement {
  const element = document.createElement("id-contact") as StartElement;
  for (const [name, value] of Object.entries({ purpose: "report_move", core: "https://core.example", ...attributes })) {
    element.setAttribute(name, value);
  }
  return element;
}

function rootOf(element: StartElement): ShadowRoot {
  if (element.shadowRoot === null) throw new Error("no shadow root");
  return element.shadowRoot;
}

async function until(root: ShadowRoot, selector: string): Promise<Element> {
  return await vi.waitFor(() => {
    const found = root.querySelector(selector);
    if (found === null) throw new Error(`no ${selector} in ${root.innerHTML}`);
    return found;
  });
}

/** A block in the page, as soon as it shows what came of asking. */
async function block(attributes: Record<string, string> = {}): Promise<{ element: StartElement; root: ShadowRoot }> {
  const element = made(attributes);
  document.body.append(element);
  await until(rootOf(element), "form, [role=alert], .notice");
  return { element, root: rootOf(element) };
}

function radio(root: ShadowRoot, tag: string): HTMLInputElement {
  const found = [...root.querySelectorAll<HTMLInputElement>("input[type=radio]")].find(({ value }) => value === tag);
  if (found === undefined) throw new Error(`no choice ${tag}`);
  return found;
}

async function chooses(root: ShadowRoot, tag: string): Promise<void> {
  radio(root, tag).click();
  await vi.waitFor(() => expect(radio(root, tag).checked).toBe(true));
  await drawn();
}

/** Until what happened is drawn. */
async function drawn(): Promise<void> {
  await new Promise<void>((resolve) => queueMicrotask(resolve));
}

async function submits(root: ShadowRoot): Promise<SubmitEvent> {
  const event = new SubmitEvent("submit", { cancelable: true });
  root.querySelector("form")?.dispatchEvent(event);
  await drawn();
  return event;
}

function fields(root: ShadowRoot): Record<string, string> {
  const inputs = [...root.querySelectorAll<HTMLInputElement>("input[type=hidden]")];
  return Object.fromEntries(inputs.map(({ name, value }) => [name, value]));
}

function heard<Name extends keyof StartEvents>(name: Name): StartEvents[Name][] {
  const details: StartEvents[Name][] = [];
  const listen = (event: Event) => details.push((event as CustomEvent<StartEvents[Name]>).detail);
  document.addEventListener(name, listen, { signal: listening.signal });
  return details;
}

let listening = new AbortController();

beforeEach(() => {
  listening = new AbortController();
  fetching.mockReset();
  answering(OPTIONS);
  vi.stubGlobal("fetch", fetching);
});

afterEach(() => {
  listening.abort();
  document.body.replaceChildren();
  vi.unstubAllGlobals();
  vi.useRealTimers();
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
    const { root } = await block();
    expect(root.querySelectorAll("fieldset")).toHaveLength(1);
    expect(root.querySelector(".happens")).toBeNull();
    await chooses(root, "yivi");
    expect(root.querySelector(".happens")?.textContent).toContain("Yivi");
  });

  it("does not start without a choice, and says so", async () => {
    const { root } = await block();
    expect((await submits(root)).defaultPrevented).toBe(true);
    expect(root.querySelector(".reminder")?.textContent).toContain("Maak eerst een keuze");
  });

  it("starts by a form of the top page with what the core wants to know", async () => {
    const { root } = await block({ "return-url": "https://town.example/contact" });
    await chooses(root, "digid");
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

  it("leaves the question's own field out of what is sent", async () => {
    const { root } = await block();
    const formData = new FormData();
    formData.set("way", "digid");
    root.querySelector("form")?.dispatchEvent(Object.assign(new Event("formdata"), { formData }));
    expect([...formData.keys()]).toEqual([]);
  });

  it("lets who may go on without identifying do so", async () => {
    answering({ ...OPTIONS, auth_methods: [DIGID], unauthenticated: true });
    const { root } = await block();
    await chooses(root, "");
    expect(fields(root)).not.toHaveProperty("auth_method");
    expect(root.textContent).toContain("U deelt geen gegevens met ons.");
  });

  it("leaves how to talk for afterwards where the page wants that", async () => {
    answering({ auth_methods: [DIGID], comm_methods: [CHAT, PHONE] });
    const { root } = await block({ "identify-first": "" });
    expect(root.querySelector("fieldset")).toBeNull();
    expect(fields(root)).toMatchObject({ auth_method: "digid" });
    expect(fields(root)).not.toHaveProperty("comm_method");
  });

  it("says what is shared before anyone identifies", async () => {
    answering({ ...OPTIONS, name: "Verhuizing doorgeven", attributes: [{ tag: "fullname", name: "Naam" }] });
    const { root } = await block();
    expect(root.querySelector(".shared")?.textContent).toBe("U deelt: naam. Waarvoor: verhuizing doorgeven.");
  });
});

describe("who is there", () => {
  it("is said beside each way to talk, and what is closed cannot be chosen", async () => {
    answering({
      auth_methods: [DIGID],
      comm_methods: [{ ...CHAT, availability: CLOSED, description: "Typen." }, PHONE],
    });
    const { root } = await block();
    expect(radio(root, "chat").disabled).toBe(true);
    expect(root.querySelector(".option")?.textContent).toMatch(
      /Typen\..*Gesloten tot maandag 23 november 09\.00 uur\./s,
    );
    expect(radio(root, "phone").disabled).toBe(false);
  });

  it("replaces the questions when it is all closed", async () => {
    const problems = heard("idc-problem");
    answering({ auth_methods: [DIGID], comm_methods: [{ ...CHAT, availability: CLOSED }] });
    const { root } = await block();
    expect(root.querySelector("form")).toBeNull();
    expect(root.querySelector(".notice")?.textContent).toContain("Gesloten tot");
    expect(problems).toEqual([{ problem: "closed" }]);
  });

  it("is asked again after a while, without disturbing who is choosing, and held against them only at the end", async () => {
    vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout", "Date"] });
    const present = { open: true, agents: 1, expected_wait: 120 };
    answering({ ...OPTIONS, comm_methods: [{ ...CHAT, availability: present }] });
    const { root } = await block();
    await chooses(root, "digid");
    expect(root.querySelector(".waiting")?.textContent).toContain("2 minuten");
    answering({ ...OPTIONS, comm_methods: [{ ...CHAT, availability: CLOSED }] });
    vi.advanceTimersByTime(46_000);
    await vi.waitFor(() => expect(root.querySelector(".waiting")?.textContent).toContain("Gesloten"));
    expect(radio(root, "digid").checked).toBe(true);
    expect((await submits(root)).defaultPrevented).toBe(true);
    expect(root.querySelector(".reminder")?.textContent).toContain("Chat is nu gesloten");
  });

  it("is not asked while nobody looks, but at once when somebody does", async () => {
    vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout", "Date"] });
    await block();
    const visibility = vi.spyOn(document, "visibilityState", "get").mockReturnValue("hidden");
    vi.advanceTimersByTime(300_000);
    expect(fetching).toHaveBeenCalledTimes(1);
    visibility.mockReturnValue("visible");
    document.dispatchEvent(new Event("visibilitychange"));
    expect(fetching).toHaveBeenCalledTimes(2);
  });
});

describe("starting", () => {
  it("does not happen twice", async () => {
    const { root } = await block();
    await chooses(root, "digid");
    // A real form would leave the page here.
    root.addEventListener("submit", (event) => event.stopPropagation());
    expect([(await submits(root)).defaultPrevented, (await submits(root)).defaultPrevented]).toEqual([false, true]);
  });

  it("that takes long may be tried again", async () => {
    vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout"] });
    const problems = heard("idc-problem");
    const { root } = await block();
    await chooses(root, "digid");
    await submits(root);
    vi.advanceTimersByTime(10_000);
    await drawn();
    expect(root.querySelector(".slow")?.textContent).toContain(
      "langer dan normaal. Er zijn nog geen gegevens gedeeld.",
    );
    expect(problems).toEqual([{ problem: "slow_start" }]);
    expect((await submits(root)).defaultPrevented).toBe(false);
  });

  it("is over when the browser shows this page again", async () => {
    const { root } = await block();
    await chooses(root, "digid");
    await submits(root);
    expect(root.querySelector("[type=submit]")?.getAttribute("aria-disabled")).toBe("true");
    window.dispatchEvent(new Event("pageshow"));
    await drawn();
    expect(root.querySelector("[type=submit]")?.hasAttribute("aria-disabled")).toBe(false);
    expect((await submits(root)).defaultPrevented).toBe(false);
  });

  it("can be kept from happening by the page", async () => {
    const { root } = await block();
    await chooses(root, "digid");
    document.addEventListener("idc-start", (event) => event.preventDefault(), { signal: listening.signal });
    const details = heard("idc-start");
    expect((await submits(root)).defaultPrevented).toBe(true);
    expect(root.querySelector("[type=submit]")?.hasAttribute("aria-disabled")).toBe(false);
    expect(details).toEqual([{ purpose: "report_move", authMethod: "digid", commMethod: "chat" }]);
  });
});

describe("what the page is told", () => {
  it("is what can be chosen, each step, and each choice", async () => {
    const [offered, steps, choices] = [heard("idc-options"), heard("idc-step"), heard("idc-choice")];
    answering({ auth_methods: [DIGID], unauthenticated: true, comm_methods: [CHAT, PHONE] });
    const { root } = await block();
    await chooses(root, "");
    await submits(root);
    await chooses(root, "phone");
    expect(offered).toEqual([
      { purpose: "report_move", authMethods: ["digid"], commMethods: ["chat", "phone"], open: true },
    ]);
    expect(steps).toEqual([
      { step: "auth", number: 1, of: 2 },
      { step: "comm", number: 2, of: 2 },
    ]);
    expect(choices).toEqual([
      { step: "auth", tag: undefined },
      { step: "comm", tag: "phone" },
    ]);
  });
});

describe("a problem", () => {
  it("of the connection is said, with what became of the person's data, and trying again works", async () => {
    fetching.mockRejectedValueOnce(new TypeError("Failed to fetch"));
    const { root } = await block();
    expect(root.querySelector("[role=alert]")?.textContent).toMatch(/geen verbinding.*geen gegevens gedeeld/);
    root.querySelector<HTMLButtonElement>(".notice button")?.click();
    await until(root, "form");
    expect(root.querySelector("[role=alert] button")).toBeNull();
  });

  it("that stays is said again, and the button stays where it is meanwhile", async () => {
    fetching.mockRejectedValueOnce(new TypeError("Failed to fetch"));
    const { root } = await block();
    const button = root.querySelector<HTMLButtonElement>(".notice button");
    let refuse: (reason: Error) => void = () => {};
    fetching.mockImplementationOnce(() => new Promise((_, reject) => (refuse = reject)));
    button?.click();
    await drawn();
    expect(button?.getAttribute("aria-disabled")).toBe("true");
    expect(root.querySelector("[role=alert]")?.textContent).toBe("");
    refuse(new TypeError("Failed to fetch"));
    await vi.waitFor(() => expect(button?.hasAttribute("aria-disabled")).toBe(false));
    expect(root.querySelector(".notice button")).toBe(button);
    expect(root.querySelector("[role=alert]")?.textContent).toContain("geen verbinding");
  });

  it.each([
    [400, { error: { code: "bad_request" } }, "unknown_purpose", "about this subject. See this website"],
    [404, {}, "unknown_purpose", "about this subject. See this website"],
    [503, {}, "failing", "a fault on our side"],
    [200, { auth_methods: "none" }, "failing", "a fault on our side"],
    [200, { auth_methods: [], comm_methods: [] }, "no_methods", "cannot reach us here"],
    [200, { auth_methods: [], comm_methods: [CHAT] }, "no_methods", "cannot reach us here"],
  ])("with the answer %i %j has its own words", async (status, body, problem, words) => {
    const problems = heard("idc-problem");
    answering(body, status);
    const { root } = await block({ lang: "en" });
    expect(root.querySelector("[role=alert]")?.textContent).toContain(words);
    expect(problems).toEqual([{ problem }]);
  });

  it("is an answer that does not come in time", async () => {
    vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout"] });
    fetching.mockImplementation(async (_, init) => {
      const body = new ReadableStream({
        start: (stream) => init?.signal?.addEventListener("abort", () => stream.error(new Error("aborted"))),
      });
      return new Response(body);
    });
    const element = made();
    document.body.append(element);
    await vi.waitFor(() => expect(fetching).toHaveBeenCalled());
    vi.advanceTimersByTime(10_000);
    await vi.waitFor(() => expect(rootOf(element).textContent).toContain("geen verbinding"));
  });

  it("of a purpose that is not known is not tried again", async () => {
    answering({}, 404);
    const { root } = await block();
    expect(root.querySelector("button")).toBeNull();
  });
});

describe("an element in any page", () => {
  it("keeps what was set before the browser knew it", async () => {
    const element = document.createElement("id-contact-early") as StartElement;
    Object.assign(element, { purpose: "passport", core: "https://core.example", identifyFirst: true });
    document.body.append(element);
    define("id-contact-early", class extends StartElement {});
    customElements.upgrade(element);
    await vi.waitFor(() => expect(fetching).toHaveBeenCalled());
    expect(fetching.mock.calls[0]?.[0]).toBe("https://core.example/session_options/passport");
    expect(element.getAttribute("purpose")).toBe("passport");
    expect(element.hasAttribute("identify-first")).toBe(true);
  });

  it("has properties that are its attributes", () => {
    const element = made();
    Object.assign(element, { returnUrl: "https://town.example/", headingLevel: 3, open: true, lang: "en" });
    expect(["return-url", "heading-level", "open", "lang"].map((name) => element.getAttribute(name))).toEqual([
      "https://town.example/",
      "3",
      "",
      "en",
    ]);
    Object.assign(element, { returnUrl: null, open: false });
    expect([element.hasAttribute("return-url"), element.hasAttribute("open")]).toEqual([false, false]);
    expect([element.returnUrl, element.open, element.purpose]).toEqual(["", false, "report_move"]);
  });

  it("asks again when the purpose changes, and drops the answer to a question that is no longer asked", async () => {
    let answerFirst: (response: Response) => void = () => {};
    fetching.mockImplementationOnce(() => new Promise((resolve) => (answerFirst = resolve)));
    const element = made({ purpose: "old" });
    document.body.append(element);
    await vi.waitFor(() => expect(fetching).toHaveBeenCalledTimes(1));
    element.purpose = "passport";
    await until(rootOf(element), "form");
    answerFirst(Response.json({ auth_methods: [], comm_methods: [] }));
    await drawn();
    expect(rootOf(element).querySelector("form")).not.toBeNull();
  });

  it("speaks another language as soon as it is told to", async () => {
    const { element, root } = await block();
    element.lang = "en";
    await vi.waitFor(() => expect(root.querySelector("legend")?.textContent).toContain("show who you are"));
    expect(fetching).toHaveBeenCalledTimes(2);
  });

  it("may be taken out while it asks, and put back", async () => {
    fetching.mockImplementationOnce(
      (_, init) =>
        new Promise((_resolve, reject) => {
          init?.signal?.addEventListener("abort", () => reject(init.signal?.reason));
        }),
    );
    const element = made();
    document.body.append(element);
    await vi.waitFor(() => expect(fetching).toHaveBeenCalledTimes(1));
    element.remove();
    document.body.append(element);
    await until(rootOf(element), "form");
    expect(fetching).toHaveBeenCalledTimes(2);
  });

  it("keeps the choice when it is moved", async () => {
    const { element, root } = await block();
    await chooses(root, "yivi");
    const elsewhere = document.body.appendChild(document.createElement("div"));
    elsewhere.append(element);
    await drawn();
    expect(radio(root, "yivi").checked).toBe(true);
  });

  it("has a heading at the level that the page asks for", async () => {
    const { root } = await block({ "heading-level": "4" });
    expect(root.querySelector("h2")?.getAttribute("aria-level")).toBe("4");
  });
});

describe("with a button of the page's own", () => {
  function behind(tag: "a" | "button"): { element: StartElement; button: HTMLElement } {
    const element = made();
    const button = document.createElement(tag);
    button.slot = "button";
    element.append(button);
    document.body.append(element);
    return { element, button };
  }

  /** A press, where it comes to: happy-dom leads no event from what is slotted through the slot. */
  function press(element: StartElement, keys: MouseEventInit = {}): MouseEvent {
    const event = new MouseEvent("click", { bubbles: true, cancelable: true, ...keys });
    rootOf(element).querySelector("slot")?.dispatchEvent(event);
    return event;
  }

  it("asks nothing and shows nothing until it is pressed", async () => {
    const { element, button } = behind("button");
    await drawn();
    expect([fetching.mock.calls.length, rootOf(element).querySelector(".root")]).toEqual([0, null]);
    expect(button.getAttribute("aria-expanded")).toBe("false");
    press(element);
    await until(rootOf(element), "form");
    expect([button.getAttribute("aria-expanded"), element.open]).toEqual(["true", true]);
  });

  it("closes by it again, and asks no second time", async () => {
    const { element } = behind("button");
    await drawn();
    press(element);
    await until(rootOf(element), "form");
    press(element);
    await drawn();
    expect(rootOf(element).querySelector("form")).toBeNull();
    press(element);
    await until(rootOf(element), "form");
    expect(fetching).toHaveBeenCalledTimes(1);
  });

  it("takes a link for a button, unless it is to open elsewhere", async () => {
    const { element } = behind("a");
    await drawn();
    expect([press(element, { ctrlKey: true }).defaultPrevented, element.open]).toEqual([false, false]);
    expect([press(element).defaultPrevented, element.open]).toEqual([true, true]);
  });
});
