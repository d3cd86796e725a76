// What the voting page shows and which key means what; the workbench, which extends it, knows what happens then.

const REST_AFTER_MIN = 45;
const ASIDE_MS = 8000;
const HINT_MS = 1400;
const MOST_OFFERED = 3;
const MOST_ON_CARD = 9; // answers that the first card names
const NO_KEYBOARD = "(hover: none) and (pointer: coarse)";

class Screen {
  constructor(element) {
    this.root = element.querySelector("#mq-vote");
    this.windows = new Windows(this);
    translate(this.root);
    this.listen();
  }

  find(name) {
    return this.root.querySelector(`#mq-${name}`);
  }

  only(name) {
    for (const part of ["join", "message", "ballot"]) this.find(part).hidden = part !== name;
    this.showStatus();
  }

  showStatus() {
    this.find("status").hidden = !this.find("join").hidden || !(this.away || (this.campaign && this.counts?.faces));
  }

  // Whether a campaign may still want this person's votes.
  static wants({ open, voted, skipped, faces }) {
    return open > 0 && voted + skipped < faces;
  }

  // ---- words ------------------------------------------------------------------------------------------

  answerName(answer) {
    return known(answer) ?? classWord(answer);
  }

  // A vote's answer as the server gives it, {choices, denies, flag}, in words.
  voteWords({ choices, denies, flag }) {
    if (denies || (this.campaign.question === "verify" && choices.length)) return t(denies ? "no" : "yes");
    return this.knownWords({ choices, flag });
  }

  knownWords({ choices, flag }) {
    if (flag) return t(flag);
    return choices.length ? choices.map(classWord).join(" + ") : t("unsure");
  }

  actionName(action) {
    return action.startsWith("class:") ? classWord(action.slice(6)) : t(`key_${action}`);
  }

  question(card) {
    if (this.campaign.question === "choose") return t(this.campaign.several ? "question_several" : "question");
    return t("question_verify", { name: classWord(card.about) });
  }

  tell(text) {
    this.note(text, { long: true });
    this.announce(text);
  }

  // A short note has its room kept beside the count; only a long one may take a line of its own.
  note(text, { long = false } = {}) {
    this.find("last").classList.toggle("is-long", long);
    this.find("last").textContent = text;
  }

  // That a press was not taken: on the face's edge, where one looks, gone by itself; heard after what is being said.
  hint(text) {
    const hint = node("p", { class: "mq-told", "aria-hidden": "true" }, text);
    this.told()?.remove();
    this.find("stage").append(hint);
    setTimeout(() => hint.remove(), HINT_MS);
    afterPaint(() => {
      const said = this.find("live").textContent;
      if (!said.endsWith(text)) this.announce(`${said} ${text}`.trim());
    });
  }

  told() {
    return this.find("stage").querySelector(".mq-told");
  }

  announce(text) {
    this.find("live").textContent = text;
  }

  // ---- messages instead of a face ---------------------------------------------------------------------

  message(title, { body = [], buttons = [], quiet = false } = {}) {
    const said = [title, ...body.map((part) => part.textContent), buttons.length].join();
    if (said === this.saying && !this.find("message").hidden) return;
    this.saying = said;
    this.find("message-title").textContent = title;
    this.find("message-body").replaceChildren(...body);
    this.find("message-buttons").replaceChildren(...buttons);
    this.only("message");
    if (!quiet) this.announce([title, ...body.map((part) => part.innerText.replace(/\s*\n\s*/g, ", ").replace(/\.$/, ""))].join(". "));
  }

  loading() {
    this.message(t("loading"), { quiet: true });
  }

  empty() {
    if (this.campaigns.some(({ faces }) => faces)) {
      return this.message(t("unfit_title"), { body: [node("p", {}, t("unfit_text", { name: this.campaign.name }))] });
    }
    const commands = (lines) => node("pre", {}, lines.join("\n"));
    this.message(t("empty_title"), {
      body: [node("p", {}, t("empty_text")), commands(setup.commands), node("p", { class: "mq-hint" }, t("empty_try")), commands([setup.to_try])],
    });
  }

  noCampaign() {
    this.message(t("no_campaign_title"), { body: [node("p", {}, t("no_campaign_text"))] });
  }

  done() {
    const others = this.campaigns.filter((other) => other.id !== this.campaign.id && Screen.wants(other));
    const text = this.counts.open > 0 ? t("done_others", { n: number(this.counts.open) }) : t("done_text");
    this.message(t("done_title"), {
      body: [node("p", {}, text), ...(this.counted ? [node("p", { class: "mq-hint" }, t("counts", this.counts))] : []), ...(this.next ? [this.next] : [])],
      buttons: [
        ...others.slice(0, MOST_OFFERED).map((other, i) =>
          this.button(t("go_on_with", { name: other.name }), () => this.begin(other), i ? "" : "is-primary")),
        this.button(t("mine"), () => this.windows.toggle("mine")),
        this.button(t("undo"), () => this.act("undo", "pointer")),
      ],
    });
    this.lookAhead();
  }

