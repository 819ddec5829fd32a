import { beforeEach, describe, expect, it } from "vitest";
import { CommandRefused, Connection, type ConnectionStatus, ConnectionStopped } from "../src/connection.ts";
import type { SendMessage, ToEndUser } from "../src/generated/messages.ts";
import { FakeEnvironment } from "./fake_environment.ts";
import { CONVERSATION, message, OTHER, welcome } from "./frames.ts";

let environment: FakeEnvironment;
let frames: ToEndUser[];
let statuses: ConnectionStatus[];
let restored: SendMessage[];
let connection: Connection<ToEndUser>;

function open(): Connection<ToEndUser> {
  const listener = {
    frameArrived: (frame: ToEndUser) => void frames.push(frame),
    statusChanged: (status: ConnectionStatus) => void statuses.push(status),
    messagesRestored: (messages: SendMessage[]) => void restored.push(...messages),
    scopeOf: () => CONVERSATION,
  };
  const opened = new Connection<ToEndUser>("wss://example.test/socket", listener, environment);
  opened.start();
  return opened;
}

function comesUp(): void {
  environment.socket.opens();
  environment.socket.says(welcome());
}

function lastStatus(): ConnectionStatus | undefined {
  return statuses.at(-1);
}

function textsShown(): string[] {
  return frames.filter((frame) => frame.type === "message").map(({ text }) => text);
}

function say(text: string): Promise<unknown> {
  return connection.send({ type: "send", conversation: CONVERSATION, text });
}

beforeEach(() => {
  environment = new FakeEnvironment();
  frames = [];
  statuses = [];
  restored = [];
  connection = open();
});

describe("saying hello", () => {
  it("has nothing on a first load", () => {
    environment.socket.opens();
    expect(environment.socket.sent).toEqual([{ type: "hello", have: [], page: "c-0", attempt: 1 }]);
    expect(lastStatus()).toEqual({ kind: "connecting" });
    environment.socket.says(welcome());
    expect(lastStatus()).toEqual({ kind: "online" });
  });

  it("says after a loss what it has, and is told only the rest", () => {
    comesUp();
    environment.socket.says(message(1), message(2));
    environment.socket.closes(1006);
    environment.passes(1000);
    environment.socket.opens();
    expect(environment.socket.sentOf("hello")[0]?.have).toEqual([
      { conversation: CONVERSATION, log: "public", log_id: "log-1", seq: 2, at: 1_000_002 },
    ]);
  });

  it("says each time that it is the same page, and how often it has tried", () => {
    environment.socket.opens();
    environment.passes(10_000);
    environment.passes(1_000);
    comesUp();
    connection.resync();
    const said = environment.sockets.flatMap((socket) => socket.sentOf("hello"));
    expect(said.map(({ page, attempt }) => [page, attempt])).toEqual([
      ["c-0", 1],
      ["c-0", 2],
      ["c-0", 2],
    ]);
  });

  it("gives up a server that takes the connection but never welcomes", () => {
    environment.socket.opens();
    environment.passes(10_000);
    expect(lastStatus()?.kind).toBe("offline");
  });
});

