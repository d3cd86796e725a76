// The Review page: one face after the other, everything known about it side by side, one key a decision.

const RV_AHEAD = 3; // faces looked up before they are wanted
const RV_KINDS = ["", "flagged", "error", "tie", "unsure"];
const RV_ACTIONS = { Enter: "accept", v: "send", x: "reject", g: "gold" };

class ReviewPage extends CuratorPage {
  constructor(root) {
    super(root, "review");
    this.kind = "";
    this.items = [];
    this.at = 0;
    this.views = new Map(); // face → promise of its view
    this.settled = new Map(); // face → what was done here
    this.start();
  }

  async arrive() {
    this.doings = new Doings();
    const asked = new URLSearchParams(location.search);
    this.chosen = (asked.get("faces") || "").split(",").filter((id) => /^\d+$/.test(id)).map(Number);
    this.kind = RV_KINDS.includes(asked.get("kind")) ? asked.get("kind") : "";
    await this.load(false);
    if (!asked.has("decide")) return;
    asked.delete("decide");
    showAddress(asked.toString());
    this.rules.open();
  }

  // ---- the list ----------------------------------------------------------------------------------------------

  async load(fresh = true) {
    const answer = await call("review_list", { kind: this.kind, fresh });
    this.find("error").textContent = answer.error ? errorText(answer) : "";
    if (answer.error) return;
    this.list = answer.ok;
    this.items = this.chosen?.length ? this.chosen.map((face) => this.list.items.find((item) => item.face === face) || { face, reasons: [] }) : this.list.items;
    this.at = 0;
    this.views.clear();
    this.settled.clear();
    this.showKinds();
    this.show();
  }

  // A rule decided, or its decision was taken back: the list anew, at the same face where it is still there.
  async decided() {
    const face = this.items[this.at]?.face;
    await Promise.all([this.load(), nav.showNext()]);
    const at = this.items.findIndex((item) => item.face === face);
    if (at > 0) this.go(at);
  }

  choose(kind) {
    this.kind = kind;
    this.chosen = [];
    showAddress(kind && `kind=${kind}`);
    this.load();
  }

  showKinds() {
    const chip = (kind, text, count, chosen) => {
      const button = node("button", { type: "button", class: "mq-chip", "aria-pressed": String(chosen), onclick: () => this.choose(kind) },
        text, count === null ? null : node("b", {}, number(count)));
      button.dataset.kind = kind;
      return button;
    };
    const picked = this.chosen?.length;
    this.find("kinds").replaceChildren(
      ...(picked ? [node("span", { class: "mq-chip is-chosen" }, t("rv_picked"), node("b", {}, number(picked)))] : []),
      ...RV_KINDS.map((kind) => chip(kind, t(`rv_kind_${kind || "all"}`), this.list.counts[kind], !picked && kind === this.kind)));
  }

  // ---- instead of a face -----------------------------------------------------------------------------------------

  empty(title, text, commands, ...ways) {
    super.empty(title, text, commands, ...ways, this.doings?.stack.length && this.button(t("ac_undo"), () => this.undo()));
    this.find("case").hidden = true;
  }

  nothing() {
    const { faces, decided, total } = this.list;
    const at = setup.commands[0].includes("--workspace") ? setup.commands[0].slice(setup.commands[0].indexOf(" --workspace")) : "";
    const again = this.button(t("rv_look_again"), () => this.load(), "is-primary");
    const decide = (kind = "") => this.button(t("dc_decide"), () => this.rules.open(), kind);
    const gallery = this.link("/gallery", t("page_gallery"));
    if (!faces) return this.empty(t("rv_no_faces"), t("rv_no_faces_text"), setup.commands);
    if (!decided && !total) return this.empty(t("rv_no_labels"), t("rv_no_labels_text"), [setup.decide], decide("is-primary mq-decides"), this.button(t("rv_look_again"), () => this.load()));
    if (this.items.length) return this.empty(t("rv_through"), t("rv_through_text", { n: this.settled.size }), [], again, gallery, decide());
    return this.empty(t(this.kind ? "rv_none_of_kind" : "rv_none"), t(this.list.run ? "rv_none_text" : "rv_none_no_run"),
      this.list.run ? [] : [`train yolo --size n${at}`], again, gallery, decide());
  }

  // ---- one face ----------------------------------------------------------------------------------------------------

  view(face) {
    if (!this.views.has(face)) this.views.set(face, call("review_face", { face }));
    return this.views.get(face);
  }

