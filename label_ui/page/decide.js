// Deciding by a rule, from Review and from Gallery: a window with the rules, the result in one sentence, the way back.

class RuleWindow {
  constructor(page) {
    this.page = page;
  }

  async open() {
    const { page } = this;
    if (!page.doings || page.asker.open || page.busy) return;
    const answer = await call("decide_form");
    if (answer.error) return page.toast.say(errorText(answer));
    if (page.asker.open || page.busy) return;
    const chosen = await page.asker.ask(t("dc_title"), this.form(answer.ok));
    if (chosen?.batch) await page.undo(chosen.batch, UNDO_OF_A_RULE);
    else if (chosen) await this.decide(chosen);
  }

  // ---- what is asked -----------------------------------------------------------------------------------------------

  form({ rules, rule, waiting, run, last }) {
    const form = node("form", { class: "mq-rules", onsubmit: (event) => (event.preventDefault(), this.page.asker.settle(this.chosen(form, run))) },
      node("p", {}, waiting ? t("dc_waiting", { n: waiting }) : t("dc_none_waiting")),
      node("div", { role: "radiogroup", "aria-label": t("dc_rules") }, rules.map((name, i) => this.rule(name, i, name === rule))),
      run ? this.view(run) : null,
      node("p", { class: "mq-hint" }, t("dc_kept"), " ", t("dc_terminal"), " ", node("code", {}, setup.decide)),
      last ? this.last(last) : null,
      node("div", { class: "mq-action-buttons" },
        node("button", { type: "button", class: "mq-button", onclick: () => this.page.asker.settle(null) }, t("ac_cancel")),
        node("button", { type: "submit", class: "mq-button is-primary" }, t("dc_decide"))));
    form.onchange = () => this.showView(form);
    this.showView(form);
    return form;
  }

  rule(name, i, chosen) {
    const radio = node("input", { type: "radio", name: "rule", value: name, checked: chosen });
    radio.dataset.choice = name;
    return node("label", { class: "mq-rule" }, radio, node("span", {}, node("b", {}, name), node("span", {}, t(`dc_rule_${name}`))), keyCap(i + 1));
  }

  // Only the rule auto takes a run's view.
  view(run) {
    return node("label", { class: "mq-rule is-view" }, node("input", { type: "checkbox", name: "view" }), node("span", {}, node("span", {}, t("dc_view", { run }))));
  }

  showView(form) {
    if (form.elements.view) form.elements.view.disabled = form.elements.rule.value !== "auto";
  }

  last({ batch, at, faces }) {
    const day = new Intl.DateTimeFormat(setup.lang, { dateStyle: "medium", timeStyle: "short" });
    return node("div", { class: "mq-rules-last" }, node("span", {}, t("dc_last", { day: day.format(new Date(at)), n: faces })),
      node("button", { type: "button", class: "mq-button", onclick: () => this.page.asker.settle({ batch }) }, t("dc_take_back")));
  }

  chosen({ elements }, run) {
    const viewed = elements.view?.checked && !elements.view.disabled;
    return { rule: elements.rule.value, run: viewed ? run : "" };
  }

  // ---- what follows ---------------------------------------------------------------------------------------------------

  async decide(values) {
    const { page } = this;
    page.busy = true;
    page.toast.say(t("dc_working"), { stay_ms: 3_600_000 });
    const answer = await page.doings.decide(values);
    page.busy = false;
    if (answer.error) return page.toast.say(errorText(answer));
    const { batch } = answer.ok;
    await page.decided();
    page.toast.say(this.said(answer.ok), batch ? { button: t("ac_undo"), act: () => page.undo(batch), stay_ms: 30_000 } : {});
  }

  said({ changed, decided, no_agreement: tied, rejected }) {
    const counts = { decided: number(decided), tied: number(tied), rejected: number(rejected) };
    return changed ? t("dc_done", { n: changed, ...counts }) : t("dc_nothing_new", counts);
  }
}
