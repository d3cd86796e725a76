// The form of a campaign: what it asks of whom about which faces. The values go out as a campaign's own fields.

class CampaignForm {
  constructor(options, campaign) {
    Object.assign(this, { options, campaign });
    this.controls = {};
    const now = campaign || { overlap: {}, gold: {}, classes: [], voters: [] };
    this.parts = [
      this.text("name", now.name),
      ...(campaign ? [] : [this.asked(), this.faces()]),
      this.votes(now),
      this.people(now),
      this.details(now),
    ];
    this.error = node("p", { class: "mq-error", role: "alert" });
    this.show();
  }

  get nodes() {
    return [...this.parts, this.error];
  }

  // ---- parts --------------------------------------------------------------------------------------------

  asked() {
    return this.group("form_question",
      this.choice("question", [["choose", t("form_choose")], ["verify", t("form_verify")]], "choose"),
      this.only(() => this.value("question") === "choose",
        this.checks("classes", this.options.classes, this.options.classes, classWord), this.check("several", false)),
      this.only(() => this.value("question") === "verify",
        this.choice("about", [["", t("form_own_candidate")], ...this.classNames()], this.options.classes[0])));
  }

  faces() {
    const { harvests, runs } = this.options;
    return this.group("form_faces",
      this.choice("candidate_class", [["", t("form_every_class")], ...this.classNames()], ""),
      harvests.length ? this.choice("harvest_id", [["", t("form_every_harvest")], ...harvests.map((harvest) => [harvest.id, harvestName(harvest)])], "") : null,
      runs.length ? this.choice("run_id", [["", t("form_no_doubts")], ...this.same(runs)], "") : null,
      this.only(() => this.value("run_id"), this.amount("most_margin", 0.3, 0, 1, 0.05)));
  }

  votes({ overlap, rule }) {
    const kind = (name) => () => this.value("kind") === name;
    return this.group("form_votes",
      this.choice("kind", ["adaptive", "fixed", "majority"].map((name) => [name, t(`form_${name}`)]), overlap.kind || "adaptive"),
      node("div", { class: "mq-row" },
        this.only(kind("adaptive"), ...[["least", 2], ["lead", 2], ["most", 5]].map(([name, usual]) =>
          this.amount(name, overlap[name] || usual, 1, 50))),
        this.only(kind("fixed"), this.amount("exactly", overlap.most || 3, 1, 50)),
        this.only(kind("majority"), this.amount("team", overlap.team || Math.max(this.options.people.length, 1), 1, 200))),
      this.choice("rule", this.same(this.options.rules), rule || "auto"));
  }

  people({ voters, blind }) {
    return this.group("form_people",
      this.options.people.length ? this.checks("voters", this.options.people, voters) : null,
      node("p", { class: "mq-hint" }, t("form_voters_hint")),
      this.choice("blind", [["blind", t("form_blind")], ["open", t("form_open")]], blind === false ? "open" : "blind"));
  }

  details({ ordering, suggest, gold }) {
    const { runs } = this.options;
    return node("details", { class: "mq-group" }, node("summary", {}, t("form_more")),
      this.choice("ordering", ["teach", "age", "random", "class"].map((name) => [name, t(`form_${name}`)]), ordering || "teach"),
      this.campaign && runs.length
        ? this.only(() => this.value("ordering") === "teach", this.choice("doubts_run", [["", t("form_as_it_is")], ...this.same(runs)], ""))
        : null,
      this.amount("gold_share", Math.round(100 * (gold.share || 0)), 0, 50),
      this.choice("gold_feedback", [["never", t("form_never")], ["at once", t("form_at_once")]], gold.feedback || "never"),
      runs.length ? this.choice("suggest_run", [["", t("form_no_model")], ...this.same(runs)], suggest?.run_id || "") : null,
      this.only(() => this.value("suggest_run"), this.amount("hidden_share", Math.round(100 * (suggest?.hidden_share ?? 0.2)), 0, 100)));
  }

  // ---- values -------------------------------------------------------------------------------------------