  async show() {
    if (this.at >= this.items.length) return this.nothing();
    const item = this.items[this.at];
    const answer = await this.view(item.face);
    if (item !== this.items[this.at]) return;
    if (answer.error) this.views.delete(item.face);
    this.find("error").textContent = answer.error ? errorText(answer) : "";
    if (answer.error) return;
    this.find("empty").hidden = true;
    this.find("case").hidden = false;
    this.showView(item, answer.ok);
    for (const next of this.items.slice(this.at + 1, this.at + 1 + RV_AHEAD)) {
      this.view(next.face).then(({ ok }) => ok && [ok.picture, ok.photo.picture].forEach((src) => (new Image().src = src)));
    }
  }

  showView(item, view) {
    this.current = view;
    const total = this.chosen?.length ? this.items.length : Math.max(this.list.total, this.items.length);
    this.find("place").textContent = t("rv_place", { at: this.at + 1, all: total });
    this.find("back").disabled = this.at === 0;
    this.find("reasons").replaceChildren(...this.reasons(item, view));
    const face = this.find("face");
    face.src = view.picture;
    face.alt = t("rv_face_alt", { id: view.face });
    this.find("caption").replaceChildren(...this.caption(view));
    this.showPhoto(view);
    this.showActions(view);
    this.find("votes").replaceChildren(this.votes(view));
    this.find("model").replaceChildren(this.model(view));
    this.find("history").replaceChildren(this.history(view));
  }

  reasons({ face, reasons }, view) {
    const done = this.settled.get(face);
    if (done) return [node("span", { class: "mq-reason is-done" }, "✓ ", done)];
    if (view.sent_back) return [node("span", { class: "mq-reason is-done" }, t("rv_sent"))];
    return reasons.map(({ kind, flag, confidence, suspect }) => node("span", { class: `mq-reason is-${kind}` }, {
      flagged: () => t("rv_why_flagged", { flag: t(flag) }),
      error: () => t("rv_why_error", { label: classWord(suspect.label), other: classWord(suspect.model_label), share: percent(suspect.model_share), own: percent(suspect.label_share) }),
      tie: () => t("rv_why_tie"),
      unsure: () => t("rv_why_unsure", { share: percent(confidence) }),
    }[kind]()));
  }

  caption({ label, gold, outdated }) {
    const words = label ? this.holds(label) : t("rv_undecided");
    const parts = [node("span", { class: "mq-dot", style: `--colour:${label?.label ? classColour(label.label) : "var(--line-strong)"}` }), node("b", {}, words)];
    if (label?.state === "decided") parts.push(node("span", { class: "mq-hint" }, label.by ? t("rv_by", { name: label.by }) : t("rv_sure", { share: percent(label.confidence), n: label.votes })));
    if (outdated) parts.push(node("span", { class: "mq-pill" }, t("rv_outdated")));
    if (gold) parts.push(node("span", { class: "mq-pill is-strong" }, t("rv_is_gold", { answer: gold.answer ? classWord(gold.answer) : t(gold.flag) })));
    return parts;
  }

  holds({ label, state, reason }) {
    if (label) return classWord(label);
    if (state === "rejected") return t("rv_rejected", { flag: reason in setup.strings.en ? t(reason) : reason });
    return t(state === "tie" ? "rv_no_agreement" : "rv_undecided");
  }

  showPhoto({ photo, origins, candidate_class: candidate }) {
    const [x1, y1, x2, y2] = photo.box.map((share) => 100 * share);
    this.find("photo").style.aspectRatio = `${photo.width} / ${photo.height}`;
    this.find("photo").style.setProperty("--ratio", photo.width / photo.height);
    this.find("photo").replaceChildren(
      node("img", { src: photo.picture, alt: t("rv_photo_alt") }),
      node("i", { style: `left:${x1}%;top:${y1}%;width:${x2 - x1}%;height:${y2 - y1}%` }));
    const said = origins.slice(0, 1).flatMap(({ source, owner, title, license, page }) => [
      page ? node("a", { href: page, target: "_blank", rel: "noreferrer noopener" }, title || source) : node("span", {}, title || source),
      ...[owner, license].filter(Boolean).map((text) => node("span", { dir: "auto" }, text)),
    ]);
    this.find("origin").replaceChildren(...(candidate ? [node("span", {}, t("rv_searched", { name: classWord(candidate) }))] : []), ...said);
  }

  // ---- evidence ------------------------------------------------------------------------------------------------

  votes({ votes }) {
    if (!votes.length) return node("p", { class: "mq-hint" }, t("rv_no_votes"));
    const campaigns = new Set(votes.map(({ campaign }) => campaign)).size > 1;
    return node("ul", { class: "mq-review-list" }, votes.map((vote) => node("li", {},
      node("span", { class: "mq-dot", style: `--colour:${vote.choices.length ? classColour(vote.choices[0]) : "var(--line-strong)"}` }),
      node("b", {}, this.answer(vote)),
      node("span", { class: "mq-review-who", dir: "auto" }, vote.by, campaigns ? ` · ${vote.campaign}` : ""),
      node("span", { class: "mq-review-num" }, vote.seconds === null ? "" : t("rv_seconds", { s: number(vote.seconds, 1) })))));
  }

