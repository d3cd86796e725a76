// The Agreement page: how far people agree, who mixes up what, each voter, and what one more vote is worth.

const AG_LOOK_AGAIN_MS = 10_000;
const AG_OWN_NAMES = ["unsure", "not_a_face", "artificial", "unusable", "offensive", "yes", "no"];

const decimals = (value, digits = 2) => value.toLocaleString(setup.lang, { minimumFractionDigits: digits, maximumFractionDigits: digits });

class AgreementPage {
  constructor(element) {
    this.root = element.querySelector("#mq-agreement");
    this.body = this.root.querySelector("#mq-ag-body");
    this.error = this.root.querySelector("#mq-ag-error");
    this.about = this.root.querySelector("#mq-ag-about");
    this.picker = this.root.querySelector("#mq-ag-campaign");
    this.campaign = 0;
    this.look = "";
    translate(this.root);
    this.picker.querySelector("select").onchange = (event) => this.choose(Number(event.target.value));
    addEventListener("mimique:joined", () => this.refresh());
    this.watch();
  }

  async watch() {
    if (!this.root.isConnected) return;
    if (!document.hidden) await this.refresh();
    setTimeout(() => this.watch(), AG_LOOK_AGAIN_MS);
  }

  choose(campaign) {
    this.campaign = campaign;
    this.look = "";
    this.refresh();
  }

  async refresh() {
    const me = await whoami();
    if (me && !me.name) return this.body.replaceChildren(this.card(t("ag_who_title"), node("a", { href: "/" }, t("ag_who_text"))));
    const asked = this.campaign;
    const answer = await call("agreement", { campaign: asked, seen: this.look });
    if (asked !== this.campaign) return;
    this.body.ariaBusy = "false";
    this.error.textContent = answer.error ? [answer.error, answer.hint].filter(Boolean).join(": ") : "";
    if (answer.error || answer.ok.look === this.look) return;
    this.look = answer.ok.look;
    const open = [...this.body.querySelectorAll("details[open]")].map((part) => part.id);
    this.show(answer.ok);
    for (const id of open) this.body.querySelector(`#${id}`)?.setAttribute("open", "");
  }

  // ---- the parts of the page, from headline to detail ---------------------------------------------------------

  show(found) {
    this.found = found;
    this.showCampaigns(found.campaigns);
    const { votes, people, faces, shared_faces: shared } = found.summary;
    this.about.textContent = votes ? `${t("ag_counted", { votes, people, faces, shared })}${found.left_out ? ` ${t("ag_left_out", { n: found.left_out })}` : ""}` : "";
    if (!votes) return this.body.replaceChildren(this.card(t("ag_none_title"), t("ag_none_text")));
    this.body.replaceChildren(
      ...[
        this.headline(found.summary),
        this.section("confusion", "ag_confusion", "ag_confusion_hint", this.confusion(found)),
        this.section("mix_ups", "ag_mix_ups", "ag_mix_ups_hint", this.mixUps(found)),
        this.section("answers", "ag_ceiling", "ag_ceiling_hint", this.ceiling(found)),
        this.section("voters", found.everybody ? "ag_voters" : "ag_you", found.everybody ? "ag_voters_hint" : "ag_you_hint", this.voters(found)),
        found.pairs.length ? this.section("pairs", "ag_pairs", "ag_pairs_hint", this.pairs(found)) : null,
        this.section("one_more_vote", "ag_more", "ag_more_hint", this.oneMoreVote(found)),
      ].filter(Boolean),
    );
    for (const table of this.body.querySelectorAll(".mq-scroll")) this.hintAtMore(table);
  }

  // A table that goes on beyond its edge fades out there.
  hintAtMore(table) {
    const look = () => table.classList.toggle("is-cut", table.scrollWidth - table.clientWidth - Math.abs(table.scrollLeft) > 3);
    table.addEventListener("scroll", look, { passive: true });
    new ResizeObserver(look).observe(table);
  }

  showCampaigns(campaigns) {
    const select = this.picker.querySelector("select");
    this.picker.hidden = campaigns.length < 2;
    select.replaceChildren(
      ...[{ id: 0, name: t("ag_all_campaigns") }, ...campaigns].map(({ id, name }) => node("option", { value: id, selected: id === this.campaign }, name)),
    );
  }

