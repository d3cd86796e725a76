// A list to choose from on a page that is worked by keys: who chooses gives the keys back to the page.
// By pointer or in the opened list a choice is made at once. With the arrows on the closed list every step is one:
// browsers then say `change` while they handle the key, and the list keeps the focus until Enter, Escape or Tab.

class Chooser {
  constructor(select, { onChoice, onLeave }) {
    Object.assign(this, { select, onChoice, onLeave, stepping: false, pointed: false });
    select.onchange = () => this.choose();
    select.onpointerdown = () => (this.pointed = true);
    select.onblur = () => (this.pointed = false);
    select.onkeydown = (event) => this.onKey(event);
    select.onkeypress = (event) => this.step(event); // letters choose here
  }

  choose() {
    const { stepping } = this;
    if (!stepping) this.leave();
    this.onChoice(this.select.value);
    if (stepping) this.select.focus();
  }

  leave() {
    this.select.blur();
    this.onLeave();
  }

  onKey(event) {
    if (["Enter", "Escape"].includes(event.key)) {
      event.preventDefault();
      event.stopPropagation();
      this.leave();
    } else if (this.pointed && event.key.length === 1 && event.key !== " " && !(event.ctrlKey || event.metaKey || event.altKey)) {
      event.preventDefault(); // whoever pointed goes on voting by keys: a letter is a vote, no other campaign
      this.leave();
    } else this.step(event);
  }

  step(event) {
    if (event.altKey || [" ", "Enter"].includes(event.key)) return; // these open the list
    this.stepping = true;
    setTimeout(() => (this.stepping = false));
  }
}
