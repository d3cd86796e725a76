// Small plots in SVG: a figure with its interval on a scale, the scale's axis, and shaded tables.
// Places are percentages of the width, so that a plot fits any column and is never distorted.

function svg(tag, properties = {}, ...children) {
  const made = document.createElementNS("http://www.w3.org/2000/svg", tag);
  for (const [name, value] of Object.entries(properties)) if (value !== null && value !== undefined) made.setAttribute(name, value);
  made.append(...children);
  return made;
}

// A scale from `from` to `to`; `ticks` are marked, `zones` [{to, shade}] shade its ground from left to right.
class Scale {
  constructor({ from = 0, to = 1, ticks = [0, 0.5, 1], zones = [], format = percent }) {
    Object.assign(this, { from, to, ticks, zones, format });
  }

  at(value) {
    const share = (value - this.from) / (this.to - this.from);
    return `${(100 * Math.min(Math.max(share, 0), 1)).toFixed(2)}%`;
  }

  // One figure: a dot, and a line from `low` to `high`. `text` says it to those who do not see it.
  figure({ value, low, high, text, faded = false }) {
    const plot = svg("svg", { class: "mq-plot", width: "100%", height: 22, role: "img", "aria-label": text });
    plot.append(...this.ground(22));
    if (value === null || value === undefined) return plot;
    const known = low !== null && low !== undefined;
    if (known) plot.append(svg("line", { class: "mq-plot-range", x1: this.at(low), x2: this.at(high), y1: 11, y2: 11 }));
    plot.append(svg("circle", { class: `mq-plot-dot ${faded ? "is-faded" : ""}`, cx: this.at(value), cy: 11, r: 5 }));
    if (text) plot.append(svg("title", {}, text));
    return plot;
  }

  ground(height) {
    let start = this.from;
    const zones = this.zones.map(({ to, shade }) => {
      const zone = svg("rect", { class: `mq-plot-zone is-${shade}`, x: this.at(start), y: 0, height, width: `calc(${this.at(to)} - ${this.at(start)})` });
      zone.style.width = `calc(${this.at(to)} - ${this.at(start)})`;
      start = to;
      return zone;
    });
    return [...zones, ...this.ticks.map((tick) => svg("line", { class: "mq-plot-tick", x1: this.at(tick), x2: this.at(tick), y1: 0, y2: height }))];
  }

  // The numbers under the ticks; read to nobody, since each figure says its own.
  axis() {
    const ends = { [this.ticks[0]]: "start", [this.ticks.at(-1)]: "end" };
    return svg("svg", { class: "mq-plot mq-plot-axis", width: "100%", height: 16, "aria-hidden": "true" },
      ...this.ticks.map((tick) => svg("text", { x: this.at(tick), y: 12, "text-anchor": ends[tick] || "middle" }, this.format(tick))));
  }
}

// Rows of [name, figure, note]: a name, its plot, and a note, over one axis.
function figureList(scale, rows, columns = "") {
  return node("div", { class: `mq-plot-list ${columns}`, role: "list" },
    ...rows.map(({ name, note, ...figure }) => node("div", { class: "mq-plot-row", role: "listitem" },
      node("span", { class: "mq-plot-name", dir: "auto" }, name), scale.figure(figure), node("span", { class: "mq-plot-note" }, note))),
    node("div", { class: "mq-plot-row", "aria-hidden": "true" }, node("span", {}), scale.axis(), node("span", {})));
}

// A table whose cells are shaded by their share, 0 to 1. The figures stand in the cells: nothing rests on colour.
function shadedTable({ corner, names, columns, shares, explain }) {
  const cell = (share, r, c) => {
    const shown = share >= 0.005 ? percent(share) : share > 0 ? "<1" : "";
    return node("td", { class: r === c ? "is-own" : null, style: `--share:${(100 * share).toFixed(1)}%`, title: explain(r, c, share) },
      shown || node("span", { class: "mq-unseen" }, percent(0)));
  };
  return node("table", { class: "mq-heat" },
    node("thead", {}, node("tr", {}, node("th", { scope: "col", class: "mq-heat-corner" }, corner), ...columns.map((name) => node("th", { scope: "col", dir: "auto" }, node("span", {}, name))))),
    node("tbody", {}, ...shares.map((row, r) => node("tr", {}, node("th", { scope: "row", dir: "auto" }, names[r]), ...row.map((share, c) => cell(share, r, c))))));
}
