import { isClosed } from "./availability.ts";
import type { Method, Options } from "./options.ts";

/** A question to the end user. What leaves no choice is not asked. */
export type Step = "auth" | "comm" | "summary";

/** The choice not to identify; no method has this tag. */
export const UNAUTHENTICATED = "";

/** What was chosen until now, and where in the steps the person is. Changed by the functions below alone. */
export interface Choice {
  readonly options: Options;
  /** Whether how to talk is chosen after identifying, at the core. */
  readonly identifyFirst: boolean;
  readonly at: number;
  readonly auth: string | undefined;
  readonly comm: string | undefined;
}

/** The beginning: a single allowed method is chosen already. */
export function choiceOf(options: Options, identifyFirst: boolean): Choice {
  const comm = options.commMethods.map(({ tag }) => tag);
  return { options, identifyFirst, at: 0, auth: only(waysToIdentify(options)), comm: only(comm) };
}

/** The steps as they are now: who chooses not to identify chooses how to talk here. */
export function stepsOf(choice: Choice): readonly Step[] {
  const steps: Step[] = [];
  if (waysToIdentify(choice.options).length > 1) steps.push("auth");
  if (choice.options.commMethods.length > 1 && !talksLater(choice)) steps.push("comm");
  return steps.length === 0 ? ["summary"] : steps;
}

export function stepOf(choice: Choice): Step {
  return stepsOf(choice)[choice.at] ?? "summary";
}

export function isLastStep(choice: Choice): boolean {
  return choice.at >= stepsOf(choice).length - 1;
}

/** Whether how to talk is left for afterwards. */
export function talksLater({ identifyFirst, options, auth }: Choice): boolean {
  return identifyFirst && options.commMethods.length > 1 && auth !== UNAUTHENTICATED;
}

/** Whether something was chosen at the present step; "summary" needs no choice. */
export function answered(choice: Choice): boolean {
  const step = stepOf(choice);
  return step === "summary" || choice[step] !== undefined;
}

export function chosen(choice: Choice, tag: string): Choice {
  const step = stepOf(choice);
  return step === "summary" ? choice : { ...choice, [step]: tag };
}

/** One step on or back; stays where it is at either end, and while the present step is not answered. */
export function moved(choice: Choice, by: 1 | -1): Choice {
  const at = Math.min(stepsOf(choice).length - 1, Math.max(0, choice.at + by));
  return by === 1 && !answered(choice) ? choice : { ...choice, at };
}

/**
 * The same choice with what a newer answer says of who is there; nothing else moves under the person's hands. Where no
 * answer came, what was closed still is, and how long one waits is not known any more.
 */
export function updated(choice: Choice, newer: Options | undefined): Choice {
  const commMethods = choice.options.commMethods.map((method) => {
    const later = newer === undefined ? method : methodOf(newer.commMethods, method.tag);
    const known = newer !== undefined || isClosed(method.availability);
    return { ...method, availability: known ? later?.availability : undefined };
  });
  return { ...choice, options: { ...choice.options, commMethods } };
}

/** The chosen comm method, where it is chosen here. */
export function commMethodOf(choice: Choice): Method | undefined {
  return talksLater(choice) ? undefined : methodOf(choice.options.commMethods, choice.comm);
}

export function authMethodOf(choice: Choice): Method | undefined {
  return methodOf(choice.options.authMethods, choice.auth);
}

/** Whether every way to talk is closed. */
export function isAllClosed({ commMethods }: Options): boolean {
  return commMethods.every(({ availability }) => isClosed(availability));
}

/** The fields of `POST /start` that follow from the choice. */
export function fieldsOf(choice: Choice): { auth_method?: string; comm_method?: string } {
  const [auth, comm] = [authMethodOf(choice)?.tag, commMethodOf(choice)?.tag];
  return {
    ...(auth === undefined ? {} : { auth_method: auth }),
    ...(comm === undefined ? {} : { comm_method: comm }),
  };
}

export function waysToIdentify({ authMethods, unauthenticated }: Options): string[] {
  return [...authMethods.map(({ tag }) => tag), ...(unauthenticated ? [UNAUTHENTICATED] : [])];
}

function methodOf(methods: readonly Method[], tag: string | undefined): Method | undefined {
  return methods.find((method) => method.tag === tag);
}

function only(tags: readonly string[]): string | undefined {
  return tags.length === 1 ? tags[0] : undefined;
}
