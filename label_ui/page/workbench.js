// The voting page: one face, one key, the next face. Answers go to the outbox, faces come from the deck.

const TOO_SOON_MS = 250; // nobody judges a face faster: what comes sooner is a double click or a bouncing key
const PAUSE_MS = 5 * 60_000; // without an answer for so long, one has rested
const LOOK_AGAIN_MS = 5000; // for faces that come, or that others give back
const KEPT_PICTURES = 40; // undone faces from further back are fetched again

class Workbench extends Sitting {
  // ---- one face after the other -----------------------------------------------------------------------

  onFaces(reached) {
    this.tabs?.tell();
    if (reached && !this.counted) this.count();
    if (this.current) return;
    if (this.deck.cards.length) return this.advance();
    if (this.deck.finished) this.counts.faces ? this.done() : this.empty();
    this.later(() => this.refill(), reached ? LOOK_AGAIN_MS : 2000);
  }

  async refill() {
    if (this.current) return;
    const campaigns = await this.fetched("open_campaigns");
    const mine = campaigns?.find(({ id }) => id === this.campaign.id);
    if (campaigns && !mine) return this.chooseCampaign(); // closed meanwhile
    if (mine) {
      this.campaigns = campaigns;
      this.showCampaigns();
      this.learn(mine);
    }
    this.deck.fill();
  }

  advance() {
    this.current?.watch.stop();
    this.current = null;
    const card = this.deck.take();
    if (card) this.show(card);
    else if (this.deck.finished && !this.deck.filling) this.done();
    else this.loading();
  }

  show(card) {
    this.current?.watch.stop();
    const watch = new Stopwatch();
    this.current = { card, watch, request: freshId(), since: performance.now(), looked: {}, chosen: new Set() };
    const { current } = this;
    this.showFace(card);
    requestAnimationFrame(() => {
      current.since = performance.now();
      watch.restart();
    });
    const nowhere = !document.activeElement || document.activeElement === document.body || !document.activeElement.checkVisibility();
    if (nowhere) this.find("stage").focus({ preventScroll: true });
  }

  act(action, by) {
    const verified = { yes: () => ({ choices: [this.current.card.about] }), no: () => ({ denies: this.current.card.about }) };
    if (["zoom", "photo", "flag", "keys", "mine"].includes(action)) this.windows.toggle(action);
    else if (action === "undo") this.undo();
    else if (!this.current || ["keys", "mine"].includes(this.windows.kind)) return;
    else if (action === "skip") this.answer("skip", {}, action, t("skip"), by);
    else if (action === "unsure") this.answer("vote", {}, action, t("unsure"), by);
    else if (action in verified) this.answer("vote", verified[action](), action, t(action), by);
    else if (action === "confirm") this.confirm(by);
    else if (this.campaign.several) this.toggle(action.slice(6));
    else this.answer("vote", { choices: [action.slice(6)] }, action, this.classWord(action.slice(6)), by);
  }

  flag(flag, by = "pointer") {
    this.answer("vote", { flag }, "flag", t(flag), by);
  }

  toggle(name) {
    const { chosen } = this.current;
    if (!chosen.delete(name)) chosen.add(name);
    this.showChosen();
    this.announce(t(chosen.has(name) ? "chosen" : "not_chosen", { name: this.classWord(name) }));
  }

  confirm(by) {
    const choices = this.campaign.classes.filter((name) => this.current.chosen.has(name));
    if (!choices.length) return this.tell(t("choose_first"));
    this.answer("vote", { choices }, "confirm", choices.map((name) => this.classWord(name)).join(" + "), by);
  }

  answer(kind, given, action, said, by) {
    const seen = this.current;
    if (!seen || performance.now() - seen.since < TOO_SOON_MS) return;
    this.windows.close();
    const { image, ready, broken, ...card } = seen.card;
    const values = this.ofCampaign({ person: this.me.name, face: card.face, crop: card.crop, request_id: seen.request });
    values.seconds = Math.round(seen.watch.stop()) / 1000;
    if (kind === "vote") Object.assign(values, given, { shown: { ...seen.looked, lang: setup.lang, by } });
    this.asking = null;
    this.remember({ card: seen.card, request: seen.request, call: kind });
    this.counts[kind === "vote" ? "voted" : "skipped"] += 1;
    this.outbox.add({ call: kind, values, card });
    this.flash(action);
    this.note(`✓ ${said}`);
    this.advance();
    afterPaint(() => {
      this.tabs?.answered(card.face);
      this.announce(t(this.current ? "said" : "said_last", { answer: said }));
      this.showCounts();
      this.rest();
    });
  }

  remember(answered) {
    this.history.push(answered);
    const old = this.history.at(-KEPT_PICTURES);
    if (old) old.card = { ...old.card, image: null };
  }

  // ---- what comes back about the face before ----------------------------------------------------------

  onAnswer(item, answer) {
    if (item.values.campaign === this.campaign?.id) this.freshen();
    if (item.call !== "vote" || item.values.campaign !== this.campaign?.id) return;
    const lines = [];
    if (answer.gold) lines.push(t(answer.gold.right ? "gold_right_line" : "gold_wrong_line", { answer: this.knownWords(answer.gold.answer) }));
    if (answer.others?.length) {
      const votes = answer.others.map(({ answer, votes }) => `${this.voteWords(answer)} ${number(votes)}`);
      lines.push(t("others_voted", { votes: votes.join(" · ") }));
    }
    const tone = answer.gold ? (answer.gold.right ? "is-right" : "is-wrong") : "";
    if (lines.length) this.aside(lines, { tone, picture: item.card?.picture });
  }

  rest() {
    const now = Date.now();
    if (now - this.lastAnswer > PAUSE_MS) this.working = now;
    this.lastAnswer = now;
    if (now - this.working < REST_AFTER_MIN * 60_000) return;
    this.working = now;
    this.aside([t("rest_title", { n: REST_AFTER_MIN }), t("rest_text")], { stay: true });
  }

  // ---- undo -------------------------------------------------------------------------------------------

  async undo() {
    if (!this.campaign || this.undoing) return;
    this.windows.close();
    this.undoing = true;
    const last = this.history.pop();
    if (last) await this.undoHere(last);
    else if (!this.outbox.next()) await this.undoThere();
    this.undoing = false;
  }

  async undoHere(last) {
    this.outbox.add({ call: "undo", values: this.ofCampaign({ person: this.me.name, request_id: freshId(), of: last.request }) });
    this.counts[last.call === "vote" ? "voted" : "skipped"] -= 1;
    this.bringBack(last.card.image ? last.card : await Deck.card(last.card));
  }

  // Before this page was opened: the server knows the person's latest answer. Until it has said so, asking again is
  // the same request: a lost answer must not take back two.
  async undoThere() {
    const { id: campaign } = this.campaign;
    if (this.asking?.campaign !== campaign || this.asking.person !== this.me.name) this.asking = { campaign, person: this.me.name, request_id: freshId() };
    const answer = await this.ask("undo", this.asking);
    if (!answer.again) this.asking = null;
    if (!answer.ok?.face) return this.tell(answer.ok ? t("nothing_to_undo") : answer.again ? t("offline") : answer.error);
    const card = await Deck.card(answer.ok.face);
    const counts = await this.fetched("counts", this.ofCampaign());
    if (counts) this.learn(counts);
    this.bringBack(card);
  }

  bringBack(card) {
    this.started = true;
    if (this.current && this.current.card.face !== card.face) this.deck.putBack(this.current.card);
    this.deck.drop([card.face]);
    this.show(card);
    this.note(t("undone_short"));
    this.announce(t("undone"));
    this.showCounts();
  }
}