describe("events", () => {
  beforeEach(comesUp);

  it("come once, whatever is sent twice", () => {
    environment.socket.says(message(1), message(1), message(2), message(1));
    expect(textsShown()).toEqual(["message 1", "message 2"]);
  });

  it("that are missing are asked for, and nothing is shown out of order meanwhile", () => {
    environment.socket.says(message(1), message(3));
    expect(textsShown()).toEqual(["message 1"]);
    expect(environment.socket.sentOf("hello")).toHaveLength(2);
    environment.socket.says(welcome(), message(2), message(3));
    expect(textsShown()).toEqual(["message 1", "message 2", "message 3"]);
  });

  it("of a log under another id start again at 1", () => {
    environment.socket.says(message(1), message(1, { log_id: "log-2", text: "from the new log" }));
    expect(textsShown()).toEqual(["message 1", "from the new log"]);
  });

  it("are numbered per conversation and log", () => {
    environment.socket.says(message(1), message(1, { conversation: OTHER }), message(1, { log: "staff" }));
    expect(textsShown()).toHaveLength(3);
  });

  it("with a gap that never closes lead to a new connection, not to asking for ever", () => {
    for (let round = 0; round < 4; round += 1) environment.socket.says(message(7), welcome());
    expect(environment.sockets[0]?.closedWith).not.toBe("open");
    expect(lastStatus()?.kind).toBe("offline");
  });

  it("may be followed by nonsense without harm", () => {
    environment.socket.saysText("{");
    environment.socket.saysText("7");
    environment.socket.says({ type: "something_new", conversation: CONVERSATION }, message(1));
    expect(textsShown()).toEqual(["message 1"]);
  });
});

describe("commands", () => {
  it("wait for the welcome", () => {
    void say("hello");
    environment.socket.opens();
    expect(environment.socket.sentOf("send")).toEqual([]);
    environment.socket.says(welcome());
    expect(environment.socket.sentOf("send")).toEqual([
      { type: "send", id: "c-1", conversation: CONVERSATION, text: "hello" },
    ]);
  });

  it("are done when acknowledged", async () => {
    comesUp();
    const answer = say("hello");
    environment.socket.says({ type: "ack", id: "c-1", seq: 4 });
    await expect(answer).resolves.toEqual({ type: "ack", id: "c-1", seq: 4 });
  });

  it("without an answer are sent again under the same id after a loss", async () => {
    comesUp();
    const answer = say("hello");
    environment.socket.closes(1012);
    environment.passes(1500);
    comesUp();
    expect(environment.socket.sentOf("send").map(({ id }) => id)).toEqual(["c-1"]);
    environment.socket.says({ type: "ack", id: "c-1" });
    await answer;
    environment.socket.closes(1012);
    environment.passes(1500);
    comesUp();
    expect(environment.socket.sentOf("send")).toEqual([]);
  });

  it("of one conversation go one after the other, so that their order holds", () => {
    comesUp();
    void say("first");
    void say("second");
    expect(environment.socket.sentOf("send").map(({ text }) => text)).toEqual(["first"]);
    environment.socket.says({ type: "ack", id: "c-1" });
    expect(environment.socket.sentOf("send").map(({ text }) => text)).toEqual(["first", "second"]);
  });

  it("that are refused say why", async () => {
    comesUp();
    const answer = say("hello");
    environment.socket.says({ type: "error", id: "c-1", code: "conflict", message: "it is over" });
    await expect(answer).rejects.toEqual(new CommandRefused("conflict", "it is over"));
  });

  it.each(["unavailable", "rate_limited"])("that meet %s are sent again, in their order", async (code) => {
    comesUp();
    const answer = say("first");
    void say("second");
    environment.socket.says({ type: "error", id: "c-1", code, message: "later", retry_after_ms: 700 });
    environment.passes(699);
    expect(environment.socket.sentOf("send")).toHaveLength(1);
    environment.passes(1);
    expect(environment.socket.sentOf("send").map(({ id }) => id)).toEqual(["c-1", "c-1"]);
    environment.socket.says({ type: "ack", id: "c-1" });
    await answer;
    expect(environment.socket.sentOf("send").at(-1)?.text).toBe("second");
  });

  it("of two conversations that are both told to wait are both sent again", () => {
    comesUp();
    void say("here");
    void connection.send({ type: "send", conversation: OTHER, text: "there" });
    for (const id of ["c-1", "c-2"]) {
      environment.socket.says({ type: "error", id, code: "unavailable", message: "later", retry_after_ms: 500 });
    }
    environment.passes(500);
    expect(environment.socket.sentOf("send").map(({ id }) => id)).toEqual(["c-1", "c-2", "c-1", "c-2"]);
  });
});