  // For those who decide: what comes after the votes.
  async lookAhead() {
    const next = await nextStep();
    if (this.next?.textContent === next?.textContent) return;
    this.next = next;
    if (!this.current && this.deck?.finished) this.done();
  }

  welcome(start) {
    const { campaign } = this;
    const touch = matchMedia(NO_KEYBOARD).matches;
    this.message(t(touch ? "welcome_title_touch" : "welcome_title"), {
      body: [
        node("p", {}, campaign.question === "verify" ? t("welcome_verify") : t(campaign.several ? "welcome_several" : "welcome_choose")),
        node("ul", { class: "mq-welcome" }, ...this.welcomeLines(touch).map(([signs, text]) => node("li", {}, node("span", {}, ...signs), node("span", {}, text)))),
        node("p", { class: "mq-hint" }, t(campaign.blind ? "welcome_blind" : "welcome_open")),
      ],
      buttons: [this.button(t("start"), start, "is-primary")],
    });
    this.find("message-buttons").firstElementChild.focus();
  }

  // What answers, takes back and helps: keys, or on a phone the buttons under the face.
  welcomeLines(touch) {
    const tools = ["undo", "skip", "keys", "mine", "zoom", "photo", "flag", "unsure", "confirm"];
    const answers = Object.keys(this.keys.signs).filter((action) => !tools.includes(action));
    const named = answers.length > MOST_ON_CARD ? [...answers.slice(0, MOST_ON_CARD - 1), "…"] : answers;
    const shown = (action) => {
      if (action === "…") return node("span", {}, action);
      return touch ? node("b", { class: "mq-pill is-strong" }, known(action) ?? this.actionName(action)) : keyCap(this.keys.cap(action));
    };
    return [
      [named, t("welcome_keys")], [["undo"], t("welcome_undo")], [["unsure", "skip"], t("welcome_unsure")],
      touch ? [["zoom", "photo"], t("welcome_look")] : [["keys"], t("welcome_help")],
    ].map(([actions, text]) => [actions.map(shown), text]);
  }

  button(text, onclick, kind = "") {
    return node("button", { type: "button", class: `mq-button ${kind}`, onclick }, text);
  }

  // ---- the face and its answers -----------------------------------------------------------------------

  layOut() {
    const { campaign } = this;
    const verify = campaign.question === "verify";
    const answers = verify
      ? [["yes", "--right"], ["no", "--wrong"], ["unsure", "--line-strong"]].map(([action, colour]) => this.answerButton(action, t(action), colour))
      : campaign.classes.map((name, i) => this.answerButton(`class:${name}`, classWord(name), `--class-${i % 9}`));
    if (campaign.several) answers.push(this.answerButton("confirm", t("confirm"), "--ink"));
    this.find("answers").replaceChildren(...answers);
    const words = answers.flatMap((button) => button.textContent.split(/[\s-]/)); // none of them is cut
    this.find("answers").style.setProperty("--longest", Math.max(...words.map((word) => word.length)));
    this.root.classList.toggle("is-verify", verify);
    this.root.classList.toggle("is-several", campaign.several);
    this.root.classList.toggle("is-many", !verify && campaign.classes.length > 6);
    const tools = [...(verify ? [] : ["unsure"]), "flag", "skip", "undo", "zoom", "photo", "mine", "keys"];
    this.find("more").replaceChildren(...tools.map((action) => {
      const button = node("button", { type: "button", onclick: () => this.act(action, "pointer") }, this.cap(action), node("span", {}, t(action)));
      return this.named(button, action);
    }));
    this.showChosen();
  }

  answerButton(action, text, colour) {
    const button = node("button", { type: "button", style: `--colour:var(${colour})` }, this.cap(action), node("span", {}, text));
    button.onclick = () => this.act(action, "pointer");
    return this.named(button, action);
  }

  named(button, action) {
    button.dataset.answer = action;
    if (!this.keys.off && this.keys.signs[action]?.length) button.setAttribute("aria-keyshortcuts", this.keys.ariaOf(action));
    return button;
  }

  cap(action) {
    const shown = this.keys.off && action !== "keys" && action !== "undo" ? "" : this.keys.cap(action);
    return shown ? keyCap(shown) : "";
  }

  showFace(card) {
    card.image.alt = t("face_alt", { width: card.width, height: card.height });
    this.find("question").textContent = this.question(card);
    this.find("stage").replaceChildren(...[card.image, this.told()].filter(Boolean));
    this.find("model").textContent = card.suggestion
      ? t("model_says", { name: classWord(card.suggestion.label), share: percent(card.suggestion.share) })
      : "";
    this.showChosen();
    this.only("ballot");
  }