  answer({ choices, denies, flag }) {
    if (flag) return t(flag);
    if (denies) return t("rv_denies", { name: classWord(denies) });
    return choices.length ? choices.map(classWord).join(" + ") : t("unsure");
  }

  model({ model, label }) {
    if (!model) return node("p", { class: "mq-hint" }, t("rv_no_model"));
    return node("div", {},
      node("ul", { class: "mq-review-bars" }, model.shares.map(([name, share]) => node("li", { class: name === label?.label ? "is-label" : "" },
        node("span", {}, classWord(name)),
        node("div", { class: "mq-meter", "aria-hidden": "true" }, node("i", { style: `width:${100 * share}%;background:${classColour(name)}` })),
        node("span", { class: "mq-review-num" }, percent(share))))),
      node("p", { class: "mq-hint" }, t(model.out_of_fold ? "rv_model_fresh" : "rv_model_trained", { run: model.run })));
  }

  history({ history }) {
    if (!history.length) return node("p", { class: "mq-hint" }, t("rv_no_history"));
    const day = new Intl.DateTimeFormat(setup.lang, { dateStyle: "short", timeStyle: "short" });
    return node("ol", { class: "mq-review-list mq-review-past" }, [...history].reverse().map((row) => {
      const method = row.by ? t(`rv_did_${row.method.replace(" ", "_")}`) : t("rv_rule", { name: row.method.split(":")[0] });
      const undone = row.undone_by !== null;
      return node("li", { class: undone ? "is-undone" : "" },
        node("b", {}, row.method === "send back" ? t("rv_sent_back") : this.holds(row)),
        node("span", { class: "mq-review-who" }, [row.by, method, undone ? this.undoneBy(row) : ""].filter(Boolean).join(" · ")),
        row.holds ? node("span", { class: "mq-pill is-strong" }, t("rv_holds")) : null,
        node("time", { class: "mq-review-num", dateTime: row.at }, day.format(new Date(row.at))));
    }));
  }

  // In a terminal nobody has a name.
  undoneBy({ undone_by: name }) {
    return name ? t("rv_undone", { name }) : t("rv_undone_terminal");
  }

  // ---- decisions --------------------------------------------------------------------------------------------------

  layOut() {
    const button = (action, text, cap, style = "") => {
      const made = node("button", { type: "button", class: "mq-review-act", style, onclick: () => this.act(action) }, cap ? keyCap(cap) : null, node("span", {}, text));
      made.dataset.action = action;
      return made;
    };
    this.find("actions").replaceChildren(
      button("accept", t("rv_accept"), "⏎"),
      node("div", { class: "mq-review-classes" }, setup.classes.map((name, i) => button(`class:${name}`, classWord(name), i < 9 ? i + 1 : "", `--colour:${classColour(name)}`))),
      node("div", { class: "mq-review-more" }, button("reject", t("ac_reject"), "x"), button("send", t("ac_send"), "v"), button("gold", t("ac_gold"), "g")));
  }

  showActions({ label, gold }) {
    const settled = ["decided", "rejected"].includes(label?.state);
    const accept = this.root.querySelector("[data-action=accept]");
    accept.disabled = !settled;
    accept.querySelector("span").textContent = settled ? t("rv_accept_label", { label: label.label ? classWord(label.label) : t("rv_rejection") }) : t("rv_accept");
    for (const button of this.find("actions").querySelectorAll("button")) button.classList.toggle("is-held", button.dataset.action === `class:${label?.label}`);
    this.root.querySelector("[data-action=gold]").disabled = Boolean(gold) || !settled;
  }

  async act(action) {
    const view = this.current;
    if (!view || this.at >= this.items.length || this.items[this.at].face !== view.face || this.asker.open || this.busy) return;
    const button = this.root.querySelector(`[data-action="${CSS.escape(action)}"]`);
    if (button?.disabled) return this.toast.say(t(action !== "gold" ? "rv_choose_class" : view.gold ? "rv_gold_already" : "rv_gold_undecided"));
    const values = await this.asked(action, view);
    if (!values) return;
    this.flash(button);
    this.settle(view, values);
  }

  async asked(action, view) {
    if (action.startsWith("class:")) return { action: "relabel", label: action.slice(6) };
    if (action === "reject") {
      const flag = await this.asker.flag();
      return flag && { action, flag };
    }
    if (action === "send") {
      const votes = await this.asker.votes(t("rv_send_title"));
      return votes && { action, votes };
    }
    return { action };
  }