describe("a reload", () => {
  it("keeps messages without an answer, under their ids", async () => {
    comesUp();
    void say("not lost");
    connection = open();
    comesUp();
    expect(restored).toEqual([{ type: "send", id: "c-1", conversation: CONVERSATION, text: "not lost" }]);
    expect(environment.socket.sentOf("send").map(({ id }) => id)).toEqual(["c-1"]);
    const answer = connection.answerTo("c-1");
    environment.socket.says({ type: "ack", id: "c-1", seq: 3 });
    await expect(answer).resolves.toMatchObject({ seq: 3 });
    expect(environment.kept.size).toBe(0);
  });

  it("does not press a button again", () => {
    comesUp();
    void connection.send({ type: "end", conversation: CONVERSATION });
    connection = open();
    comesUp();
    expect(environment.socket.sentOf("end")).toEqual([]);
  });

  it("forgets what was typed when somebody logs out", () => {
    comesUp();
    void say("for the next person at this desk?");
    connection.forgetUnsent();
    expect(environment.kept.size).toBe(0);
  });

  it("does no harm where storage is denied or holds nonsense", () => {
    environment.kept.set(`idcontact.outbox.${CONVERSATION}`, '[{"type":"send"},7]');
    connection = open();
    comesUp();
    expect(environment.socket.sentOf("send")).toEqual([]);
  });
});

describe("a lost connection", () => {
  it.each([
    [4401, "not_authenticated"],
    [4403, "not_allowed"],
    [4404, "gone"],
    [4409, "replaced"],
    [4400, "outdated"],
  ] as const)("closed with %i is not tried again", async (code, reason) => {
    comesUp();
    const answer = say("hello");
    environment.socket.closes(code);
    expect(lastStatus()).toEqual({ kind: "stopped", reason });
    await expect(answer).rejects.toThrow(ConnectionStopped);
    await expect(say("more")).rejects.toThrow(ConnectionStopped);
    environment.passes(600_000);
    environment.returns();
    expect(environment.sockets).toHaveLength(1);
  });

  it("is tried again, more slowly each time", () => {
    const waits: number[] = [];
    for (let round = 0; round < 8; round += 1) {
      environment.socket.closes(1006);
      const status = lastStatus();
      if (status?.kind !== "offline") throw new Error(`expected to be offline, not ${status?.kind}`);
      const wait = status.nextTryAt - environment.now();
      waits.push(wait);
      environment.passes(wait);
    }
    expect(waits).toEqual([...waits].sort((a, b) => a - b));
    expect(waits.at(-1)).toBeLessThanOrEqual(15_000);
    expect(environment.sockets).toHaveLength(9);
  });

  it("is noticed when two pings stay unanswered", () => {
    comesUp();
    environment.passes(59_999);
    expect(environment.socket.sentOf("ping")).toHaveLength(2);
    expect(lastStatus()?.kind).toBe("online");
    environment.passes(1);
    expect(lastStatus()?.kind).toBe("offline");
  });

  it("is noticed also when events go on coming but answers do not", () => {
    comesUp();
    for (let seq = 1; seq <= 6; seq += 1) {
      environment.socket.says(message(seq));
      environment.passes(10_000);
    }
    expect(lastStatus()?.kind).toBe("offline");
  });

  it("is not suspected while pings are answered", () => {
    comesUp();
    for (let round = 0; round < 10; round += 1) {
      environment.passes(20_000);
      environment.socket.says({ type: "pong", nonce: "1" });
    }
    expect(environment.sockets).toHaveLength(1);
  });

  it("is noticed within seconds when the device returns", () => {
    comesUp();
    environment.returns();
    expect(environment.socket.sentOf("ping")).toHaveLength(1);
    environment.passes(5_000);
    expect(lastStatus()?.kind).toBe("offline");
  });

  it("is noticed too after a sleep, and what time it is is asked again", () => {
    comesUp();
    environment.clockMoves(3_600_000);
    expect(environment.socket.sentOf("hello")).toHaveLength(2);
    environment.socket.says(welcome());
    environment.passes(9_000);
    expect(lastStatus()?.kind).toBe("online");
    environment.clockMoves(-7_200_000);
    environment.passes(5_000);
    expect(lastStatus()?.kind).toBe("offline");
  });

  it("is given up when the server answers, but does not welcome this page again", () => {
    comesUp();
    environment.clockMoves(3_600_000);
    environment.socket.says({ type: "error", code: "unavailable", message: "later", retry_after_ms: 1000 });
    environment.socket.says({ type: "pong", nonce: "1" });
    environment.passes(5_000);
    expect(lastStatus()?.kind).toBe("offline");
  });

  it("is not tried later but at once when the device returns", () => {
    environment.socket.closes(1006);
    environment.returns();
    expect(environment.sockets).toHaveLength(2);
    environment.passes(5_000);
    expect(environment.sockets).toHaveLength(2);
  });

  it("is noticed soon after a command stays unanswered", () => {
    comesUp();
    void say("anybody?");
    environment.passes(15_000);
    expect(lastStatus()?.kind).toBe("offline");
  });

  it("does not tell what was shown before it is welcomed back", () => {
    connection.seen(CONVERSATION, 1);
    comesUp();
    connection.seen(CONVERSATION, 2);
    expect(environment.socket.sentOf("seen").map(({ seq }) => seq)).toEqual([2]);
  });

  it("is not suspected after the page has stopped it", () => {
    comesUp();
    connection.stop();
    expect(environment.socket.closedWith).toBe(1000);
    environment.passes(600_000);
    expect(environment.sockets).toHaveLength(1);
  });
});

