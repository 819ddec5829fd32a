import { beforeEach, describe, expect, it } from "vitest";
import { StreamSocket } from "../src/stream_socket.ts";

/** The endless answer; the test is the server. */
class FakeEvents extends EventTarget {
  onmessage: ((event: MessageEvent) => void) | null = null;
  onerror: (() => void) | null = null;
  closed = false;

  says(event: string, data: string): void {
    this.dispatchEvent(new MessageEvent(event, { data }));
  }

  close(): void {
    this.closed = true;
  }
}

interface Post {
  url: string;
  init: RequestInit;
  answer(status: number): Promise<void>;
  fail(): Promise<void>;
}

let opened: string[];
let events: FakeEvents;
let posts: Post[];
let heard: unknown[];
let closes: number[];
let pauses: number[];
let socket: StreamSocket;

function open(url = "wss://example.test/console/socket?lang=nl"): void {
  socket = new StreamSocket(url, {
    openEvents: (address) => {
      opened.push(address);
      return events as unknown as EventSource;
    },
    post: (address, init) =>
      new Promise((resolve, reject) => {
        posts.push({
          url: address,
          init,
          answer: async (status) => resolve(new Response(null, { status })),
          fail: async () => reject(new TypeError("no network")),
        });
      }),
    pause: async (ms) => void pauses.push(ms),
    random: () => 1,
  });
  socket.onopen = () => void heard.push("open");
  socket.onmessage = ({ data }) => void heard.push(data);
  socket.onclose = ({ code }) => void closes.push(code);
}

async function settled(): Promise<void> {
  for (let turn = 0; turn < 20; turn += 1) await Promise.resolve();
}

function header(post: Post | undefined, name: string): string | null {
  return new Headers(post?.init.headers).get(name);
}

beforeEach(() => {
  opened = [];
  events = new FakeEvents();
  posts = [];
  heard = [];
  closes = [];
  pauses = [];
  open();
});

describe("a stream in a WebSocket's place", () => {
  it("stands beside the socket's address", () => {
    open("ws://localhost:8000/c/abc/socket");
    expect(opened).toEqual(["https://example.test/console/events?lang=nl", "http://localhost:8000/c/abc/events"]);
  });

  it("is open when the server says where to post, and hears frames in their order", () => {
    expect(heard).toEqual([]);
    events.says("ready", "token");
    events.onmessage?.(new MessageEvent("message", { data: '{"type":"a"}' }));
    events.onmessage?.(new MessageEvent("message", { data: '{"type":"b"}' }));
    expect(heard).toEqual(["open", '{"type":"a"}', '{"type":"b"}']);
  });

  it("posts one numbered batch at a time, in order", async () => {
    events.says("ready", "token");
    for (const frame of ["one", "two", "three"]) socket.send(frame);
    expect(posts.map(({ init }) => init.body)).toEqual(["one"]);
    expect(posts[0]?.url).toBe("https://example.test/console/frames?lang=nl");
    expect(header(posts[0], "Idcontact-Stream")).toBe("token");
    await posts[0]?.answer(204);
    await settled();
    expect(posts.map(({ init }) => init.body)).toEqual(["one", "two\nthree"]);
    expect(posts.map((post) => header(post, "Idcontact-Batch"))).toEqual(["1", "2"]);
  });

  it("splits what is too much for one batch, but no frame", async () => {
    events.says("ready", "token");
    socket.send("first");
    for (const size of [30_000, 10, 15_000, 15_000]) socket.send("x".repeat(size));
    for (let batch = 0; batch < 5; batch += 1) {
      await posts[batch]?.answer(204);
      await settled();
    }
    expect(posts.map(({ init }) => String(init.body).length)).toEqual([5, 30_000, 15_011, 15_000]);
  });

  it.each([400, 403, 410, 413])("is lost when a post is answered by %i", async (status) => {
    events.says("ready", "token");
    socket.send("one");
    await posts[0]?.answer(status);
    await settled();
    expect(posts).toHaveLength(1);
    expect(closes).toEqual([1006]);
    expect(events.closed).toBe(true);
  });

  it.each([408, 429, 500, 502, 503, 504, "no answer"])(
    "posts the same batch again after %s, with the same number and nothing before it",
    async (trouble) => {
      events.says("ready", "token");
      socket.send("one");
      socket.send("two");
      if (typeof trouble === "number") await posts[0]?.answer(trouble);
      else await posts[0]?.fail();
      await settled();
      await posts[1]?.answer(204);
      await settled();
      expect(posts.map(({ init }) => init.body)).toEqual(["one", "one", "two"]);
      expect(posts.map((post) => header(post, "Idcontact-Batch"))).toEqual(["1", "1", "2"]);
      expect(closes).toEqual([]);
    },
  );

  it("is lost when that keeps failing, after longer and longer pauses that take less than an answer may", async () => {
    events.says("ready", "token");
    socket.send("one");
    for (let tries = 0; tries < 5; tries += 1) {
      expect(closes).toEqual([]);
      await posts[tries]?.answer(503);
      await settled();
    }
    expect(posts).toHaveLength(5);
    expect(closes).toEqual([1006]);
    expect(pauses).toEqual([...pauses].sort((a, b) => a - b));
    expect(pauses.reduce((sum, ms) => sum + ms)).toBeLessThan(5_000);
  });

  it("is lost once, however many things fail", async () => {
    events.says("ready", "token");
    socket.send("one");
    await posts[0]?.answer(410);
    await settled();
    events.onerror?.();
    events.says("close", "4401");
    expect(closes).toEqual([1006]);
  });

  it("posts nothing again when it is over meanwhile", async () => {
    events.says("ready", "token");
    socket.send("one");
    events.onerror?.();
    await posts[0]?.answer(503);
    await settled();
    expect(posts).toHaveLength(1);
    expect(closes).toEqual([1006]);
  });

  it("does not try again by itself when the answer ends", () => {
    events.onerror?.();
    expect(events.closed).toBe(true);
    expect(closes).toEqual([1006]);
  });

  it("closes with the code that a WebSocket would have had", () => {
    events.says("close", "4409");
    expect(closes).toEqual([4409]);
    expect(events.closed).toBe(true);
  });

  it("says nothing more once it is closed", async () => {
    events.says("ready", "token");
    socket.send("one");
    socket.send("two");
    socket.close();
    socket.send("three");
    expect(posts[0]?.init.signal?.aborted).toBe(true);
    await posts[0]?.fail();
    await settled();
    expect(posts).toHaveLength(1);
    expect(closes).toEqual([]);
  });
});
