// Each verdict has its own sound and its own buzz, told apart with eyes on the guest.

// Frequency in hertz, start and length in seconds.
const TONES = {
  admit: [[660, 0, 0.09], [990, 0.1, 0.16]],
  already: [[440, 0, 0.14], [440, 0.22, 0.14]],
  unknown: [[520, 0, 0.14], [390, 0.18, 0.2]],
  refuse: [[150, 0, 0.5]],
  out: [[520, 0, 0.12]],
  waiting: [[330, 0, 0.08]],
};

const BUZZ = { admit: [60], already: [80, 80, 80], unknown: [160, 60, 60], refuse: [350], out: [40], waiting: [30] };

let audio = null;

/** Plays and buzzes a verdict; browsers stay silent until the page was touched once. */
export function sound(kind) {
  if (navigator.userActivation?.hasBeenActive === false) return;
  navigator.vibrate?.(BUZZ[kind] ?? []);
  try {
    audio ??= new AudioContext();
    audio.resume();
    for (const [hertz, start, length] of TONES[kind] ?? []) tone(hertz, audio.currentTime + start, length, kind === "refuse");
  } catch {
    // No sound here; shape and words remain.
  }
}

function tone(hertz, start, length, rough) {
  const wave = audio.createOscillator();
  const level = audio.createGain();
  wave.type = rough ? "sawtooth" : "triangle";
  wave.frequency.value = hertz;
  level.gain.setValueAtTime(0.0001, start);
  level.gain.exponentialRampToValueAtTime(0.35, start + 0.01);
  level.gain.exponentialRampToValueAtTime(0.0001, start + length);
  wave.connect(level).connect(audio.destination);
  wave.start(start);
  wave.stop(start + length + 0.02);
}
