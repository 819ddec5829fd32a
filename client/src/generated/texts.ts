// Written by `make generate` from server/idcontact/texts/nl.json. Change that file, not this one.

export interface SharedTexts {
  readonly connecting: string;
  readonly offline: string;
  readonly online: string;
  readonly stopped: {
    readonly not_authenticated: string;
    readonly not_allowed: string;
    readonly gone: string;
    readonly replaced: string;
    readonly outdated: string;
  };
  readonly reload: string;
  readonly takeOver: string;
  readonly cancel: string;
  readonly send: string;
  readonly enterSends: string;
  readonly charactersLeft: (count: number) => string;
  readonly charactersOver: (count: number) => string;
  readonly sending: string;
  readonly sent: string;
  readonly read: string;
  readonly notSent: string;
  readonly notKept: string;
  readonly sendAgain: string;
  readonly messagesNotKept: (count: number) => string;
  readonly tryAgain: string;
  readonly remove: string;
  readonly isTyping: (name: string | number) => string;
  readonly newMessages: string;
  readonly messages: string;
  readonly linkOpensNewTab: string;
  readonly didNotWork: string;
  readonly soundOn: string;
  readonly soundOff: string;
  readonly soundBlocked: string;
  readonly turnSoundOn: string;
  readonly turnSoundOff: string;
  readonly justNow: string;
}

export interface WaitTexts {
  readonly soon: string;
  readonly about: (count: number) => string;
  readonly long: string;
}

export interface StartTexts {
  readonly title: string;
  readonly loading: string;
  readonly step: (values: { of: string | number; step: string | number }) => string;
  readonly askAuth: string;
  readonly askComm: string;
  readonly unauthenticated: string;
  readonly unauthenticatedMeans: string;
  readonly choose: string;
  readonly chooseAnother: (method: string | number) => string;
  readonly next: string;
  readonly previous: string;
  readonly start: string;
  readonly starting: string;
  readonly shares: (attributes: string | number) => string;
  readonly sharesFor: (purpose: string | number) => string;
  readonly sharesNothing: string;
  readonly what: string;
  readonly authFirst: (auth: string | number) => string;
  readonly thenQueue: string;
  readonly thenChoose: string;
  readonly thenComm: (comm: string | number) => string;
  readonly queueAtOnce: string;
  readonly commAtOnce: (comm: string | number) => string;
  readonly helpedVerified: (comm: string | number) => string;
  readonly helpedUnverified: (comm: string | number) => string;
  readonly helped: string;
  readonly problems: {
    readonly unreachable: string;
    readonly failing: string;
    readonly unknown_purpose: string;
    readonly no_methods: string;
  };
  readonly nothingShared: string;
  readonly tryAgain: string;
  readonly tryingAgain: string;
  readonly slow: string;
  readonly startAgain: string;
  readonly closed: string;
  readonly closedUntil: (when: string | number) => string;
  readonly closedMeans: string;
  readonly nobody: string;
  readonly clock: (values: { hour: string | number; minute: string | number }) => string;
  readonly today: (time: string | number) => string;
  readonly tomorrow: (time: string | number) => string;
  readonly onDay: (values: { day: string | number; time: string | number }) => string;
}

export interface PageTexts {
  readonly loading: string;
  readonly identifyingTitle: string;
  readonly identifyingText: (method: string | number) => string;
  readonly identifyingTextUnnamed: string;
  readonly notIdentifiedTitle: string;
  readonly notIdentifiedText: {
    readonly failed: string;
    readonly missing: string;
  };
  readonly canContinue: string;
  readonly cannotContinue: string;
  readonly continueUnverified: string;
  readonly back: string;
  readonly startAgain: string;
  readonly waitingTitle: string;
  readonly yourPlace: string;
  readonly firstInLine: string;
  readonly peopleBefore: (count: number) => string;
  readonly placeComes: string;
  readonly agentsPresent: (count: number) => string;
  readonly nobodyPresent: string;
  readonly verified: (method: string | number) => string;
  readonly verifiedUnnamed: string;
  readonly unverified: string;
  readonly expectTitle: string;
  readonly expect: readonly string[];
  readonly keepInformed: string;
  readonly allowNotifications: string;
  readonly notificationsOn: string;
  readonly leaveQueue: string;
  readonly leaveTitle: string;
  readonly leaveText: string;
  readonly leaveYes: string;
  readonly leaveNo: string;
  readonly agentGone: string;
  readonly soFar: string;
  readonly talkingTo: (name: string | number) => string;
  readonly agent: string;
  readonly you: string;
  readonly agentPresent: string;
  readonly agentAbsent: (name: string | number) => string;
  readonly yourMessage: string;
  readonly end: string;
  readonly endTitle: string;
  readonly endText: string;
  readonly endYes: string;
  readonly endNo: string;
  readonly endedTitle: string;
  readonly reasons: {
    readonly ended_by_end_user: string;
    readonly ended_by_agent: string;
    readonly abandoned: string;
    readonly left_the_queue: string;
    readonly idle: string;
    readonly time_limit: string;
    readonly not_identified: string;
    readonly unavailable: string;
  };
  readonly goneText: string;
  readonly dataTitle: string;
  readonly dataText: string;
  readonly dataUnseenText: string;
  readonly dataGoneText: string;
  readonly yourConversation: string;
  readonly gone: string;
  readonly titles: {
    readonly waiting: string;
    readonly talking: string;
    readonly ended: string;
    readonly other: string;
  };
  readonly callAccepted: string;
  readonly callMessage: string;
  readonly callStillThere: string;
  readonly events: {
    readonly queued: string;
    readonly queuedAgain: string;
    readonly identified: (method: string | number) => string;
    readonly notIdentified: string;
    readonly unverified: string;
    readonly joined: (name: string | number) => string;
    readonly left: (name: string | number) => string;
    readonly stillThere: (until: string | number) => string;
    readonly maybeLost: string;
    readonly ended: string;
  };
}