  // The next face is shown at once; only if the server refuses, this one comes back.
  async settle(view, values) {
    const at = this.at;
    this.settled.set(view.face, this.done(values, view));
    this.views.delete(view.face);
    this.go(1);
    const answer = await this.doings.do({ ...values, faces: [view.face] }, { face: view.face });
    this.views.delete(view.face);
    if (answer.error) {
      this.settled.delete(view.face);
      this.at = at;
      this.show();
      return this.toast.say(errorText(answer));
    }
    const text = `${t("rv_face_n", { id: view.face })}: ${this.settled.get(view.face)}`;
    this.toast.say(text, answer.ok.batch ? { button: t("ac_undo"), act: () => this.undo(answer.ok.batch) } : {});
    if (this.items[this.at]?.face === view.face) this.show();
  }

  done({ action, label, flag, votes }, view) {
    const name = classWord(label ?? view.label?.label ?? "");
    return { accept: () => t("rv_done_accept"), relabel: () => t("rv_done_relabel", { label: name }), reject: () => t("rv_done_reject", { flag: t(flag) }),
      send: () => t("rv_done_send", { n: votes }), gold: () => t("rv_done_gold") }[action]();
  }

  async undo(batch = "", note = {}) {
    if (this.busy) return;
    if (note.by) this.toast.say(t("gl_undoing"), { stay_ms: 600_000 });
    const answer = await this.doings.undo(batch, note);
    if (!answer) return this.toast.say(t("ac_nothing_to_undo"));
    if (answer.error) return this.toast.say(errorText(answer));
    const { faces, note: step } = answer.ok;
    const place = this.items.findIndex((item) => item.face === step.face);
    if (step.by) await this.decided();
    else if (step.face !== undefined) (this.views.delete(step.face), this.settled.delete(step.face));
    else this.views.clear();
    if (place >= 0) this.at = place;
    this.show();
    this.toast.say(step.face === undefined ? t("ac_undone", { n: faces }) : t("rv_undone_face", { id: step.face }));
  }

  go(steps) {
    this.at = Math.min(Math.max(this.at + steps, 0), this.items.length);
    this.show();
  }

  enlarge(what) {
    const { picture, photo } = this.current;
    this.asker.show(node("img", { src: what === "photo" ? photo.picture : picture, alt: t(what === "photo" ? "rv_photo_alt" : "zoom"), onclick: () => this.asker.settle(null) }));
  }

  flash(button) {
    button?.classList.add("is-chosen");
    setTimeout(() => button?.classList.remove("is-chosen"), 200);
  }

  // ---- listening --------------------------------------------------------------------------------------------------

  listen() {
    this.find("back").onclick = () => this.go(-1);
    this.find("on").onclick = () => this.go(1);
    this.find("undo").onclick = () => this.undo();
    this.find("decide").onclick = () => this.rules.open();
    this.find("keys").onclick = () => this.showKeys();
    this.find("face").onclick = () => this.enlarge("face");
    this.find("photo").onclick = () => this.enlarge("photo");
    this.root.addEventListener("click", (event) => event.detail > 0 && document.activeElement?.matches(".mq-review-act, .mq-review-bar button") && document.activeElement.blur());
    this.whileHere(document, "keydown", (event) => this.onKey(event));
  }

  onKey(event) {
    if (!this.list || this.asker.open || event.ctrlKey || event.metaKey || event.altKey || event.target.matches?.("input, textarea, select")) return;
    const sign = Keys.sign(event);
    if (event.target.matches?.("button, a") && [" ", "Enter"].includes(sign)) return;
    const digit = /^[1-9]$/.test(sign) && setup.classes[Number(sign) - 1];
    const steps = { ArrowRight: 1, ArrowDown: 1, ArrowLeft: -1, ArrowUp: -1 }[sign];
    const act = steps ? () => this.go(steps)
      : sign === "Backspace" ? () => this.undo()
      : sign === "?" ? () => this.showKeys()
      : sign === "d" ? () => this.rules.open()
      : "zc".includes(sign) && this.current ? () => this.enlarge(sign === "c" ? "photo" : "face")
      : digit ? () => this.act(`class:${digit}`)
      : RV_ACTIONS[sign] ? () => this.act(RV_ACTIONS[sign]) : null;
    if (!act || (event.repeat && !steps)) return;
    event.preventDefault();
    act();
  }

  showKeys() {
    const rows = [["⏎", "rv_key_accept"], [`1–${Math.min(9, setup.classes.length)}`, "rv_key_relabel"], ["x", "rv_key_reject"], ["v", "rv_key_send"], ["g", "rv_key_gold"], ["d", "dc_key"], ["⌫", "rv_key_undo"], ["← →", "rv_key_move"], ["z", "key_zoom"], ["c", "key_photo"]];
    this.tellKeys("mq-review-list", rows);
  }
}

new ReviewPage(element);
