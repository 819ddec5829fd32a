import type { Method, Options } from "./options.ts";

/** A question to the end user. What leaves no choice is not asked. */
export type Step = "auth" | "comm" | "summary";

/** What was chosen until now, and where in the steps the person is. Changed by the functions below alone. */
export interface Choice {
  options: Options;
  steps: readonly Step[];
  at: number;
  auth: string | undefined;
  comm: string | undefined;
}

/** The beginning: a single allowed method is chosen already. */
export function choiceOf(options: Options): Choice {
  const steps: Step[] = [];
  if (options.authMethods.length > 1) steps.push("auth");
  if (options.commMethods.length > 1) steps.push("comm");
  if (steps.length === 0) steps.push("summary");
  return { options, steps, at: 0, auth: only(options.authMethods), comm: only(options.commMethods) };
}

export function stepOf(choice: Choice): Step {
  return choice.steps[choice.at] ?? "summary";
}

export function isLastStep(choice: Choice): boolean {
  return choice.at >= choice.steps.length - 1;
}

/** What was chosen at the present step; "summary" needs no choice. */
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
  const at = Math.min(choice.steps.length - 1, Math.max(0, choice.at + by));
  return by === 1 && !answered(choice) ? choice : { ...choice, at };
}

export function methodOf(methods: readonly Method[], tag: string | undefined): Method | undefined {
  return methods.find((method) => method.tag === tag);
}

function only(methods: readonly Method[]): string | undefined {
  return methods.length === 1 ? methods[0]?.tag : undefined;
}
