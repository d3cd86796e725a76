// One person's tabs on this browser, told apart so that no face is asked in two of them.
// Each tab says which faces it holds; an answer given in one takes the face out of the others.

class Tabs {
  constructor(name, { held, onAnswered }) {
    Object.assign(this, { held, onAnswered, id: freshId(), others: new Map() });
    this.channel = new BroadcastChannel(name);
    this.channel.onmessage = ({ data }) => this.hear(data);
    this.post({ who: true });
    this.settled = new Promise((resolve) => setTimeout(resolve, Tabs.answerMs));
  }

  hear({ id, who, faces, answered, bye }) {
    if (answered) this.onAnswered(answered);
    if (bye) this.others.delete(id);
    if (faces) this.others.set(id, faces);
    if (who) this.tell();
  }

  tell() {
    this.post({ faces: this.held() });
  }

  answered(face) {
    this.post({ answered: face, faces: this.held() });
  }

  elsewhere() {
    return [...this.others.values()].flat();
  }

  post(news) {
    this.channel.postMessage({ id: this.id, ...news });
  }

  close() {
    this.post({ bye: true });
    this.channel.close();
  }
}
Tabs.answerMs = 40; // other tabs of this browser have said by then what they hold
