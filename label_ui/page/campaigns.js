// The Campaigns page: what is asked of whom, how far each campaign is, and making, changing and closing them.

const LOOK_AGAIN_MS = 5000;

class CampaignsPage {
  constructor(element) {
    this.root = element.querySelector("#mq-campaigning");
    this.list = this.root.querySelector("#mq-campaign-list");
    this.dialog = this.root.querySelector("#mq-campaign-dialog");
    translate(this.root);
    this.root.querySelector("#mq-new").onclick = () => this.edit(null);
    this.sways = new Map();
    this.watch();
  }

  async watch() {
    if (!this.root.isConnected) return;
    if (!document.hidden && !this.dialog.open) await this.refresh();
    setTimeout(() => this.watch(), LOOK_AGAIN_MS);
  }

  async refresh() {
    const answer = await call("campaigns");
    if (answer.error) return this.list.replaceChildren(node("p", { class: "mq-error" }, answer.error, " ", answer.hint || ""));
    const seen = JSON.stringify(answer.ok);
    if (seen === this.seen) return;
    this.seen = seen;
    await Promise.all(answer.ok.filter((campaign) => campaign.suggest).map(async ({ id }) => {
      const sway = await call("campaign_sway", { campaign: id });
      if (sway.ok) this.sways.set(id, sway.ok);
    }));
    const focus = document.activeElement?.dataset?.focus;
    this.list.replaceChildren(...answer.ok.map((campaign) => this.card(campaign)));
    if (focus) this.list.querySelector(`[data-focus="${CSS.escape(focus)}"]`)?.focus();
  }

  // ---- one campaign -------------------------------------------------------------------------------------

  card(campaign) {
    const closed = Boolean(campaign.closed_at);
    return node("article", { class: `mq-card mq-campaign ${closed ? "is-closed" : ""}`, "aria-label": campaign.name },
      node("div", { class: "mq-row mq-between" },
        node("h2", { dir: "auto" }, campaign.name, " ", node("span", { class: "mq-pill" }, t(closed ? "campaign_closed" : "campaign_open"))),
        node("div", { class: "mq-row" },
          this.button("campaign_change", `change${campaign.id}`, () => this.edit(campaign)),
          this.button(closed ? "campaign_reopen" : "campaign_close", `close${campaign.id}`, () => this.close(campaign, !closed)))),
      node("p", { class: "mq-asks" }, this.question(campaign)),
      this.progress(campaign),
      node("p", { class: "mq-hint" }, this.facts(campaign).join(" · ")),
      this.sway(campaign),
    );
  }

  button(text, focus, onclick) {
    const made = node("button", { type: "button", class: "mq-button", onclick }, t(text));
    made.dataset.focus = focus;
    return made;
  }

  question({ question, classes, about, several }) {
    const names = (classes.length ? classes : setup.classes).map(classWord).join(", ");
    if (question === "choose") return t(several ? "asks_several" : "asks_choose", { names });
    return about ? t("asks_verify", { name: classWord(about) }) : t("asks_candidate");
  }

  facts({ overlap, rule, voters, blind, ordering, picks, gold, suggest }) {
    return [
      t(`wants_${overlap.kind}`, overlap),
      t("decides_by", { rule }),
      voters.length ? t("asks_people", { names: voters.join(", ") }) : t("asks_everybody"),
      t(blind ? "form_blind" : "form_open"),
      t(`form_${ordering}`),
      ...(picks.candidate_class ? [t("only_candidates", { name: classWord(picks.candidate_class) })] : []),
      ...(picks.harvest_id ? [t("only_harvest", { name: String(picks.harvest_id) })] : []),
      ...(picks.run_id ? [t("only_doubts", { run: picks.run_id, margin: number(picks.most_margin, 2) })] : []),
      ...(picks.face_ids ? [t("only_chosen", { n: picks.face_ids.length })] : []),
      ...(gold.share ? [t("with_gold", { share: percent(gold.share) })] : []),
      ...(suggest ? [t("with_model", { run: suggest.run_id, share: percent(suggest.hidden_share) })] : []),
    ];
  }

