import type { StopReason } from "../reconnect.ts";
import type { InEachLanguage } from "./language.ts";

/** What both pages say. */
export interface SharedTexts {
  connecting: string;
  offline: string;
  online: string;
  stopped: Readonly<Record<StopReason, string>>;
  reload: string;
  takeOver: string;
  cancel: string;
  send: string;
  enterSends: string;
  charactersLeft: (count: number) => string;
  charactersOver: (count: number) => string;
  sending: string;
  sent: string;
  read: string;
  notSent: string;
  tryAgain: string;
  remove: string;
  newMessages: string;
  messages: string;
  linkOpensNewTab: string;
  didNotWork: string;
  soundOn: string;
  soundOff: string;
  soundBlocked: string;
  turnSoundOn: string;
  turnSoundOff: string;
}

export const SHARED: InEachLanguage<SharedTexts> = {
  nl: {
    connecting: "Verbinden…",
    offline: "Verbinding weg; wij verbinden opnieuw…",
    online: "Verbonden",
    stopped: {
      not_authenticated: "U bent hier niet meer aangemeld.",
      not_allowed: "U heeft geen toegang tot deze pagina.",
      replaced: "Deze pagina is ergens anders geopend. Daar gaat het verder.",
      outdated: "Deze pagina is verouderd. Laad de pagina opnieuw.",
    },
    reload: "Pagina opnieuw laden",
    takeOver: "Hier verdergaan",
    cancel: "Annuleren",
    send: "Versturen",
    enterSends: "Enter verstuurt, Shift + Enter begint een nieuwe regel",
    charactersLeft: (count) => (count === 1 ? "Nog 1 teken" : `Nog ${count} tekens`),
    charactersOver: (count) => (count === 1 ? "1 teken te veel" : `${count} tekens te veel`),
    sending: "Wordt verstuurd…",
    sent: "Verstuurd",
    read: "Gelezen",
    notSent: "Niet verstuurd",
    tryAgain: "Opnieuw proberen",
    remove: "Weghalen",
    newMessages: "Nieuwe berichten",
    messages: "Berichten",
    linkOpensNewTab: "opent in een nieuw tabblad",
    didNotWork: "Dit is niet gelukt. Probeer het opnieuw.",
    soundOn: "Geluid staat aan.",
    soundOff: "Geluid staat uit.",
    soundBlocked: "Uw browser houdt geluid nog tegen.",
    turnSoundOn: "Geluid aanzetten",
    turnSoundOff: "Geluid uitzetten",
  },
  en: {
    connecting: "Connecting…",
    offline: "Connection lost; we are reconnecting…",
    online: "Connected",
    stopped: {
      not_authenticated: "You are no longer signed in here.",
      not_allowed: "You do not have access to this page.",
      replaced: "This page was opened somewhere else. It continues there.",
      outdated: "This page is out of date. Reload the page.",
    },
    reload: "Reload the page",
    takeOver: "Continue here",
    cancel: "Cancel",
    send: "Send",
    enterSends: "Enter sends, Shift + Enter starts a new line",
    charactersLeft: (count) => (count === 1 ? "1 character left" : `${count} characters left`),
    charactersOver: (count) => (count === 1 ? "1 character too many" : `${count} characters too many`),
    sending: "Sending…",
    sent: "Sent",
    read: "Read",
    notSent: "Not sent",
    tryAgain: "Try again",
    remove: "Remove",
    newMessages: "New messages",
    messages: "Messages",
    linkOpensNewTab: "opens in a new tab",
    didNotWork: "That did not work. Please try again.",
    soundOn: "Sound is on.",
    soundOff: "Sound is off.",
    soundBlocked: "Your browser is still blocking sound.",
    turnSoundOn: "Turn sound on",
    turnSoundOff: "Turn sound off",
  },
};
