// The next faces, their pictures already decoded, so that showing one needs neither server nor decoder.

class Deck {
  constructor(fetchFaces, busyFaces, onArrival) {
    Object.assign(this, { fetchFaces, busyFaces, onArrival });
    this.cards = [];
    this.finished = false;
    this.filling = false;
  }

  take() {
    const card = this.cards.shift() || null;
    this.fill();
    return card;
  }

  putBack(card) {
    this.cards.unshift(card);
  }

  async fill() {
    if (this.filling || this.cards.length >= Deck.low) return;
    this.filling = true;
    const exclude = [...new Set([...this.cards.map((card) => card.face), ...this.busyFaces()])];
    const faces = await this.fetchFaces(Deck.full - this.cards.length, exclude);
    if (faces) {
      const busy = new Set([...this.cards.map((card) => card.face), ...this.busyFaces()]);
      const cards = await Promise.all(faces.filter((face) => !busy.has(face.face)).map(Deck.card));
      this.cards.push(...cards);
      this.finished = faces.length === 0;
    }
    this.filling = false;
    this.onArrival(Boolean(faces));
  }

  static async card(face) {
    const image = new Image();
    image.src = face.picture;
    image.draggable = false;
    await image.decode().catch(() => {});
    return { ...face, image };
  }
}
Deck.low = 8;
Deck.full = 12;