  headline(summary) {
    const { two_people_agree: agreement, alpha, ceiling, gain_in_faces: gain, alpha_verdict: verdict } = summary;
    const scale = new Scale({
      ticks: [0, 0.4, 0.667, 0.8, 1], format: decimals,
      zones: [{ to: 0.4, shade: 0 }, { to: 0.667, shade: 1 }, { to: 0.8, shade: 2 }, { to: 1, shade: 3 }],
    });
    const figure = (value, what, range, hint) =>
      node("div", { class: "mq-figure" }, node("b", {}, value), node("span", { class: "mq-ag-what" }, what), node("span", {}, range), node("span", { class: "mq-ag-hint" }, hint));
    const shown = alpha === null ? "–" : decimals(alpha);
    const range = this.range(summary, "alpha", decimals);
    return node("section", { class: "mq-ag-section", "aria-label": t("ag_headline") },
      node("div", { class: "mq-figures mq-ag-figures" },
        figure(percent(agreement), t("ag_agreement"), this.range(summary, "two_people_agree"), agreement === null ? t("ag_needs_pairs") : t("ag_agreement_hint", { pairs: summary.pairs, share: percent(summary.agreement) })),
        figure(percent(ceiling), t("ag_human_ceiling"), this.range(summary, "ceiling"), t("ag_human_ceiling_hint")),
        figure(gain === null ? "–" : number(gain, gain < 10 ? 1 : 0), t("ag_gain"), gain === null ? "" : t("ag_gain_of", { faces: summary.faces }), t("ag_gain_hint"))),
      node("div", { class: "mq-card mq-ag-alpha" },
        node("div", { class: "mq-ag-title" }, node("p", { class: "mq-ag-alpha-figure" }, node("b", {}, `α = ${shown}`), " ", node("span", { class: "mq-hint" }, range)), this.csvButton("summary")),
        node("div", { class: "mq-ag-alpha-plot" }, scale.figure({ value: alpha, low: summary.alpha_low, high: summary.alpha_high, text: `${t("ag_alpha_text", { alpha: shown })} ${range}` }), scale.axis()),
        node("p", {}, node("b", {}, t(`ag_verdict_${verdict}`)), " ", t(`ag_verdict_${verdict}_hint`)),
        node("p", { class: "mq-hint" }, summary.fleiss_kappa === null ? t("ag_alpha_hint") : `${t("ag_alpha_hint")} ${t("ag_kappa", { kappa: decimals(summary.fleiss_kappa) })}`)));
  }

  confusion({ confusion }) {
    const names = confusion.map((row) => row.one_says).filter((name) => confusion.some((row) => row[name] > 0));
    if (!names.length) return this.hint("ag_needs_pairs");
    const rows = confusion.filter((row) => names.includes(row.one_says));
    return node("div", { class: "mq-scroll", tabIndex: 0, role: "group", "aria-label": t("ag_confusion") },
      shadedTable({
        corner: t("ag_corner"), names: rows.map((row) => this.name(row.one_says)), columns: names.map((name) => this.name(name)),
        shares: rows.map((row) => names.map((name) => row[name])),
        explain: (r, c, share) => t("ag_cell", { one: this.name(rows[r].one_says), other: this.name(names[c]), share: percent(share) }),
      }));
  }

  mixUps({ mix_ups: mixUps }) {
    const mixed = mixUps.filter((row) => row.split > 0).slice(0, 8);
    if (!mixed.length) return this.hint(mixUps.length ? "ag_no_mix_ups" : "ag_needs_pairs");
    const scale = new Scale({
      ticks: [0, 0.4, 0.667, 1], format: decimals,
      zones: [{ to: 0.4, shade: 0 }, { to: 0.667, shade: 1 }, { to: 1, shade: 3 }],
    });
    return figureList(scale, mixed.map((row) => ({
      name: t("ag_two", { first: this.name(row.first), second: this.name(row.second) }),
      value: row.alpha, low: row.alpha_low, high: row.alpha_high,
      text: t("ag_mix_up_text", { alpha: decimals(row.alpha), range: this.range(row, "alpha", decimals), split: percent(row.split) }),
      note: [node(row.verdict === "unknown" ? "span" : "b", {}, t(`ag_apart_${row.verdict.replaceAll(" ", "_")}`)), ` · ${t("ag_split", { split: percent(row.split) })}`],
    })), "is-wide");
  }

