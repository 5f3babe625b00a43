/** The events of the server, kept for whoever was away for a while. */

const KEPT = 1000;

export class Stream {
  #number = 0;
  #events = [];
  #listeners = new Set();

  tell(event, more) {
    this.#number += 1;
    const told = { id: this.#number, name: event, data: JSON.stringify({ event, at: Date.now(), ...more }) };
    this.#events = [...this.#events, told].slice(-KEPT);
    for (const listener of this.#listeners) write(listener, told);
  }

  /** Serves a client from the event on that comes after the one that it saw last. */
  serve(request, response) {
    response.writeHead(200, { "Content-Type": "text/event-stream", "Cache-Control": "no-store" });
    const last = Number(request.headers["last-event-id"] ?? this.#number);
    // A client that was away keeps its own id until it has seen what it missed.
    write(response, { id: last, name: "hello", data: JSON.stringify({ event: "hello", at: Date.now() }) });
    for (const event of this.#events.filter((event) => event.id > last)) write(response, event);
    this.#listeners.add(response);
    response.on("close", () => this.#listeners.delete(response));
  }

  end() {
    for (const listener of this.#listeners) listener.destroy();
  }
}

function write(response, { id, name, data }) {
  response.write(`id: ${id}\nevent: ${name}\ndata: ${data}\n\n`);
}
