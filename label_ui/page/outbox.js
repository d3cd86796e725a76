// Votes on their way to the server: one localStorage entry each, sent in order, kept until the server says so.
// Every entry carries its request id, so sending one twice (after a lost answer, from two tabs) stores it once.
// Entries are kept by person: what one voted on this browser is never sent under the name of the next.
// Where a person may not vote (any more), the campaign's votes are kept, and tried again now and then.

const TRY_BARRED_MS = 60_000;

class Outbox {
  constructor(prefix, send, { onChange, onAnswer, onRefused, onKept }) {
    Object.assign(this, { prefix, send, onChange, onAnswer, onRefused, onKept });
    this.items = new Map();
    this.failures = 0;
    this.why = "";
    this.barred = new Set(); // campaigns that do not take this person's votes now
    this.timer = null;
    this.busy = false;
    this.closed = false;
    this.sequence = 0;
    this.asked = []; // who wants to know when all is sent
    this.hurried = () => this.hurry();
    for (const key of rememberedKeys(prefix)) this.items.set(key, remembered(key));
    addEventListener("online", this.hurried);
  }

  get size() {
    return this.items.size;
  }

  add(item) {
    const order = String(Date.now()).padStart(15, "0") + String(this.sequence++ % 10000).padStart(4, "0");
    const key = `${this.prefix}${order}.${item.values.request_id}`;
    this.items.set(key, item);
    remember(key, item);
    afterPaint(() => {
      this.onChange();
      this.work();
    });
  }

  // The next entry to send; none while all that wait are of campaigns that do not take them.
  next() {
    return [...this.items].find(([, item]) => !this.barred.has(item.values.campaign));
  }

  faces() {
    return [...this.items.values()].map((item) => item.values.face).filter(Boolean);
  }

  hurry() {
    clearTimeout(this.timer);
    this.timer = null;
    this.barred.clear();
    this.work();
  }

  // True once nothing is left to send; false when the server does not take it now.
  sent() {
    if (!this.next()) return Promise.resolve(true);
    if (this.timer || this.closed) return Promise.resolve(false);
    return new Promise((told) => this.asked.push(told));
  }

  tell() {
    for (const told of this.asked.splice(0)) told(!this.next());
  }

  close() {
    this.closed = true;
    this.tell();
    clearTimeout(this.timer);
    removeEventListener("online", this.hurried);
  }

  async work() {
    if (this.busy || this.timer || this.closed) return;
    this.busy = true;
    while (this.next() && !this.closed) {
      const [key, item] = this.next();
      const answer = await this.send(item);
      if (!answer || answer.again) {
        this.later(answer);
        break;
      }
      this.failures = 0;
      if ([401, 403].includes(answer.status)) {
        this.bar(item.values.campaign, answer.error);
        continue;
      }
      this.items.delete(key);
      forget(key);
      if (answer.error) this.onRefused(answer.error);
      else this.onAnswer(item, answer.ok);
      this.onChange();
    }
    this.busy = false;
    this.tell();
    if (this.barred.size && !this.timer && !this.closed) this.timer = setTimeout(() => this.hurry(), TRY_BARRED_MS);
  }

  bar(campaign, why) {
    this.why = why;
    this.barred.add(campaign);
    this.onKept(why);
    this.onChange();
  }

  later(answer) {
    this.failures += 1;
    this.why = answer?.error || "";
    this.onChange();
    this.timer = setTimeout(() => this.hurry(), Math.min(400 * 2 ** (this.failures - 1), 8000));
  }
}