  ceiling({ answers, classes, summary }) {
    const rows = answers.slice(0, classes).filter((row) => row.ceiling !== null);
    if (!rows.length) return this.hint("ag_needs_pairs");
    const all = { ...summary, answer: null, ceiling_faces: null };
    return figureList(new Scale({ ticks: [0, 0.25, 0.5, 0.75, 1] }), [...rows, all].map((row) => ({
      name: row.answer === null ? t("ag_all_classes") : this.name(row.answer),
      value: row.ceiling, low: row.ceiling_low, high: row.ceiling_high,
      text: `${percent(row.ceiling)} ${this.range(row, "ceiling")}`,
      note: [node("b", {}, percent(row.ceiling)), ` ${this.range(row, "ceiling")}`, row.ceiling_faces === null ? "" : ` · ${t("ag_faces", { n: row.ceiling_faces })}`],
    })));
  }

  voters({ voters, everybody }) {
    if (!voters.length) return this.hint(everybody ? "ag_none_title" : "ag_you_none");
    const scale = new Scale({ ticks: [0, 0.5, 1] });
    const most = Math.max(...voters.map((row) => row.share));
    const head = ["ag_voter", "ag_votes", "ag_skill", "ag_beyond_chance", ...(voters.some((row) => row.gold_votes) ? ["ag_gold"] : []), "ag_speed", "ag_drift"];
    return node("div", { class: "mq-scroll mq-ag-people" }, node("table", { class: "mq-table" },
      node("thead", {}, node("tr", {}, ...head.map((key) => node("th", { scope: "col", title: t(`${key}_title`) }, t(key))))),
      node("tbody", {}, ...voters.map((row) => node("tr", { class: row.me ? "is-me" : "" },
        node("th", { scope: "row" }, node("span", { dir: "auto" }, row.voter), " ", row.me && everybody ? node("span", { class: "mq-pill is-strong" }, t("ag_me")) : null, row.simulated ? node("span", { class: "mq-pill" }, t("ag_simulated")) : null),
        this.td("ag_votes", "", `${number(row.votes)} · ${percent(row.share)}`, everybody ? node("div", { class: "mq-meter", "aria-hidden": "true" }, node("i", { style: `width:${(100 * row.share) / most}%` })) : null),
        this.td("ag_skill", "", row.skill === null ? node("span", { class: "mq-hint" }, t("ag_nobody_else")) : node("div", { class: "mq-ag-skill" },
          scale.figure({ value: row.skill, low: row.skill_low, high: row.skill_high, text: `${percent(row.skill)} ${this.range(row, "skill")}` }),
          node("span", {}, percent(row.skill), " ", node("small", {}, this.range(row, "skill", (value) => percent(value).replace(/\s*%/, "")))))),
        this.td("ag_beyond_chance", "", row.kappa === null ? "–" : decimals(row.kappa)),
        head.includes("ag_gold") ? this.td("ag_gold", "mq-ag-short", row.gold_votes ? t("ag_gold_of", { share: percent(row.gold), n: row.gold_votes }) : "–") : null,
        this.td("ag_speed", "", row.median_s === null ? "–" : t("ag_seconds", { s: number(row.median_s, 1) }), row.hurried >= 0.005 ? node("small", {}, t("ag_hurried", { share: percent(row.hurried) })) : null),
        this.td("ag_drift", "", ...this.drift(row)))))));
  }

  drift(row) {
    if (row.drift === null) return [node("span", { class: "mq-hint" }, t("ag_drift_unknown"))];
    const points = (value) => `${value > 0 ? "+" : value < 0 ? "−" : ""}${number(Math.abs(100 * value))}`;
    const sign = { worse: "▼", better: "▲", steady: "" }[row.drift_verdict];
    return [node("span", { class: `mq-ag-drift is-${row.drift_verdict}` }, `${sign} ${t(`ag_drift_${row.drift_verdict}`)}`.trim()),
      node("small", {}, t("ag_drift_points", { change: points(row.drift), low: points(row.drift_low), high: points(row.drift_high) }))];
  }

  pairs({ pairs }) {
    const scale = new Scale({ ticks: [0, 0.25, 0.5, 0.75, 1] });
    const rows = (some) => figureList(scale, some.map((row) => ({
      name: t("ag_two", row), value: row.agreement, low: row.agreement_low, high: row.agreement_high,
      text: `${percent(row.agreement)} ${this.range(row, "agreement")}`,
      note: [node("b", {}, percent(row.agreement)), ` · ${t("ag_faces", { n: row.faces })}`, row.cohens_kappa === null ? "" : ` · κ ${decimals(row.cohens_kappa)}`],
    })));
    const [first, rest] = [pairs.slice(0, 6), pairs.slice(6, 60)];
    return node("div", {}, rows(first), rest.length ? node("details", { id: "mq-ag-pairs" }, node("summary", {}, t("ag_more_pairs", { n: rest.length })), rows(rest)) : null);
  }

