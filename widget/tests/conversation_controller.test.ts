import { beforeEach, describe, expect, it } from "vitest";
import { FakeEnvironment } from "../../client/tests/fake_environment.ts";
import { CONVERSATION, conversation, message, OTHER, welcome } from "../../client/tests/frames.ts";
import { ConversationController } from "../src/page/conversation_controller.ts";

const HOST = {
  socketUrl: () => "wss://example.test/socket",
  callForAttention: () => {},
  addController: () => {},
  removeController: () => {},
  requestUpdate: () => {},
  updateComplete: Promise.resolve(true),
};

let environment: FakeEnvironment;

function opens(): ConversationController {
  const controller = new ConversationController(HOST, environment);
  controller.hostConnected();
  environment.socket.opens();
  return controller;
}

function keptNames(): string[] {
  return [...environment.kept.keys()].sort();
}

/** Somebody says two things, of which the server takes the first, and types at a third. */
beforeEach(() => {
  environment = new FakeEnvironment();
  const page = opens();
  environment.socket.says(welcome());
  page.say("said");
  const [said] = environment.socket.sentOf("send");
  environment.socket.says(message(1, { by: "end_user", text: "said", ...(said && { command: said.id }) }));
  environment.socket.says({ type: "ack", id: said?.id, seq: 1, at: 1_000_001 });
  page.say("never sent");
  environment.kept.set(`idcontact.draft.${CONVERSATION}`, "half a sentence");
});

describe("what a tab keeps of a conversation", () => {
  it("is there for a reload", () => {
    const names = ["draft", "outbox", "said"].map((kind) => `idcontact.${kind}.${CONVERSATION}`);
    expect(keptNames()).toEqual(names);
    opens();
    environment.socket.says(welcome());
    expect(keptNames()).toEqual(names);
  });

  it.each([4401, 4404])("is forgotten when the server closes with %i", (code) => {
    environment.socket.closes(code);
    expect(keptNames()).toEqual([]);
  });

  it.each([4401, 4404])("is forgotten when a page that was loaded again hears nothing but %i", (code) => {
    opens();
    environment.socket.closes(code);
    expect(keptNames()).toEqual([]);
  });

  it("stays while another page has the place of this one, which can take it back", () => {
    environment.socket.closes(4409);
    expect(keptNames()).toHaveLength(3);
  });

  it("is gone when another conversation begins in the same tab", () => {
    opens();
    environment.socket.says(welcome({ conversation: conversation({ id: OTHER }) }));
    expect(keptNames()).toEqual([]);
  });

  it("is not what was said when the conversation was over before the page was loaded again", () => {
    environment.kept.delete(`idcontact.outbox.${CONVERSATION}`);
    opens();
    environment.socket.says(welcome({ conversation: conversation({ version: 2, phase: "closed" }) }));
    expect(keptNames()).not.toContain(`idcontact.said.${CONVERSATION}`);
  });
});