describe("where WebSockets are blocked", () => {
  function triesAgain(): void {
    const status = lastStatus();
    if (status?.kind !== "offline") throw new Error(`expected to be offline, not ${status?.kind}`);
    environment.passes(status.nextTryAt - environment.now());
  }

  it("goes by a stream instead, and stays with it", () => {
    for (const _ of [1, 2]) {
      environment.socket.closes(1006);
      triesAgain();
    }
    comesUp();
    expect(lastStatus()?.kind).toBe("online");
    environment.socket.closes(1006);
    triesAgain();
    expect(environment.ways).toEqual(["socket", "socket", "stream", "stream"]);
  });

  it("does not wait for a second silence", () => {
    environment.socket.opens();
    environment.passes(10_000);
    triesAgain();
    expect(environment.ways).toEqual(["socket", "stream"]);
  });

  it("does so too in a browser that has none", () => {
    environment.withoutSockets = true;
    connection = open();
    triesAgain();
    triesAgain();
    comesUp();
    expect(environment.ways).toEqual(["socket", "stream"]);
    expect(lastStatus()?.kind).toBe("online");
  });

  it("asks once on a later load of the page", () => {
    for (const _ of [1, 2]) {
      environment.socket.closes(1006);
      triesAgain();
    }
    comesUp();
    environment.ways.length = 0;
    connection = open();
    environment.socket.closes(1006);
    triesAgain();
    expect(environment.ways).toEqual(["socket", "stream"]);
  });

  it("sends over the stream what has no answer, under its id", () => {
    void say("not lost");
    for (const _ of [1, 2]) {
      environment.socket.closes(1006);
      triesAgain();
    }
    comesUp();
    expect(environment.socket.sentOf("send").map(({ id }) => id)).toEqual(["c-1"]);
  });
});

describe("where the network is away for a while", () => {
  it("a page that had a WebSocket gets one again", () => {
    comesUp();
    environment.passes(10_000);
    for (let round = 0; round < 5; round += 1) {
      environment.socket.closes(1006);
      environment.returns();
    }
    expect(new Set(environment.ways)).toEqual(new Set(["socket"]));
  });
});
