import type { InEachLanguage } from "../../../client/src/i18n/language.ts";
import type { Problem } from "./options.ts";

/** What the start on a municipality's page says. */
export interface StartTexts {
  title: string;
  loading: string;
  step: (step: number, of: number) => string;
  askAuth: string;
  askComm: string;
  choose: string;
  next: string;
  previous: string;
  start: string;
  starting: string;
  what: string;
  authIs: string;
  commIs: string;
  happens: (auth: string, comm: string) => readonly string[];
  problems: Readonly<Record<Problem, string>>;
  tryAgain: string;
}

export const START: InEachLanguage<StartTexts> = {
  nl: {
    title: "Neem contact met ons op",
    loading: "Een ogenblik…",
    step: (step, of) => `Stap ${step} van ${of}`,
    askAuth: "Hoe wilt u laten zien wie u bent?",
    askComm: "Hoe wilt u contact met ons?",
    choose: "Maak eerst een keuze.",
    next: "Volgende",
    previous: "Vorige",
    start: "Starten",
    starting: "U gaat verder…",
    what: "Dit gaat er gebeuren",
    authIs: "Identificatie",
    commIs: "Contact",
    happens: (auth, comm) => [
      `U gaat eerst naar ${auth} om te laten zien wie u bent.`,
      "Daarna komt u vanzelf in de wachtrij.",
      `Een medewerker helpt u via ${comm} en weet dan zeker wie u bent.`,
    ],
    problems: {
      unreachable: "Wij kunnen nu geen verbinding maken. Controleer uw internet of probeer het later opnieuw.",
      unknown_purpose: "Voor dit onderwerp kunt u hier geen contact opnemen.",
      unusable: "Contact opnemen lukt nu niet door een storing bij ons. Probeer het later opnieuw.",
    },
    tryAgain: "Opnieuw proberen",
  },
  en: {
    title: "Contact us",
    loading: "One moment…",
    step: (step, of) => `Step ${step} of ${of}`,
    askAuth: "How do you want to show who you are?",
    askComm: "How do you want to contact us?",
    choose: "Please make a choice first.",
    next: "Next",
    previous: "Previous",
    start: "Start",
    starting: "Taking you there…",
    what: "What will happen",
    authIs: "Identification",
    commIs: "Contact",
    happens: (auth, comm) => [
      `First you go to ${auth} to show who you are.`,
      "After that you join the queue automatically.",
      `An agent helps you by ${comm} and knows for sure who you are.`,
    ],
    problems: {
      unreachable: "We cannot connect right now. Check your internet connection or try again later.",
      unknown_purpose: "You cannot contact us here about this subject.",
      unusable: "Contacting us does not work right now because of a fault on our side. Please try again later.",
    },
    tryAgain: "Try again",
  },
};
