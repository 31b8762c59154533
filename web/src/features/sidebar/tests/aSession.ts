import type { Session } from "../lists";

/** A conversation as the API gives it, with what the test is about. */
export function aSession(id: string, about: Partial<Session> = {}): Session {
  return {
    id,
    title: `Title of ${id}`,
    title_by: "first_line",
    persona: null,
    key_id: null,
    model: null,
    parameters: {},
    instructions: null,
    folder: null,
    pinned: false,
    temporary: false,
    summary: false,
    message_count: 2,
    read_order: 2,
    unread: false,
    last_message_at: "2026-11-02T09:00:00Z",
    archived_at: null,
    deleted_at: null,
    created_at: "2026-11-01T09:00:00Z",
    updated_at: "2026-11-02T09:00:00Z",
    ...about,
  };
}
