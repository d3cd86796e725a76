// One person's sitting: who votes, on which campaign, and the faces reserved for this page meanwhile.

const MOST_AHEAD = 12;
const FEWEST_AHEAD = 3;
const COUNTS_MS = 3000; // how far everybody is: asked again after an answer, but not after each
const AWAY_MS = 4000;
const RENEW_MS = 50_000; // a face that waits in the deck stays reserved: its lease is renewed this often

class Sitting extends Screen {
  constructor(element) {
    super(element);
    Object.assign(this, { me: null, campaign: null, campaigns: [], current: null, history: [], away: false, counted: false, undoing: false, meanwhile: [] });
    setInterval(() => this.hold(), RENEW_MS);
    addEventListener("pagehide", () => this.leave());
    addEventListener("pageshow", (event) => event.persisted && this.comeBack());
    addEventListener("mimique:left", () => forget(this.nameKey()));
    document.addEventListener("visibilitychange", () => document.hidden || this.hold());
    this.arrive();
  }

  // ---- talking to the server --------------------------------------------------------------------------

  // On a machine without logins every tab may be another person's: the name goes along, the server checks it.
  async ask(name, values = {}, options = {}) {
    const answer = await call(name, this.me?.asks_login ? values : { ...values, annotator: this.me.name }, options);
    this.hear(answer.status !== undefined);
    return answer;
  }

  // Whether the server answered at all. While it does not, it is asked now and then: what is said of it stays true.
  hear(answered) {
    clearTimeout(this.askAgain);
    if (!answered) this.askAgain = setTimeout(() => this.campaign && this.count(), AWAY_MS);
    if (this.away === !answered) return;
    this.away = !answered;
    this.showWaiting();
  }

  async fetched(name, values = {}) {
    const answer = await this.ask(name, values);
    return "ok" in answer ? answer.ok : null;
  }

  ofCampaign(values = {}) {
    return { campaign: this.campaign.id, ...values };
  }

  // ---- who votes, and on what -------------------------------------------------------------------------

  async arrive() {
    this.loading();
    const me = await whoami();
    const before = remembered(this.nameKey());
    this.hear(Boolean(me));
    if (!me) this.later(() => this.arrive());
    else if (me.name) this.settle(me);
    else if (before) this.join(before);
    else this.askName("");
  }

  nameKey() {
    return `mimique.name.${setup.workspace}`;
  }

  askName(error) {
    this.only("join");
    this.find("name-error").textContent = error;
    this.find("name").focus();
  }

  async join(name) {
    const answer = await call("join", { name });
    if (answer.login) return this.logIn();
    if (answer.error) return this.askName(errorText(answer));
    remember(this.nameKey(), answer.ok.name);
    dispatchEvent(new CustomEvent("mimique:joined"));
    this.settle(answer.ok);
  }

  // This name has a password: the entrance asks for it. Whoever comes back without may choose another name.
  logIn() {
    forget(this.nameKey());
    location.assign(`/login?next=${encodeURIComponent(location.pathname)}`);
  }

  settle(me) {
    this.me = me;
    this.outbox?.close();
    const prefix = `mimique.vote.${setup.workspace}.${encodeURIComponent(me.name)}.`;
    this.outbox = new Outbox(prefix, (item) => this.ask(item.call, item.values), {
      onChange: () => this.showWaiting(),
      onAnswer: (item, answer) => this.onAnswer(item, answer),
      onRefused: (why) => this.tell(t("refused", { why })),
      onKept: (why) => this.tell(t("kept", { why })),
    });
    this.loading();
    this.outbox.work();
    this.showWaiting();
    this.chooseCampaign();
  }

  place(what) {
    return `mimique.${what}.${setup.workspace}.${this.me.name}`;
  }

  async chooseCampaign() {
    const campaigns = await this.fetched("open_campaigns");
    if (!campaigns) return this.later(() => this.chooseCampaign());
    this.campaigns = campaigns;
    const before = remembered(this.place("campaign"));
    const chosen = campaigns.find(({ id }) => id === before) || campaigns.find(Screen.wants) || campaigns[0];
    if (chosen) return this.begin(chosen, { counted: true });
    this.noCampaign();
    this.later(() => this.chooseCampaign(), 15_000);
  }

