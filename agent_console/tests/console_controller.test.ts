import { beforeEach, describe, expect, it } from "vitest";
import type { StaffConversation, StaffWelcome } from "../../client/src/generated/messages.ts";
import { FakeEnvironment } from "../../client/tests/fake_environment.ts";
import { CONVERSATION, message, staffWelcome } from "../../client/tests/frames.ts";
import { ConsoleController } from "../src/console_controller.ts";

const HOST = {
  socketUrl: () => "wss://example.test/console/socket",
  callForAttention: () => {},
  accepted: () => {},
  addController: () => {},
  removeController: () => {},
  requestUpdate: () => {},
  updateComplete: Promise.resolve(true),
};

const ACTIVE: StaffConversation = {
  id: CONVERSATION,
  version: 1,
  phase: "active",
  purpose: "report_move",
  purpose_label: "Verhuizing doorgeven",
  auth: { status: "given" },
  agent: "anna",
  language: "nl",
  channel: "chat",
  entered_at: 1_000,
  accepted_at: 2_000,
  end_user_present: true,
};

let environment: FakeEnvironment;
let controller: ConsoleController;

function opens(): void {
  controller = new ConsoleController(HOST, environment);
  controller.hostConnected();
  environment.socket.opens();
}

/** Anna says something; the server takes it, and does not get to what she says next. */
function annaTalks(): void {
  opens();
  environment.socket.says(staffWelcome({ conversations: [ACTIVE] }));
  controller.say(CONVERSATION, "said");
  const [said] = environment.socket.sentOf("send");
  environment.socket.says(message(1, { name: "Anna", text: "said", ...(said && { command: said.id }) }));
  environment.socket.says({ type: "ack", id: said?.id, seq: 1, at: 1_000_001 });
  controller.say(CONVERSATION, "never sent");
  environment.kept.set(`idcontact.draft.${CONVERSATION}`, "half a sentence");
}

function welcomeOfBob(): StaffWelcome {
  const { me } = staffWelcome();
  return staffWelcome({ me: { ...me, id: "bob", name: "Bob" } });
}

function keptNames(): string[] {
  return [...environment.kept.keys()].sort();
}

beforeEach(() => {
  environment = new FakeEnvironment();
  annaTalks();
});

describe("what a tab keeps of an agent", () => {
  const said = "idcontact.said.staff.anna";
  const unsent = "idcontact.outbox.staff.anna";
  const draft = `idcontact.draft.${CONVERSATION}`;

  it("is there for a reload", () => {
    expect(keptNames()).toEqual([draft, unsent, said]);
  });

  it("is no longer what was said when the log-in lapses; what was never sent waits for the same agent", () => {
    environment.socket.closes(4401);
    expect(keptNames()).toEqual([draft, unsent]);
    opens();
    environment.socket.says(staffWelcome({ conversations: [ACTIVE] }));
    expect(environment.socket.sentOf("send").map(({ text }) => text)).toContain("never sent");
  });

  it("is forgotten as well where the log-in had lapsed before the page was loaded again", () => {
    opens();
    environment.socket.closes(4401);
    expect(keptNames()).toEqual([draft, unsent]);
  });

  it.each([4401, 4409])("is gone with the next agent in this tab, after a close with %i", (code) => {
    environment.socket.closes(code);
    opens();
    environment.socket.says(welcomeOfBob());
    expect(keptNames()).toEqual([]);
    expect(environment.socket.sentOf("send")).toEqual([]);
  });

  it("is gone when somebody logs out, also before the page has heard who it is", () => {
    opens();
    controller.logOut();
    expect(keptNames().filter((name) => name !== draft)).toEqual([]);
  });

  it.each<[string, StaffConversation[]]>([
    ["over", [{ ...ACTIVE, version: 2, phase: "wrapping_up" }]],
    ["a colleague's, or purged", []],
  ])("is not what was said in a conversation that is %s when the page is loaded again", (_what, conversations) => {
    environment.kept.delete(unsent);
    opens();
    environment.socket.says(staffWelcome({ conversations }));
    expect(keptNames()).not.toContain(said);
  });
});