export interface ConsoleTexts {
  readonly title: string;
  readonly loading: string;
  readonly logOut: string;
  readonly logIn: string;
  readonly yourStatus: string;
  readonly status: {
    readonly available: string;
    readonly away: string;
  };
  readonly missedOffers: string;
  readonly availableAgain: string;
  readonly failures: {
    readonly offer_gone: string;
    readonly other: string;
  };
  readonly views: {
    readonly work: string;
    readonly overview: string;
  };
  readonly offerTitle: string;
  readonly offerFor: (purpose: string | number) => string;
  readonly waitedFor: (time: string | number) => string;
  readonly secondsLeft: (seconds: string | number) => string;
  readonly accept: string;
  readonly decline: string;
  readonly conversations: string;
  readonly noConversations: string;
  readonly noConversationsAway: string;
  readonly unread: (count: number) => string;
  readonly newCount: (count: string | number) => string;
  readonly queue: string;
  readonly queueEmpty: string;
  readonly queueUnknown: string;
  readonly entryState: {
    readonly waiting: string;
    readonly offered: string;
    readonly absent: string;
    readonly assigned: string;
  };
  readonly endUser: string;
  readonly you: string;
  readonly present: string;
  readonly absentSince: (time: string | number) => string;
  readonly notChecked: string;
  readonly yourMessage: string;
  readonly end: string;
  readonly endTitle: string;
  readonly endText: string;
  readonly endYes: string;
  readonly endNo: string;
  readonly wrapUpTitle: string;
  readonly wrapUpText: string;
  readonly wrapUpLeft: (time: string | number) => string;
  readonly finish: string;
  readonly reasons: {
    readonly ended_by_end_user: string;
    readonly ended_by_agent: string;
    readonly abandoned: string;
    readonly left_the_queue: string;
    readonly idle: string;
    readonly time_limit: string;
    readonly not_identified: string;
    readonly unavailable: string;
  };
  readonly panel: string;
  readonly subject: string;
  readonly purpose: string;
  readonly channel: string;
  readonly channels: {
    readonly chat: string;
    readonly video: string;
  };
  readonly language: string;
  readonly languages: {
    readonly nl: string;
    readonly en: string;
  };
  readonly waited: string;
  readonly started: string;
  readonly otherDevice: string;
  readonly verified: string;
  readonly verifiedBy: (method: string | number) => string;
  readonly method: string;
  readonly level: string;
  readonly levels: {
    readonly low: string;
    readonly substantial: string;
    readonly high: string;
    readonly unknown: string;
  };
  readonly checked: string;
  readonly fetching: string;
  readonly noLongerShown: string;
  readonly notShownHere: string;
  readonly notVerified: string;
  readonly notVerifiedWhy: {
    readonly none: string;
    readonly pending: string;
    readonly failed: string;
    readonly missing: string;
  };
  readonly overview: {
    readonly queues: string;
    readonly purpose: string;
    readonly waiting: string;
    readonly longest: string;
    readonly helped: string;
    readonly nobody: string;
    readonly agents: string;
    readonly name: string;
    readonly status: string;
    readonly load: string;
    readonly purposes: string;
    readonly since: string;
    readonly absent: string;
    readonly noAgents: string;
    readonly ofCapacity: (values: { capacity: string | number; load: string | number }) => string;
  };
  readonly events: {
    readonly queued: string;
    readonly queuedAgain: string;
    readonly identified: (method: string | number) => string;
    readonly notIdentified: string;
    readonly unverified: string;
    readonly joined: (name: string | number) => string;
    readonly left: (name: string | number) => string;
    readonly stillThere: (until: string | number) => string;
    readonly maybeLost: string;
    readonly ended: string;
  };
}
