// The next faces, their pictures already decoded, so that showing one needs neither server nor decoder.

class Deck {
  constructor({ size, fetchFaces, busyFaces, onArrival }) {
    Object.assign(this, { size, fetchFaces, busyFaces, onArrival });
    this.cards = [];
    this.broken = new Set();
    this.finished = false;
    this.filling = false;
  }

  get faces() {
    return this.cards.map((card) => card.face);
  }

  take() {
    const card = this.cards.shift() || null;
    afterPaint(() => this.fill());
    return card;
  }

  putBack(card) {
    this.cards.unshift(card);
  }

  drop(faces) {
    const gone = new Set(faces);
    this.cards = this.cards.filter((card) => !gone.has(card.face));
  }

  busy() {
    return [...new Set([...this.faces, ...this.busyFaces(), ...this.broken])];
  }

  async fill() {
    const full = this.size();
    if (this.filling || this.cards.length > (2 * full) / 3) return;
    this.filling = true;
    const faces = await this.fetchFaces(full - this.cards.length, this.busy());
    if (faces) {
      const busy = new Set(this.busy());
      const fresh = faces.filter(({ face }) => !busy.has(face) && busy.add(face));
      const cards = await Promise.all(fresh.map(Deck.card));
      for (const card of cards) {
        if (card.ready) this.cards.push(card);
        else if (card.broken) this.broken.add(card.face);
      }
      this.finished = faces.length === 0;
    }
    this.filling = false;
    this.onArrival(Boolean(faces));
  }

  static async card(face) {
    const image = new Image();
    image.draggable = false;
    image.decoding = "sync"; // a face is painted whole or not yet, never as an empty frame
    image.src = face.picture;
    const ready = await image.decode().then(() => true, () => false);
    return { ...face, image, ready, broken: !ready && (await Deck.reached(face.picture)) };
  }

  // A picture that the server has and no browser can show is left out; one that did not arrive comes again.
  static reached(picture) {
    return fetch(picture).then((answer) => answer.ok || answer.status === 404, () => false);
  }
}