  values() {
    const number = (name) => Number(this.value(name));
    const given = {
      name: this.value("name"),
      overlap: { kind: this.value("kind"), ...this.steering(number) },
      rule: this.value("rule"),
      voters: this.value("voters") || [],
      blind: this.value("blind") === "blind",
      ordering: this.value("ordering"),
      gold: { share: number("gold_share") / 100, feedback: this.value("gold_feedback") },
      suggest: this.value("suggest_run") ? { run_id: this.value("suggest_run"), hidden_share: number("hidden_share") / 100 } : null,
    };
    return this.campaign ? given : { ...given, ...this.questionValues(), picks: this.picks() };
  }

  // What the fields say together that cannot be, in one line; empty when all is well.
  wrong() {
    const { kind, least, most } = { kind: this.value("kind"), ...this.steering((name) => Number(this.value(name))) };
    return kind === "adaptive" && least > most ? t("form_least_most", { least, most }) : "";
  }

  steering(number) {
    if (this.value("kind") === "fixed") return { most: number("exactly") };
    if (this.value("kind") === "majority") return { team: number("team") };
    return { least: number("least"), lead: number("lead"), most: number("most") };
  }

  questionValues() {
    const chosen = this.value("classes");
    const all = chosen.length === this.options.classes.length;
    return this.value("question") === "verify"
      ? { question: "verify", about: this.value("about") }
      : { question: "choose", classes: all ? [] : chosen, several: this.value("several") };
  }

  picks() {
    const picks = {};
    if (this.value("candidate_class")) picks.candidate_class = this.value("candidate_class");
    if (this.value("harvest_id")) picks.harvest_id = Number(this.value("harvest_id"));
    if (this.value("run_id")) Object.assign(picks, { run_id: this.value("run_id"), most_margin: Number(this.value("most_margin")) });
    return picks;
  }

  value(name) {
    const control = this.controls[name];
    if (!control) return undefined;
    if (Array.isArray(control)) return control.filter((box) => box.checked).map((box) => box.value);
    return control.type === "checkbox" ? control.checked : control.value;
  }

  // ---- fields -------------------------------------------------------------------------------------------

  show() {
    for (const [part, wanted] of this.conditional || []) part.hidden = !wanted();
  }

  only(wanted, ...children) {
    const part = node("div", { class: "mq-only" }, ...children);
    this.conditional = [...(this.conditional || []), [part, wanted]];
    return part;
  }

  group(title, ...children) {
    return node("fieldset", { class: "mq-group" }, node("legend", {}, t(title)), ...children);
  }

  field(name, control) {
    this.controls[name] = control;
    control.addEventListener("change", () => this.show());
    return node("label", { class: "mq-field" }, node("span", {}, t(`field_${name}`)), control);
  }

  text(name, value = "") {
    return this.field(name, node("input", { class: "mq-input", value, maxLength: 64, required: true }));
  }

  amount(name, value, min, max, step = 1) {
    return this.field(name, node("input", { class: "mq-input", type: "number", value, min, max, step }));
  }

  choice(name, pairs, chosen) {
    const options = pairs.map(([value, text]) => node("option", { value, selected: String(value) === String(chosen) }, text));
    return this.field(name, node("select", { class: "mq-input" }, ...options));
  }

  check(name, checked) {
    const box = node("input", { type: "checkbox", checked });
    this.controls[name] = box;
    return node("label", { class: "mq-check" }, box, node("span", {}, t(`field_${name}`)));
  }

  checks(name, values, chosen, word = (value) => value) {
    this.controls[name] = values.map((value) => node("input", { type: "checkbox", value, checked: chosen.includes(value) }));
    return node("div", { class: "mq-checks", role: "group", "aria-label": t(`field_${name}`) },
      ...this.controls[name].map((box) => node("label", { class: "mq-check" }, box, node("span", { dir: "auto" }, word(box.value)))));
  }

  classNames() {
    return this.options.classes.map((name) => [name, classWord(name)]);
  }

  same(values) {
    return values.map((value) => [value, value]);
  }
}
