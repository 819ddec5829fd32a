import type { AnyEvent, ToEndUser, ToStaff } from "./generated/messages.ts";

export type ServerFrame = ToEndUser | ToStaff;

/** An event of any kind, known to this page or not: what has a place in a log. */
export function isEvent(frame: ServerFrame): frame is AnyEvent {
  return "log_id" in frame && "seq" in frame;
}

/** The frame; nothing for what is no frame. That our own server keeps to its types is what the generated types are for. */
export function parseFrame<F extends ServerFrame>(data: unknown): F | undefined {
  if (typeof data !== "string") return undefined;
  try {
    const parsed: unknown = JSON.parse(data);
    return typeof parsed === "object" && parsed !== null && "type" in parsed ? (parsed as F) : undefined;
  } catch {
    return undefined;
  }
}
