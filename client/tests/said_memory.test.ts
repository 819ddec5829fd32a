import { describe, expect, it } from "vitest";
import { SaidMemory } from "../src/said_memory.ts";
import { FakeEnvironment } from "./fake_environment.ts";
import { CONVERSATION } from "./frames.ts";

const SAID = [{ id: "c-1", text: "hello", at: 1_000 }];

describe("what somebody said last", () => {
  it("is there for the next load of the page, and under no other name", () => {
    const { storage } = new FakeEnvironment();
    const memory = new SaidMemory(storage);
    memory.restore("somebody");
    memory.keep(new Map([[CONVERSATION, SAID]]));
    expect(new SaidMemory(storage).restore("somebody").get(CONVERSATION)).toEqual(SAID);
    expect(new SaidMemory(storage).restore("somebody else").size).toBe(0);
    expect(storage.length).toBe(0);
  });

  it("is removed without being known whose it was, and nothing else with it", () => {
    const environment = new FakeEnvironment();
    environment.kept.set("idcontact.said.somebody", JSON.stringify([[CONVERSATION, SAID]]));
    environment.kept.set("idcontact.silent", "yes");
    new SaidMemory(environment.storage).close();
    expect([...environment.kept.keys()]).toEqual(["idcontact.silent"]);
  });

  it("is given once, and nothing is kept before it is known whose it is", () => {
    const environment = new FakeEnvironment();
    const memory = new SaidMemory(environment.storage);
    memory.keep(new Map([[CONVERSATION, SAID]]));
    expect(environment.kept.size).toBe(0);
    memory.restore("somebody");
    memory.keep(new Map([[CONVERSATION, SAID]]));
    expect(memory.restore("somebody").size).toBe(0);
  });

  it("leaves nothing behind when a conversation is over, or somebody logs out", () => {
    const environment = new FakeEnvironment();
    const memory = new SaidMemory(environment.storage);
    memory.restore("somebody");
    memory.keep(new Map([[CONVERSATION, SAID]]));
    memory.keep(new Map([[CONVERSATION, []]]));
    expect(environment.kept.size).toBe(0);
    memory.keep(new Map([[CONVERSATION, SAID]]));
    memory.close();
    memory.keep(new Map([[CONVERSATION, SAID]]));
    expect(environment.kept.size).toBe(0);
  });

  it.each(["", "{", "{}", "[1]", '[["a"]]', '[["a", [{"id": 1, "text": "b", "at": 2}]]]'])(
    "counts for nothing when it is no such thing: %s",
    (text) => {
      const environment = new FakeEnvironment();
      environment.kept.set("idcontact.said.somebody", text);
      expect(new SaidMemory(environment.storage).restore("somebody").size).toBe(0);
    },
  );
});
