// Which key means what: defaults by question and language, changed by each person in this browser.

const SHARED_KEYS = {
  unsure: ["u"], flag: ["f"], skip: [" "], undo: ["Backspace"], zoom: ["z"], photo: ["c"], mine: ["m"], keys: ["?"],
  confirm: ["Enter"],
};
const VERIFY_KEYS = {
  en: { yes: ["y", "1", "ArrowLeft"], no: ["n", "2", "ArrowDown"], unsure: ["u", "3", "ArrowRight"] }, // as they lie on the page
  fr: { yes: ["o", "1", "ArrowLeft", "y"], no: ["n", "2", "ArrowDown"], unsure: ["u", "3", "ArrowRight"] },
};

class Keys {
  constructor(place, campaign, lang) {
    this.place = place;
    const { confirm, ...single } = SHARED_KEYS;
    const shared = campaign.several ? { ...single, confirm } : single;
    this.defaults = campaign.question === "verify"
      ? { ...VERIFY_KEYS[lang], ...shared, unsure: VERIFY_KEYS[lang].unsure }
      : { ...Keys.ofClasses(campaign.classes, shared), ...shared };
    this.changes = remembered(place) || {};
    this.apply();
  }

  // Classes have the digits, and from the eleventh on the first free letter of their name.
  static ofClasses(classes, shared) {
    const taken = new Set(Object.values(shared).flat());
    const signs = classes.map((name, i) => {
      const free = i < 10 ? String((i + 1) % 10) : [...name.toLowerCase()].find((letter) => /[a-z]/.test(letter) && !taken.has(letter));
      taken.add(free);
      return [`class:${name}`, free ? [free] : []];
    });
    return Object.fromEntries(signs);
  }

  apply() {
    this.signs = structuredClone(this.defaults);
    for (const [action, sign] of Object.entries(this.changes.signs || {})) {
      if (action in this.signs) this.give(action, sign);
    }
    this.meanings = new Map(Object.entries(this.signs).flatMap(([action, signs]) => signs.map((sign) => [sign, action])));
  }

  // The action gets the key as its first; whoever had it gets the action's old one.
  give(action, sign) {
    const old = this.signs[action][0];
    const holder = Object.keys(this.signs).find((other) => this.signs[other].includes(sign));
    if (holder === action) this.signs[action] = [sign, ...this.signs[action].filter((other) => other !== sign)];
    else {
      if (holder) this.signs[holder] = this.signs[holder].flatMap((other) => (other !== sign ? [other] : old ? [old] : []));
      this.signs[action] = [sign, ...this.signs[action].slice(1)];
    }
  }

  change(action, sign) {
    this.changes.signs = { ...this.changes.signs, [action]: sign };
    this.keep();
  }

  reset() {
    this.changes = {};
    this.keep();
  }

  get off() {
    return Boolean(this.changes.off);
  }

  set off(off) {
    this.changes.off = off;
    this.keep();
  }

  keep() {
    remember(this.place, this.changes);
    this.apply();
  }

  meaning(event) {
    const always = ["?", "Backspace"].includes(event.key); // those that are no slip of a finger stay
    return this.off && !always ? undefined : this.meanings.get(Keys.sign(event));
  }

  // Digits by place, not by sign: on a French keyboard the key marked 1 types "&".
  static sign(event) {
    const digit = /^(?:Digit|Numpad)(\d)$/.exec(event.code)?.[1];
    if (digit && !(event.shiftKey && event.key === "?")) return digit;
    return event.key.length === 1 ? event.key.toLowerCase() : event.key;
  }

  cap(action) {
    return Keys.shown(this.signs[action]?.[0]);
  }

  ariaOf(action) {
    return this.signs[action].map((sign) => (sign === " " ? "Space" : sign)).join(" ");
  }

  static shown(sign) {
    const names = { " ": t("space_key"), Backspace: "⌫", Enter: "⏎", ArrowLeft: "←", ArrowRight: "→", ArrowUp: "↑", ArrowDown: "↓" };
    return sign === undefined ? "" : names[sign] || sign;
  }
}