  oneMoreVote({ one_more_vote: stages, faces, summary, everybody }) {
    if (summary.vote_right === null) return this.hint("ag_needs_pairs");
    const head = ["ag_so_far", "ag_stage_faces", "ag_gain_each", "ag_right", "ag_changes"];
    const most = Math.max(...stages.map((row) => row.gain), 1e-9);
    const table = node("div", { class: "mq-scroll", tabIndex: 0, role: "group", "aria-label": t("ag_more") }, node("table", { class: "mq-table" },
      node("thead", {}, node("tr", {}, ...head.map((key, place) => node("th", { scope: "col", class: place ? "is-number" : "" }, t(key))))),
      node("tbody", {}, ...stages.slice(0, 12).map((row) => node("tr", {},
        node("th", { scope: "row" }, row.votes_so_far === "0" ? t("ag_no_votes_yet") : row.votes_so_far),
        node("td", { class: "is-number" }, number(row.faces)),
        node("td", {}, node("div", { class: "mq-ag-gain" }, node("span", { "aria-hidden": "true", class: "mq-meter" }, node("i", { style: `width:${(100 * row.gain) / most}%` })), node("span", {}, t("ag_points", { n: decimals(100 * row.gain, 1) })))),
        node("td", { class: "is-number" }, percent(row.right)),
        node("td", { class: "is-number" }, percent(row.changes)))))));
    const worth = faces.filter((row) => row.gain >= 0.005);
    const shown = everybody && worth.length ? [node("h3", {}, t("ag_worth")), node("div", { class: "mq-ag-faces", role: "list" }, ...worth.map((row) =>
      node("figure", { role: "listitem" }, node("img", { src: `/picture/thumb/${row.face}?size=160`, alt: t("ag_face_alt", { face: row.face }), loading: "lazy", width: 84, height: 84 }),
        node("figcaption", {}, t("ag_points", { n: number(100 * row.gain) })))))] : [];
    return node("div", {}, node("p", {}, t("ag_model", { vote: percent(summary.vote_right), label: percent(summary.labels_right) })), table, ...shown);
  }

  // ---- small parts ---------------------------------------------------------------------------------------------

  section(sheet, title, hint, content) {
    return node("section", { class: "mq-ag-section", "aria-labelledby": `mq-ag-${sheet}` },
      node("div", { class: "mq-ag-title" }, node("h2", { id: `mq-ag-${sheet}` }, t(title)), this.csvButton(sheet)),
      node("p", { class: "mq-hint" }, t(hint)), content);
  }

  card(title, text) {
    return node("section", { class: "mq-card" }, node("h2", { style: "margin-top:0" }, title), node("p", {}, text));
  }

  hint(key) {
    return node("p", { class: "mq-card mq-hint" }, t(key));
  }

  td(key, kind, ...children) {
    const made = node("td", { class: kind }, ...children);
    made.dataset.head = t(key);
    return made;
  }

  name(answer) {
    return AG_OWN_NAMES.includes(answer) && !setup.classes.includes(answer) ? t(`ag_answer_${answer}`) : answer.split(" + ").map(classWord).join(" + ");
  }

  range(row, name, format = percent) {
    const low = row[`${name}_low`];
    return low === null || low === undefined ? "" : t("ag_range", { low: format(low), high: format(row[`${name}_high`]) });
  }

  csvButton(sheet) {
    return node("button", { type: "button", class: "mq-button is-quiet mq-ag-csv", "aria-label": t("ag_csv_label", { sheet: t(`ag_sheet_${sheet}`) }), onclick: () => this.download(sheet) }, "CSV ↓");
  }

  async download(sheet) {
    const answer = await call("agreement_csv", { sheet, campaign: this.campaign });
    this.error.textContent = answer.error || "";
    if (answer.error) return;
    const url = URL.createObjectURL(new Blob([answer.ok.text], { type: "text/csv;charset=utf-8" }));
    node("a", { href: url, download: answer.ok.name }).click();
    setTimeout(() => URL.revokeObjectURL(url), 1000);
  }
}

new AgreementPage(element);
