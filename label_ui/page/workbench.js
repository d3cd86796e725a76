// The voting page: one face, one key, the next face. Answers go to the outbox, faces come from the deck.

const TOO_SOON_MS = 250; // nobody judges a new face faster: what comes sooner is a double click or a bouncing key
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

  // A face that an undo brings back has been judged already: with the classes chosen then, and at any time.
  show(card, { again = false, choices = [] } = {}) {
    this.current?.watch.stop();
    const watch = new Stopwatch();
    this.current = { card, watch, again, request: freshId(), since: performance.now(), looked: {}, chosen: new Set(choices) };
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
    if (this.undoing) return void this.meanwhile.push([action, by]);
    const verified = { yes: () => ({ choices: [this.current.card.about] }), no: () => ({ denies: this.current.card.about }) };
    if (["zoom", "photo", "flag", "keys", "mine"].includes(action)) this.windows.toggle(action);
    else if (action === "undo") this.undo();
    else if (!this.current || ["keys", "mine"].includes(this.windows.kind)) return;
    else if (action === "skip") this.answer("skip", {}, action, t("skip"), by);
    else if (action === "unsure") this.answer("vote", {}, action, t("unsure"), by);
    else if (action in verified) this.answer("vote", verified[action](), action, t(action), by);
    else if (action === "confirm") this.confirm(by);
    else if (this.campaign.several) this.toggle(action.slice(6));
    else this.answer("vote", { choices: [action.slice(6)] }, action, classWord(action.slice(6)), by);
  }

  flag(flag, by = "pointer") {
    this.answer("vote", { flag }, "flag", t(flag), by);
  }

  toggle(name) {
    const { chosen } = this.current;
    if (!chosen.delete(name)) chosen.add(name);
    this.showChosen();
    this.announce(t(chosen.has(name) ? "chosen" : "not_chosen", { name: classWord(name) }));
  }

  confirm(by) {
    const choices = this.campaign.classes.filter((name) => this.current.chosen.has(name));
    if (!choices.length) return this.tell(t("choose_first"));
    this.answer("vote", { choices }, "confirm", choices.map(classWord).join(" + "), by);
  }

  answer(kind, given, action, said, by) {
    const seen = this.current;
    if (!seen) return;
    if (!seen.again && performance.now() - seen.since < TOO_SOON_MS) return this.hint(t("too_soon"));
    this.windows.close();
    const { image, ready, broken, ...card } = seen.card;
    const values = this.ofCampaign({ person: this.me.name, face: card.face, crop: card.crop, request_id: seen.request });
    values.seconds = Math.round(seen.watch.stop()) / 1000;
    if (kind === "vote") Object.assign(values, given, { shown: { ...seen.looked, lang: setup.lang, by } });
    this.asking = null;
    this.remember({ card: seen.card, request: seen.request, call: kind, choices: given.choices });
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

  // What is pressed before the face is back means that face: it waits, and is dropped where none comes back.
  async undo() {
    if (!this.campaign) return;
    this.windows.close();
    Object.assign(this, { undoing: true, meanwhile: [] });
    const last = this.history.pop();
    const back = await (last ? this.undoHere(last) : this.undoThere()).finally(() => (this.undoing = false));
    const meant = this.meanwhile.splice(0);
    if (back) for (const [action, by] of meant) this.act(action, by);
    else if (meant.some(([action]) => action !== "undo")) this.hint(t("not_counted"));
  }

  async undoHere({ card, request, call, choices }) {
    this.outbox.add({ call: "undo", values: this.ofCampaign({ person: this.me.name, request_id: freshId(), of: request }) });
    this.counts[call === "vote" ? "voted" : "skipped"] -= 1;
    return this.bringBack(card.image ? card : await Deck.card(card), choices);
  }

  // Before this page was opened: the server knows the person's latest answer. Until it has said so, asking again is
  // the same request: a lost answer must not take back two. What is on its way there comes before.
  async undoThere() {
    const { id: campaign } = this.campaign;
    if (!(await this.outbox.sent())) return void this.tell(this.outbox.why || t("offline"));
    if (this.asking?.campaign !== campaign || this.asking.person !== this.me.name) this.asking = { campaign, person: this.me.name, request_id: freshId() };
    const answer = await this.ask("undo", this.asking);
    if (!answer.again) this.asking = null;
    if (!answer.ok?.face) return void this.tell(answer.ok ? t("nothing_to_undo") : answer.again ? t("offline") : answer.error);
    const card = await Deck.card(answer.ok.face);
    const counts = await this.fetched("counts", { campaign });
    if (campaign !== this.campaign?.id) return false; // another one was chosen meanwhile
    if (counts) this.learn(counts);
    return this.bringBack(card, answer.ok.choices);
  }

  bringBack(card, choices) {
    this.started = true;
    if (this.current && this.current.card.face !== card.face) this.deck.putBack(this.current.card);
    this.deck.drop([card.face]);
    this.show(card, { again: true, choices });
    this.note(t("undone_short"));
    this.announce(t("undone"));
    this.showCounts();
    return true;
  }
}