  showChosen() {
    if (!this.campaign?.several) return;
    for (const button of this.find("answers").children) {
      const name = button.dataset.answer.slice(6);
      if (button.dataset.answer === "confirm") button.disabled = !this.current?.chosen.size;
      else button.ariaPressed = String(Boolean(this.current?.chosen.has(name)));
    }
  }

  flash(action) {
    const button = this.root.querySelector(`[data-answer="${CSS.escape(action)}"]`);
    button?.classList.add("is-chosen");
    setTimeout(() => button?.classList.remove("is-chosen"), 220);
  }

  // ---- quiet news -------------------------------------------------------------------------------------

  showCounts() {
    if (!this.counts) return;
    const { faces, done, voted } = this.counts;
    const bar = this.find("bar");
    this.find("count").textContent = this.counted ? t("counts", { voted, done, faces }) : "";
    bar.firstElementChild.style.width = this.counted ? `${(100 * done) / Math.max(1, faces)}%` : 0;
    bar.setAttribute("aria-valuemax", faces);
    if (this.counted) bar.setAttribute("aria-valuenow", done);
    else bar.removeAttribute("aria-valuenow");
  }

  showCampaigns() {
    this.find("campaigns").hidden = this.campaigns.length < 2;
    this.find("campaign").replaceChildren(...this.campaigns.map((campaign) =>
      node("option", { value: campaign.id, selected: campaign.id === this.campaign?.id }, campaign.name)));
  }

  showWaiting() {
    const waiting = this.find("waiting");
    const { size = 0, failures = 0, barred, why } = this.outbox || {};
    const stuck = failures > 0 || barred?.size > 0;
    waiting.hidden = !this.away && (size === 0 || (!stuck && size < 4)); // a vote under way is no news
    const text = t(size === 1 ? "waiting_one" : "waiting_many", { n: size });
    const reason = stuck ? why || t("offline") : this.away ? t("away") : "";
    waiting.textContent = [size ? text : "", reason].filter(Boolean).join(" · ");
    this.showStatus();
  }

  // What came back about the face before: known answer, others' votes; or a hint. Goes by itself.
  aside(lines, { tone = "", picture = "", stay = false } = {}) {
    const aside = this.find("aside");
    aside.className = `mq-aside ${tone}`;
    aside.replaceChildren(
      ...(picture ? [node("img", { src: picture, alt: "" })] : []),
      node("div", {}, ...lines.map((line, i) => node(i ? "p" : "b", {}, line))),
      this.closeButton(aside),
    );
    aside.hidden = false;
    this.announce(lines.join(" "));
    clearTimeout(this.asideTimer);
    if (!stay) this.asideTimer = setTimeout(() => (aside.hidden = true), ASIDE_MS);
  }

  closeButton(aside) {
    const button = this.button("×", () => (aside.hidden = true), "mq-x is-quiet");
    button.ariaLabel = t("close");
    return button;
  }

  // ---- listening --------------------------------------------------------------------------------------

  listen() {
    this.find("join").querySelector("form").onsubmit = (event) => {
      event.preventDefault();
      this.join(this.find("name").value);
    };
    this.chooser = new Chooser(this.find("campaign"), {
      onChoice: (id) => this.begin(this.campaigns.find((campaign) => String(campaign.id) === id)),
      onLeave: () => this.find("stage").focus({ preventScroll: true }),
    });
    // A pointer leaves no focus behind: Space after a click skips, it does not click again.
    this.root.addEventListener("click", (event) => event.detail > 0 && document.activeElement?.matches("button") && document.activeElement.blur());
    const onKey = (event) => (this.root.isConnected ? this.onKey(event) : document.removeEventListener("keydown", onKey));
    document.addEventListener("keydown", onKey);
  }

  onKey(event) {
    const typing = event.target.matches?.("input:not([type=checkbox]), textarea, select:focus");
    if (typing || !this.campaign || !this.keys || event.ctrlKey || event.metaKey || event.altKey) return;
    if (event.target.matches?.("button, a, input") && [" ", "Enter"].includes(event.key)) return;
    const digit = /^[1-9]$/.exec(Keys.sign(event))?.[0];
    const flag = this.windows.kind === "flag" && digit && setup.flags[digit - 1];
    const action = flag ? null : this.keys.meaning(event);
    if (!flag && !action) return;
    event.preventDefault();
    if (event.repeat && (action !== "undo" || this.undoing)) return; // a held key is one vote
    if (flag) this.flag(flag, "key");
    else this.act(action, "key");
  }
}

// The text of this key, if there is one in the page's language.
function known(key) {
  return setup.strings[setup.lang][key];
}
