import type { Transport } from "../connection";
import type { RunEvent } from "../wire";
import { FakeSocket } from "./fakeSocket";

interface Feed {
  socket: FakeSocket;
  next: number;
}

/** Does what docs/sockets.md says a gateway does, one step at a time, with the runs in `logs`. */
export class FakeGateway {
  readonly logs = new Map<string, RunEvent[]>();
  readonly sockets: FakeSocket[] = [];
  readonly asked: string[] = [];
  refusesSockets = false;
  refusesToken: string | null = null;
  #feeds = new Map<string, Feed>();

  open = (): Transport => {
    const socket = new FakeSocket();
    if (this.refusesSockets) {
      queueMicrotask(() => socket.ends(1006));
      return socket;
    }
    this.sockets.push(socket);
    socket.hears = (frame) => {
      queueMicrotask(() => this.#answer(socket, frame));
      return true;
    };
    queueMicrotask(() => socket.open());
    return socket;
  };

  get socket(): FakeSocket {
    const socket = this.sockets.at(-1);
    if (socket === undefined) throw new Error("No socket was opened.");
    return socket;
  }

  /** Sends the next event of a followed run. False: there was none to send. */
  step(runId: string): boolean {
    const feed = this.#feeds.get(runId);
    const event = this.logs.get(runId)?.find(({ seq }) => feed !== undefined && seq >= feed.next);
    if (feed === undefined || event === undefined || feed.socket.closed) return false;
    feed.socket.event(runId, event);
    feed.next = event.seq + 1;
    return true;
  }

  /** Sends the next two events in the wrong order: as nothing between us should. */
  swap(runId: string): void {
    const feed = this.#feeds.get(runId);
    if (feed === undefined || feed.socket.closed) return;
    const events = (this.logs.get(runId) ?? []).filter(({ seq }) => seq >= feed.next).slice(0, 2);
    for (const event of events.reverse()) feed.socket.event(runId, event);
    feed.next += events.length;
  }

  cut(code: number): void {
    this.sockets.at(-1)?.ends(code);
    this.#feeds.clear();
  }

  #answer(socket: FakeSocket, frame: FakeSocket["said"][number]): void {
    if (socket.closed) return;
    switch (frame.type) {
      case "auth":
        if (frame.token === this.refusesToken) socket.ends(4401);
        else socket.ack(frame);
        break;
      case "subscribe":
        socket.ack(frame, frame.after === undefined ? { cursor: "log-0" } : {});
        break;
      case "follow":
        this.#follow(socket, frame);
        break;
      case "send": {
        // One run for each key, however often it is asked for.
        const key = frame.idempotency_key;
        if (!this.asked.includes(key)) this.asked.push(key);
        const ids = { run_id: "run", session_id: "s", question_id: "q", answer_id: "a" };
        socket.ack(frame, ids);
        this.#feeds.set("run", { socket, next: 1 });
        break;
      }
      case "ping":
        socket.says({ type: "pong", ref: frame.ref });
        break;
      default:
        socket.ack(frame);
    }
  }

  #follow(socket: FakeSocket, frame: { ref: string; run_id: string; after: number }): void {
    const log = this.logs.get(frame.run_id);
    if (log === undefined) {
      socket.refuse(frame, 404, "RUN_NOT_FOUND");
      return;
    }
    const last = log.at(-1);
    const over = last !== undefined && (last.event === "done" || last.event === "error");
    if (over && last.seq <= frame.after) {
      socket.ack(frame, { run_id: frame.run_id, ended: true });
      return;
    }
    socket.ack(frame, { run_id: frame.run_id });
    this.#feeds.set(frame.run_id, { socket, next: frame.after + 1 });
  }
}
