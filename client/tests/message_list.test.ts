import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { PAGE } from "../../widget/src/page/texts.ts";
import { type ConversationLog, EMPTY_LOG } from "../src/conversation_log.ts";
import { define } from "../src/ui/define.ts";
import { MessageList } from "../src/ui/message_list.ts";
import { message } from "./frames.ts";

define("idc-message-list", MessageList);

async function listOf(log: Partial<ConversationLog>): Promise<{ element: MessageList; root: ShadowRoot }> {
  const element = new MessageList();
  element.log = { ...EMPTY_LOG, ...log };
  element.ownLabel = "U";
  element.otherLabel = "Medewerker";
  document.body.append(element);
  await element.updateComplete;
  const root = element.shadowRoot;
  if (root === null) throw new Error("not rendered");
  return { element, root };
}

beforeEach(() => void vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout"] }));

afterEach(() => {
  document.body.replaceChildren();
  vi.useRealTimers();
});

describe("a message", () => {
  it("is text, whatever is in it", async () => {
    const text = '<img src=x onerror="alert(1)"> <script>alert(1)</script>';
    const { root } = await listOf({ events: [message(1, { text })] });
    expect(root.querySelector(".bubble")?.textContent).toBe(text);
    expect(root.querySelectorAll("img, script")).toHaveLength(0);
  });

  it("keeps its line breaks and spaces, and gets none of ours", async () => {
    const { root } = await listOf({ events: [message(1, { text: "a\n  b" })] });
    expect(root.querySelector(".bubble")?.textContent).toBe("a\n  b");
  });

  it("has links that give nothing away and cannot reach back", async () => {
    const { root } = await listOf({ events: [message(1, { text: "see https://example.org/" })] });
    const link = root.querySelector("a");
    expect(link?.getAttribute("href")).toBe("https://example.org/");
    expect(link?.getAttribute("rel")?.split(" ")).toEqual(expect.arrayContaining(["noopener", "noreferrer"]));
  });

  it("of an agent carries the agent's name, one of one's own does not", async () => {
    const events = [message(1, { name: "Anna" }), message(2, { by: "end_user" })];
    const { root } = await listOf({ events });
    expect([...root.querySelectorAll(".who")].map((who) => who.textContent)).toEqual(["Anna", "U"]);
  });

  it("on its way says so, and one that was refused can be tried again", async () => {
    const { element, root } = await listOf({ outgoing: [{ id: "c-1", text: "hello", state: "sending" }] });
    expect(root.querySelector(".pending .when")?.textContent).toContain("Wordt verstuurd");
    element.log = { ...EMPTY_LOG, outgoing: [{ id: "c-1", text: "hello", state: "refused" }] };
    await element.updateComplete;
    const retried = vi.fn();
    element.addEventListener("retry", retried);
    root.querySelector<HTMLButtonElement>(".refused button")?.click();
    expect(retried).toHaveBeenCalledOnce();
  });

  it("of one's own is marked as read once the other has seen it", async () => {
    const events = [message(1, { by: "end_user" }), message(2, { by: "end_user" })];
    const { element, root } = await listOf({ events, seenByOther: 1 });
    expect(root.textContent).toContain("Verstuurd");
    element.log = { ...element.log, seenByOther: 2 };
    await element.updateComplete;
    expect(root.textContent).toContain("Gelezen");
  });
});

describe("a message that was lost", () => {
  const loss = { ...message(2), type: "maybe_lost", at: 1_000_100, by: "system" } as const;
  const lost: Partial<ConversationLog> = {
    logId: "log-1",
    events: [message(1), loss],
    missing: [{ id: "c-1", text: "hello", at: 1_000_050 }],
    replaced: true,
  };

  it("can be sent again, or removed; while nothing can be said, it can only be removed", async () => {
    const { element, root } = await listOf(lost);
    const buttons = () => [...root.querySelectorAll(".lost button")].map((button) => button.textContent);
    expect(root.querySelector(".lost .when")?.textContent).toBe("Niet bewaard, door een storing");
    expect(buttons()).toEqual(["Weghalen"]);
    element.canSend = true;
    await element.updateComplete;
    expect(buttons()).toEqual(["Opnieuw versturen", "Weghalen"]);
    const asked = vi.fn();
    element.addEventListener("retry", asked);
    root.querySelector<HTMLButtonElement>(".lost button")?.click();
    expect(asked.mock.calls[0]?.[0].message).toMatchObject({ id: "c-1", text: "hello", state: "lost" });
  });

  it("is told once, with how many there are; what comes again with it is not read out", async () => {
    const { element, root } = await listOf({ logId: "log-0", events: [message(1, { log_id: "log-0" })] });
    element.eventTexts = PAGE.in("nl").events;
    vi.advanceTimersByTime(2_000);
    const told = () => root.querySelector("[role=status]")?.textContent;
    element.log = { ...EMPTY_LOG, ...lost };
    await element.updateComplete;
    expect(root.querySelector("[role=log]")?.getAttribute("aria-live")).toBe("off");
    expect(told()).toContain("Er was een storing.");
    expect(told()).toContain("1 bericht van u is niet bewaard.");
    vi.advanceTimersByTime(2_000);
    await element.updateComplete;
    expect(told()).toBe("");
    element.log = { ...element.log, seenByOther: 1 };
    await element.updateComplete;
    expect(told()).toBe("");
  });

  it("is history after a load of the page: nothing is told", async () => {
    const { root } = await listOf({ ...lost, replaced: false });
    vi.advanceTimersByTime(2_000);
    expect(root.querySelector("[role=status]")?.textContent).toBe("");
  });
});

describe("for who listens", () => {
  it("the history is not read out, what comes later is", async () => {
    const { element, root } = await listOf({ events: [message(1)] });
    expect(root.querySelector("[role=log]")?.getAttribute("aria-live")).toBe("off");
    vi.advanceTimersByTime(2_000);
    await element.updateComplete;
    expect(root.querySelector("[role=log]")?.getAttribute("aria-live")).toBe("polite");
  });

  it("the log is around the list, so that its items stay items", async () => {
    const { root } = await listOf({ events: [message(1)] });
    expect(root.querySelector("[role=log] > ol > li")).not.toBeNull();
  });
});
