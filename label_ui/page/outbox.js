// Votes on their way to the server: one localStorage entry each, sent in order, kept until the server says so.
// Every entry carries its request id, so sending one twice (after a lost answer, from two tabs) stores it once.

class Outbox {
  constructor(prefix, send, { onChange, onRefused }) {
    Object.assign(this, { prefix, send, onChange, onRefused });
    this.items = new Map();
    this.failures = 0;
    this.timer = null;
    this.busy = false;
    for (const [key, item] of this.stored()) this.items.set(key, item);
    addEventListener("online", () => this.hurry());
  }

  get size() {
    return this.items.size;
  }

  add(item) {
    const order = String(Date.now()).padStart(15, "0") + String(Outbox.count++ % 10000).padStart(4, "0");
    const key = `${this.prefix}${order}.${item.values.request_id}`;
    this.items.set(key, item);
    try {
      localStorage.setItem(key, JSON.stringify(item));
    } catch {
      // Storage is full or forbidden: the vote still waits in memory.
    }
    this.onChange();
    this.work();
  }

  faces() {
    return [...this.items.values()].map((item) => item.values.face).filter(Boolean);
  }

  hurry() {
    clearTimeout(this.timer);
    this.timer = null;
    this.work();
  }

  async work() {
    if (this.busy || this.timer) return;
    this.busy = true;
    while (this.items.size) {
      const [key, item] = this.items.entries().next().value;
      const answer = await this.send(item);
      if (!answer || answer.again) {
        this.later();
        break;
      }
      this.failures = 0;
      this.items.delete(key);
      try {
        localStorage.removeItem(key);
      } catch {
        // Nothing was stored.
      }
      if (answer.error) this.onRefused(answer.error);
      this.onChange();
    }
    this.busy = false;
  }

  later() {
    this.failures += 1;
    this.onChange();
    this.timer = setTimeout(() => this.hurry(), Math.min(400 * 2 ** (this.failures - 1), 8000));
  }

  stored() {
    const found = [];
    try {
      for (const key of Object.keys(localStorage).filter((name) => name.startsWith(this.prefix)).sort()) {
        found.push([key, JSON.parse(localStorage.getItem(key))]);
      }
    } catch {
      // A browser without storage: votes wait in memory only.
    }
    return found;
  }
}
Outbox.count = 0;
