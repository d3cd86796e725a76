// The voting page: one face, one key, the next face. Answers go to the outbox, faces come from the deck.

const TOO_SOON_MS = 250; // nobody judges a face faster: what comes sooner is a double click or a bouncing key

class Workbench extends Screen {
  constructor(element, server, setup) {
    super(element, setup);
    Object.assign(this, { server, me: null, current: null, history: [] });
    this.outbox = new Outbox(`mimique.vote.${setup.workspace}.`, (item) => this.ask(item.call, item.values), {
      onChange: () => this.showWaiting(),
      onRefused: (why) => this.tell(this.say("refused", { why })),
    });
    this.deck = new Deck(
      (count, exclude) => this.fetched("next", { annotator: this.me.name, count, exclude }),
      () => [...this.outbox.faces(), ...(this.current ? [this.current.card.face] : [])],
      (reached) => this.onFaces(reached),
    );
    this.translate();
    this.layOut();
    this.listen();
    this.outbox.work();
    this.showWaiting();
    this.arrive();
  }

  // ---- talking to the server -------------------------------------------------------------------------

  async ask(call, values = {}) {
    const answer = await this.server[call](values).catch(() => null);
    return answer && ("ok" in answer || "error" in answer) ? answer : null;
  }

  async fetched(call, values) {
    const answer = await this.ask(call, values);
    return answer && "ok" in answer ? answer.ok : null;
  }

  // ---- who votes -------------------------------------------------------------------------------------

  async arrive() {
    const name = window.gradio_config?.username || remembered(this.nameKey());
    if (name) await this.join(name);
    else this.askName("");
  }

  nameKey() {
    return `mimique.name.${this.setup.workspace}`;
  }

  askName(error) {
    this.me = null;
    this.current = null;
    this.only("join");
    this.find("name-error").textContent = error;
    this.find("name").focus();
  }

  async join(name) {
    const answer = await this.ask("join", { name });
    if (!answer || answer.again) {
      this.askName(this.say("offline"));
      this.find("name").value = name;
    } else if (answer.error) {
      this.askName(answer.error);
    } else {
      this.me = answer.ok;
      this.history = [];
      remember(this.nameKey(), this.me.name);
      this.find("person").textContent = this.me.name;
      this.find("person").hidden = false;
      this.deck.cards = [];
      this.deck.finished = false;
      this.message("loading");
      this.showCounts();
      this.deck.fill();
    }
  }

  // ---- one face after the other ----------------------------------------------------------------------

  onFaces(reached) {
    if (!this.me || this.current) return;
    if (this.deck.cards.length) this.advance();
    else if (this.deck.finished) this.message(this.me.faces ? "done" : "empty");
    clearTimeout(this.again);
    if (!this.current) this.again = setTimeout(() => this.refill(), reached ? 15000 : 2000);
  }

  async refill() {
    if (!this.me || this.current) return;
    const mine = await this.fetched("mine", { annotator: this.me.name });
    if (mine && this.me) Object.assign(this.me, mine);
    this.showCounts();
    this.deck.fill();
  }

  advance() {
    this.current = null;
    const card = this.deck.take();
    if (card) this.show(card);
    else this.message(this.deck.finished && !this.deck.filling ? "done" : "loading");
  }

  show(card) {
    this.current = { card, request: freshId(), since: performance.now(), looked: {} };
    const current = this.current;
    card.image.alt = this.say("face_alt", { width: card.width, height: card.height });
    this.find("stage").replaceChildren(card.image);
    this.only("ballot");
    requestAnimationFrame(() => (current.since = performance.now()));
    if (!this.root.contains(document.activeElement) || document.activeElement.id === "mq-name") this.focusFace();
  }

  focusFace() {
    this.find("stage").focus({ preventScroll: true });
  }

  answer(call, { choice = null, flag = null } = {}, said = "") {
    const seen = this.current;
    if (!seen || performance.now() - seen.since < TOO_SOON_MS) return;
    this.closeWindow();
    const values = { annotator: this.me.name, face: seen.card.face, crop: seen.card.crop, request_id: seen.request };
    values.seconds = Math.round(performance.now() - seen.since) / 1000;
    if (call === "vote") Object.assign(values, { choice, flag, shown: { ...seen.looked, lang: this.say.lang } });
    this.history.push({ card: seen.card, request: seen.request, call });
    this.me[call === "vote" ? "voted" : "skipped"] += 1;
    this.outbox.add({ call, values });
    this.flash(choice ?? flag ?? (call === "skip" ? "skip" : "unsure"));
    this.find("last").textContent = `✓ ${said}`;
    this.advance();
    this.announce(this.say(this.current ? "said" : "said_last", { answer: said }));
    this.showCounts();
  }

  async undo() {
    if (!this.me) return;
    this.closeWindow();
    const last = this.history.pop();
    if (last) {
      this.outbox.add({
        call: "undo",
        values: { annotator: this.me.name, request_id: freshId(), of: last.request },
      });
      this.me[last.call === "vote" ? "voted" : "skipped"] -= 1;
      this.bringBack(last.card);
    } else if (!this.outbox.size) {
      const answer = await this.fetched("undo", { annotator: this.me.name, request_id: freshId() });
      if (!answer?.face) return this.tell(this.say(answer ? "nothing_to_undo" : "offline"));
      const mine = await this.fetched("mine", { annotator: this.me.name });
      Object.assign(this.me, mine || {});
      this.bringBack(await Deck.card(answer.face));
    }
  }

  bringBack(card) {
    if (this.current && this.current.card.face !== card.face) this.deck.putBack(this.current.card);
    this.deck.cards = this.deck.cards.filter((other) => other.face !== card.face);
    this.show(card);
    this.tell(this.say("undone"));
    this.showCounts();
  }
}

function freshId() {
  return Array.from(crypto.getRandomValues(new Uint8Array(16)), (byte) => byte.toString(16).padStart(2, "0")).join("");
}

function remember(key, value) {
  try {
    localStorage.setItem(key, value);
  } catch {
    // A browser without storage asks for the name again.
  }
}

function remembered(key) {
  try {
    return localStorage.getItem(key);
  } catch {
    return null;
  }
}
