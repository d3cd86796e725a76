// The camera page: asks for the camera, sends one picture at a time and shows the answer.
// The next picture leaves only after the answer came, so a slow server gets fewer pictures, never a queue.
const LEAST_MS = 66;      // at most 15 pictures a second
const PATIENCE_MS = 15000;
const LONGEST_SIDE = 640; // more pixels cost time and change no expression
const SHORTEST_SENT = 320; // on a narrow page fewer do, and the letters drawn on them stay readable

const root = element.querySelector('.live');
const stage = element.querySelector('.stage');
const picture = element.querySelector('.picture');
const note = element.querySelector('.note');
const toggle = element.querySelector('.toggle');
const mirrored = element.querySelector('.mirrored');
const choice = element.querySelector('.choice');
const device = element.querySelector('.device');
const speed = element.querySelector('.speed');
const video = Object.assign(document.createElement('video'), { muted: true, playsInline: true });
const canvas = document.createElement('canvas');

let stream = null, waiting = false, sentAt = 0, timer = 0, answers = [];

const TROUBLE = {
  NotAllowedError: ['This page may not use the camera yet',
    'Click the camera or lock sign beside the address, set Camera to Allow, then press Start again.\n' +
    'No sign there? Your system blocks it: allow the camera for the browser in the system settings (Privacy, Camera).'],
  NotFoundError: ['No camera found', 'Plug one in (or switch on the one built in), then press Start again.'],
  NotReadableError: ['The camera is busy',
    'Another program or tab uses it. Close that one, then press Start again.'],
  Insecure: ['This address may not use the camera',
    'Browsers open cameras only for pages of this computer. Use http://127.0.0.1 with the same port.'],
  Ended: ['The camera went away', 'Check its plug. It starts again by itself when it is back.'],
  Silent: ['The program does not answer', 'Is "live --web" still running in its terminal? Trying again…'],
};

function tell(state, headline, detail) {
  root.dataset.state = state;
  note.querySelector('.headline').textContent = headline;
  note.querySelector('.detail').textContent = detail;
  note.hidden = false;
  picture.hidden = true;
  stage.style.aspectRatio = '';
  speed.textContent = '';
}

function trouble(kind, detail) {
  const known = TROUBLE[kind] || ['The camera did not start', detail || String(kind)];
  tell('trouble', known[0], known[1]);
}

async function start() {
  if (!navigator.mediaDevices || !navigator.mediaDevices.getUserMedia) return trouble('Insecure');
  tell('starting', 'Starting the camera…', 'If your browser asks, choose Allow.');
  const wanted = device.value && !choice.hidden ? { deviceId: { exact: device.value } } : {};
  try {
    stream = await navigator.mediaDevices.getUserMedia(
      { video: { width: { ideal: 640 }, height: { ideal: 480 }, ...wanted }, audio: false });
  } catch (error) {
    return trouble(error.name === 'OverconstrainedError' ? 'NotFoundError' : error.name, error.message);
  }
  stream.getVideoTracks()[0].addEventListener('ended', () => { halt(); trouble('Ended'); });
  video.srcObject = stream;
  await video.play().catch(() => {});
  root.dataset.state = 'on';
  toggle.textContent = 'Stop camera';
  answers = [];
  waiting = false;
  listDevices();
  loop();
}

function halt() {
  clearTimeout(timer);
  if (stream) stream.getTracks().forEach((track) => track.stop());
  stream = null;
  video.srcObject = null;
  toggle.textContent = 'Start camera';
}

function stop() {
  halt();
  picture.removeAttribute('src');
  tell('off', 'The camera is off', 'Press Start to go on.');
}

async function listDevices() {
  const cameras = (await navigator.mediaDevices.enumerateDevices()).filter((d) => d.kind === 'videoinput');
  const now = stream && stream.getVideoTracks()[0].getSettings().deviceId;
  device.replaceChildren(...cameras.map((d, i) => new Option(d.label || 'Camera ' + (i + 1), d.deviceId)));
  if (now) device.value = now;
  choice.hidden = cameras.length < 2;
}

function loop() {
  if (!stream) return;
  const late = waiting && performance.now() - sentAt > PATIENCE_MS;
  if (late) { trouble('Silent'); waiting = false; }
  if (!waiting && video.videoWidth && !document.hidden) send();
  timer = setTimeout(loop, waiting ? 250 : LEAST_MS);
}

function send() {
  const shown = Math.max(SHORTEST_SENT, stage.clientWidth * devicePixelRatio);
  const scale = Math.min(1, Math.min(LONGEST_SIDE, shown) / Math.max(video.videoWidth, video.videoHeight));
  canvas.width = Math.round(video.videoWidth * scale);
  canvas.height = Math.round(video.videoHeight * scale);
  const pen = canvas.getContext('2d');
  if (mirrored.checked) { pen.translate(canvas.width, 0); pen.scale(-1, 1); }
  pen.drawImage(video, 0, 0, canvas.width, canvas.height);
  waiting = true;
  sentAt = performance.now();
  props.value = canvas.toDataURL('image/jpeg', 0.85);
  setTimeout(() => trigger('submit'), 0); // once the new value has reached the page's state
}

function received() {
  const value = props.value || '';
  if (!waiting || !stream || value.startsWith('data:image/jpeg;base64')) return; // our own picture
  waiting = false;
  if (!value) return; // not understood; the status line says why
  picture.src = value.replace(';annotated', '');
  picture.hidden = false;
  stage.style.aspectRatio = canvas.width + ' / ' + canvas.height;
  note.hidden = true;
  root.dataset.state = 'on';
  const now = performance.now();
  answers = [...answers.filter((t) => now - t < 2000), now];
  if (answers.length > 2) {
    const rate = (answers.length - 1) / (now - answers[0]) * 1000;
    speed.textContent = rate.toFixed(0) + ' pictures/s';
  }
  clearTimeout(timer);
  timer = setTimeout(loop, Math.max(0, LEAST_MS - (now - sentAt)));
}

toggle.addEventListener('click', () => (stream ? stop() : start()));
device.addEventListener('change', () => { if (stream) { halt(); start(); } });
if (navigator.mediaDevices && navigator.mediaDevices.addEventListener) {
  navigator.mediaDevices.addEventListener('devicechange', () => {
    if (stream) listDevices();
    else if (root.dataset.state === 'trouble' && note.textContent.includes(TROUBLE.Ended[0])) start();
  });
}
watch('value', received);
