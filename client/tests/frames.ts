import type { EndUserConversation, EndUserWelcome, MessageEvent, StaffWelcome } from "../src/generated/messages.ts";

export const CONVERSATION = "abcdefghijklmnopqrstuvwx23";
export const OTHER = "zyxwvutsrqponmlkjihgfedc76";
export const LIMITS = { max_frame_bytes: 32768, max_text_characters: 4000, frames_per_10_seconds: 100 };

export function conversation(changes: Partial<EndUserConversation> = {}): EndUserConversation {
  return {
    id: CONVERSATION,
    version: 1,
    phase: "active",
    purpose: "report_move",
    purpose_label: "Verhuizing doorgeven",
    auth: { status: "none" },
    ...changes,
  };
}

export function welcome(changes: Partial<EndUserWelcome> = {}): EndUserWelcome {
  return {
    type: "welcome",
    server_time: 1_000_000,
    limits: LIMITS,
    participant: "p-1",
    conversation: conversation(),
    ...changes,
  };
}

export function staffWelcome(changes: Partial<StaffWelcome> = {}): StaffWelcome {
  const me = { id: "anna", name: "Anna", roles: ["agent" as const], purposes: {}, capacity: 3, load: 0 };
  return {
    type: "welcome",
    server_time: 1_000_000,
    limits: LIMITS,
    me: { ...me, status: "available" },
    conversations: [],
    offers: [],
    ...changes,
  };
}

export function message(seq: number, changes: Partial<MessageEvent> = {}): MessageEvent {
  return {
    type: "message",
    conversation: CONVERSATION,
    log: "public",
    log_id: "log-1",
    seq,
    at: 1_000_000 + seq,
    by: "agent",
    text: `message ${seq}`,
    ...changes,
  };
}
