// Seconds somebody looked: time while the page is hidden behind another tab or a dark screen does not count.

class Stopwatch {
  constructor() {
    this.ms = 0;
    this.since = document.hidden ? null : performance.now();
    this.flip = () => (document.hidden ? this.pause() : this.resume());
    document.addEventListener("visibilitychange", this.flip);
  }

  pause() {
    this.ms = this.read();
    this.since = null;
  }

  resume() {
    this.since ??= performance.now();
  }

  read() {
    return this.ms + (this.since === null ? 0 : performance.now() - this.since);
  }

  restart() {
    this.ms = 0;
    if (this.since !== null) this.since = performance.now();
  }

  stop() {
    document.removeEventListener("visibilitychange", this.flip);
    return this.read();
  }
}