  // How far a campaign is was told with the list of them; unless that was just now, it is asked anew.
  begin(campaign, { counted = false } = {}) {
    if (this.campaign) this.leave();
    Object.assign(this, { campaign, counts: campaign, counted, current: null, history: [] });
    if (!counted) this.count();
    remember(this.place("campaign"), campaign.id);
    this.keys = new Keys(this.place(`keys.${campaign.question}`), campaign, setup.lang);
    for (const item of this.outbox.items.values()) this.recall(item);
    this.layOut();
    this.showCampaigns();
    this.showCounts();
    const deck = new Deck({
      size: () => this.deckSize(),
      fetchFaces: (count, exclude) => this.fetched("next", this.ofCampaign({ count, exclude })),
      busyFaces: () => [...this.outbox.faces(), ...this.onScreen(), ...(this.tabs?.elsewhere() || [])],
      onArrival: (reached) => deck === this.deck && this.onFaces(reached),
    });
    this.deck = deck;
    this.deck.campaign = campaign.id;
    this.tabs = new Tabs(this.place(`tabs.${campaign.id}`), {
      held: () => this.held(),
      onAnswered: (face) => this.answeredElsewhere(face),
    });
    this.find("aside").hidden = true;
    this.note("");
    if (remembered(this.seenKey()) || !campaign.faces) this.start();
    else this.welcome(() => this.start());
  }

  // The explanation comes once for every kind of question.
  seenKey() {
    const { question, several, blind } = this.campaign;
    return this.place(`seen.${question}.${several}.${blind}`);
  }

  start() {
    remember(this.seenKey(), true);
    this.started = true;
    this.working = this.lastAnswer = Date.now();
    this.loading();
    this.tabs.settled.then(() => this.deck.fill());
  }

  // Votes of this campaign that a closed page left in the outbox can still be undone here.
  recall({ call, values, card }) {
    if (values.campaign !== this.campaign.id) return;
    if (call === "undo") this.history = this.history.filter(({ request }) => request !== values.of);
    else this.history.push({ card, request: values.request_id, call, choices: values.choices });
  }

  later(run, ms = 2000) {
    clearTimeout(this.again);
    this.again = setTimeout(run, ms);
  }

  // ---- faces are reserved while they wait here ----------------------------------------------------------

  // Faces that wait here wait for nobody else: near a campaign's end fewer are kept.
  deckSize() {
    return Math.max(FEWEST_AHEAD, Math.min(MOST_AHEAD, Math.ceil(this.counts.open / 5)));
  }

  onScreen() {
    return this.current ? [this.current.card.face] : [];
  }

  held() {
    return [...this.onScreen(), ...this.deck.faces];
  }

  answeredElsewhere(face) {
    this.deck.drop([face]);
    if (this.current?.card.face === face) this.advance();
  }

  async hold() {
    if (!this.started || document.hidden) return;
    const campaign = this.campaign.id;
    const answer = await this.fetched("hold", { campaign, faces: this.held() });
    if (!answer || campaign !== this.campaign.id) return;
    this.deck.drop(answer.gone);
    this.learn(answer.counts);
    this.deck.fill();
  }

  learn(counts) {
    Object.assign(this, { counts, counted: true });
    this.showCounts();
  }

  // What is still on its way counts here already, so the server's counts wait until it is there.
  freshen() {
    this.counting ??= setTimeout(() => this.count(), Math.max(200, COUNTS_MS - (Date.now() - (this.countedAt || 0))));
  }

  async count() {
    const campaign = this.campaign.id;
    const counts = this.outbox.size ? null : await this.fetched("counts", { campaign });
    this.counting = null;
    this.countedAt = Date.now();
    if (this.outbox.size && !this.outbox.failures) return this.freshen();
    if (!counts || campaign !== this.campaign?.id) return;
    this.learn(counts);
    if (!this.current && this.started && this.deck.finished && counts.faces) this.done();
  }

  // The browser kept this page when it went elsewhere, and shows it again.
  comeBack() {
    if (this.campaign) this.begin(this.campaign);
  }

  // Without another tab of mine everything is given back, also what is still on its way here.
  leave() {
    const faces = this.tabs?.others.size ? this.held() : null;
    this.tabs?.close();
    this.tabs = null;
    if (this.started && this.deck) this.ask("leave", { campaign: this.deck.campaign, faces }, { keepalive: true });
    this.started = false;
  }
}