  progress({ faces, done, open, needs, done_last_hour: hourly, by_class: byClass }) {
    const share = faces ? done / faces : 0;
    const pace = hourly ? t("pace", { n: hourly, left: this.left(open / hourly) }) : t("no_pace");
    const classes = Object.entries(byClass).filter(([, count]) => count.open + count.done).sort(([a], [b]) => classWord(a).localeCompare(classWord(b), setup.lang));
    return node("div", { class: "mq-progress" },
      node("div", { class: "mq-meter", role: "progressbar", "aria-valuemin": "0", "aria-valuemax": String(faces), "aria-valuenow": String(done), "aria-label": t("faces_done", { done, faces }) },
        node("i", { style: `width:${100 * share}%` })),
      node("p", {}, node("b", {}, t("faces_done", { done, faces })), open ? ` · ${t("votes_missing", { n: needs })} · ${pace}` : ""),
      classes.length > 1 ? node("ul", { class: "mq-by-class" }, ...classes.map(([name, count]) =>
        node("li", {}, node("span", {}, name ? classWord(name) : t("no_search_word")), node("b", {}, `${number(count.done)} / ${number(count.done + count.open)}`)))) : null);
  }

  left(hours) {
    if (hours < 1) return t("minutes_left", { n: Math.max(1, Math.round(60 * hours)) });
    return hours < 48 ? t("hours_left", { n: Math.round(hours) }) : t("days_left", { n: Math.round(hours / 24) });
  }

  sway({ id, suggest }) {
    const sway = this.sways.get(id);
    if (!suggest || !sway) return null;
    if (sway.difference === null) return node("p", { class: "mq-hint" }, t("sway_none", { shown: sway.shown.votes, hidden: sway.hidden.votes }));
    const points = (value) => `${value > 0 ? "+" : value < 0 ? "−" : ""}${number(Math.abs(100 * value))}`;
    const [low, high] = sway.interval;
    return node("p", { class: "mq-sway" }, t(low > 0 ? "sway_yes" : high < 0 ? "sway_against" : "sway_unclear", {
      shown: percent(sway.shown_share), shown_n: sway.shown.votes, hidden: percent(sway.hidden_share), hidden_n: sway.hidden.votes,
      points: points(sway.difference), low: points(low), high: points(high),
    }));
  }

  // ---- making, changing, closing ------------------------------------------------------------------------

  async edit(campaign) {
    const options = await call("campaign_form");
    if (options.error) return this.announce(options.error);
    const form = new CampaignForm(options.ok, campaign);
    const cancel = node("button", { type: "button", class: "mq-button is-quiet", onclick: () => this.dialog.close() }, t("cancel"));
    const send = node("button", { type: "submit", class: "mq-button is-primary" }, t(campaign ? "campaign_save" : "campaign_make"));
    const holder = this.root.querySelector("#mq-campaign-form");
    holder.replaceChildren(...form.nodes, node("div", { class: "mq-row mq-buttons" }, cancel, send));
    holder.onsubmit = (event) => {
      event.preventDefault();
      this.send(campaign, form);
    };
    this.root.querySelector("#mq-campaign-title").textContent = t(campaign ? "campaign_change" : "campaign_new");
    this.dialog.showModal();
    form.controls.name.focus();
  }

  async send(campaign, form) {
    form.error.textContent = form.wrong();
    if (form.wrong()) return;
    const answer = campaign
      ? await call("campaign_change", { campaign: campaign.id, form: form.values() })
      : await call("campaign_make", { form: form.values() });
    if (answer.error) return (form.error.textContent = answer.error);
    const doubts = form.value("doubts_run");
    if (doubts) await call("campaign_doubts", { campaign: campaign.id, run_id: doubts });
    this.dialog.close();
    this.announce(campaign ? t("campaign_changed") : t("campaign_made", { n: answer.ok.faces }));
    this.seen = "";
    this.refresh();
  }

  async close({ id, name }, closed) {
    const answer = await call("campaign_close", { campaign: id, closed });
    this.announce(answer.error || t(closed ? "campaign_now_closed" : "campaign_now_open", { name }));
    this.seen = "";
    this.refresh();
  }

  announce(text) {
    this.root.querySelector("#mq-campaign-live").textContent = text;
  }
}

new CampaignsPage(element);
