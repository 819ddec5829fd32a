import { describe, expect, it } from "vitest";
import { type Availability, availabilityInWords, momentInWords } from "../src/start/availability.ts";
import { choiceOf, chosen, UNAUTHENTICATED } from "../src/start/choice.ts";
import { sharedInWords, whatHappens } from "../src/start/sentences.ts";
import { START } from "../src/start/texts.ts";
import { closed, method, open, options } from "./offered.ts";

const NL = START.in("nl");
const EN = START.in("en");
/** A Friday, 15:00 in Amsterdam. */
const NOW = Date.parse("2026-11-20T15:00:00+01:00");

describe("when it opens", () => {
  it.each([
    ["2026-11-20T17:30:00+01:00", "vandaag 17.30 uur", "today at 17:30"],
    ["2026-11-21T09:00:00+01:00", "morgen 09.00 uur", "tomorrow at 09:00"],
    ["2026-11-23T09:00:00+01:00", "maandag 09.00 uur", "Monday at 09:00"],
    ["2027-01-04T09:00:00+01:00", "maandag 4 januari 09.00 uur", "Monday 4 January at 09:00"],
    ["2026-11-20T09:00:00-05:00", "vandaag 09.00 uur", "today at 09:00"],
    ["2026-11-20T23:30:00Z", "vandaag 23.30 uur", "today at 23:30"],
  ])("is said on the clock of the place: %s", (until, nl, en) => {
    expect(momentInWords(until, NL, "nl", NOW)).toBe(nl);
    expect(momentInWords(until, EN, "en", NOW)).toBe(en);
  });
});

describe("who is there", () => {
  it.each<[Partial<Availability>, string | undefined]>([
    [{ open: false }, "Wij zijn nu gesloten."],
    [{ open: false, until: "2026-11-23T09:00:00+01:00" }, "Gesloten tot maandag 09.00 uur."],
    [{ agents: 0 }, "Er is nu geen medewerker aanwezig. U kunt wel in de wachtrij gaan staan."],
    [{ expectedWait: undefined }, undefined],
    [{ expectedWait: 0 }, "U wordt waarschijnlijk binnen een minuut geholpen."],
    [{ expectedWait: 61 }, "U wacht waarschijnlijk ongeveer 2 minuten."],
    [{ expectedWait: 13 * 60 }, "U wacht waarschijnlijk ongeveer 15 minuten."],
    [{ expectedWait: 3601 }, "U wacht waarschijnlijk langer dan een uur."],
  ])("%j is: %s", (said, words) => {
    expect(availabilityInWords({ ...open, ...said }, NL, "nl", NOW)).toBe(words);
  });
});

describe("what the person will share", () => {
  it("is said with what it is for", () => {
    const choice = choiceOf(options(1, 1), false);
    expect(sharedInWords(choice, NL, "nl")).toBe("U deelt: naam en adres. Waarvoor: verhuizing doorgeven.");
    expect(sharedInWords(choice, EN, "en")).toBe("You share: naam and adres. What for: verhuizing doorgeven.");
  });

  it("keeps the capitals of abbreviations, and of languages that write nouns with them", () => {
    const choice = choiceOf({ ...options(1, 1), attributes: ["BSN", "Naam"], name: undefined }, false);
    expect(sharedInWords(choice, NL, "nl")).toBe("U deelt: BSN en naam.");
    expect(sharedInWords(choice, EN, "de")).toContain("Naam");
  });

  it("is nothing for who does not identify", () => {
    const choice = chosen(choiceOf({ ...options(1, 1), unauthenticated: true }, false), UNAUTHENTICATED);
    expect(sharedInWords(choice, NL, "nl")).toBe("U deelt geen gegevens met ons.");
  });

  it("is not made up where the core does not say it", () => {
    expect(sharedInWords(choiceOf({ ...options(1, 1), attributes: [] }, false), NL, "nl")).toBeUndefined();
  });
});

describe("what will happen", () => {
  const ours = { ...options(1, 0), commMethods: [method("chat", open)] };
  const theirs = { ...options(1, 0), commMethods: [method("phone")] };
  const unidentified = { ...ours, authMethods: [], unauthenticated: true };

  it.each([
    [
      "our queue",
      choiceOf(ours, false),
      [NL.authFirst("Name of auth0"), NL.thenQueue, NL.helpedVerified("Name of chat")],
    ],
    ["a plugin of others", choiceOf(theirs, false), [NL.authFirst("Name of auth0"), NL.thenComm("Name of phone")]],
    ["no identification", choiceOf(unidentified, false), [NL.queueAtOnce, NL.helpedUnverified("Name of chat")]],
    ["identification first", choiceOf(options(1, 2), true), [NL.authFirst("Name of auth0"), NL.thenChoose, NL.helped]],
  ])("with %s promises no more than is true", (_, choice, sentences) => {
    expect(whatHappens(choice, NL)).toEqual(sentences);
  });

  it("is the same for a method that is closed", () => {
    expect(whatHappens(choiceOf({ ...ours, commMethods: [method("chat", closed)] }, false), NL)[1]).toBe(NL.thenQueue);
  });
});
