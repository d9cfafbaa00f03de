// The studio's page. What people called voices, speakers and recordings is only ever text here.

const REFRESH_MS = 2000;
const STAGES = { data: "listening", teach: "preparing the base", train: "learning", judge: "judging", done: "done", failed: "failed" };
const problem = document.getElementById("problem");
const say = document.getElementById("say");
const turn = document.getElementById("turn");
let voices = [];

async function ask(path, options) {
  const answer = await fetch(path, options);
  if (!answer.ok) {
    const told = await answer.json().catch(() => ({}));
    throw new Error(told.error ?? `the studio answered with ${answer.status}`);
  }
  return answer;
}

async function careful(work) {
  problem.textContent = "";
  try {
    await work();
  } catch (error) {
    problem.textContent = error.message;
  }
}

function element(name, text = "", ...children) {
  const made = document.createElement(name);
  made.append(text, ...children);
  return made;
}

function options(select, values, labels = values) {
  select.replaceChildren(...values.map((value, i) => {
    const option = element("option", labels[i]);
    option.value = value;
    return option;
  }));
}

function chosen(form) {
  return voices.find((voice) => voice.name === form.voice.value);
}

function showVoice() {
  const voice = chosen(say);
  options(say.speaker, voice?.speakers.length ? voice.speakers : [""], voice?.speakers.length ? voice.speakers : ["only one"]);
  for (const name of ["length_scale", "noise_scale", "noise_w"]) {
    say[name].placeholder = voice ? voice.defaults[name] : "";
  }
  document.getElementById("about").textContent = voice
    ? [voice.languages.join(", "), `${voice.rate_hz} Hz`, voice.licence, voice.source].filter(Boolean).join(" \u00b7 ")
    : "";
}

function showSpeakers() {
  const speakers = chosen(turn)?.speakers ?? [];
  options(turn.source, speakers);
  options(turn.target, speakers);
  if (speakers.length > 1) turn.target.value = speakers[1];
}

async function play(section, request) {
  const result = section.querySelector(".result");
  const button = section.querySelector("button");
  button.disabled = true;
  result.textContent = "Working\u2026";
  try {
    const sound = await (await request()).blob();
    const audio = element("audio");
    audio.controls = true;
    audio.src = URL.createObjectURL(sound);
    const link = element("a", "Save");
    link.href = audio.src;
    link.download = "studio.wav";
    result.replaceChildren(audio, link);
    audio.play().catch(() => {});
  } catch (error) {
    result.textContent = "";
    throw error;
  } finally {
    button.disabled = false;
  }
}

function table(head, rows) {
  const made = element("table", "", element("tr", "", ...head.map((text) => {
    const cell = element("th", text);
    cell.scope = "col";
    return cell;
  })));
  made.append(...rows.map((cells) => element("tr", "", ...cells.map((cell) => element("td", cell)))));
  return made;
}

async function showData() {
  const sets = await (await ask("api/datasets")).json();
  const rows = sets.map((set) => {
    const button = element("button", "Report");
    button.type = "button";
    button.setAttribute("aria-label", `Report of ${set.speaker}`);
    button.addEventListener("click", () => {
      const frame = document.getElementById("report");
      frame.hidden = false;
      frame.src = `datasets/${set.id}/report.html`;
    });
    return [set.speaker, String(set.minutes), String(set.clips), String(set.held_out), String(set.left_out), button];
  });
  const place = document.getElementById("datasets");
  place.replaceChildren(rows.length
    ? table(["Speaker", "Minutes", "Clips", "Held out", "Left out", ""], rows)
    : "No data set was found: python -m vits data makes one; --data says where they lie.");
}

function standing(training) {
  if (training.step !== undefined) {
    const ago = Math.max(0, Math.round((Date.now() / 1000 - training.saved_s) / 60));
    return [`part ${training.part}, step ${training.step}`, `saved ${ago} min ago`];
  }
  const bar = element("progress");
  bar.value = training.share;
  bar.setAttribute("aria-label", `${STAGES[training.stage]}, ${Math.round(100 * training.share)} %`);
  const left = training.left_s === null ? "" : `${Math.ceil(training.left_s / 60)} min left of this step`;
  return [bar, [STAGES[training.stage], left, training.failure, training.verdict].filter(Boolean).join(", ")];
}

async function showTrainings() {
  const found = await (await ask("api/trainings")).json();
  document.getElementById("trainings").replaceChildren(found.length
    ? table(["Voice", "How far", ""], found.map((each) => [each.voice, ...standing(each)]))
    : "No training is under way.");
}

say.addEventListener("submit", (event) => {
  event.preventDefault();
  const given = Object.fromEntries(new FormData(say));
  for (const name of ["length_scale", "noise_scale", "noise_w"]) {
    given[name] = given[name] === "" ? null : Number(given[name]);
  }
  careful(() => play(document.getElementById("speak"), () => ask("api/say", {
    method: "POST", headers: { "Content-Type": "application/json" }, body: JSON.stringify(given),
  })));
});

turn.addEventListener("submit", (event) => {
  event.preventDefault();
  careful(() => play(document.getElementById("convert"), () => ask("api/convert", {
    method: "POST", body: new FormData(turn),
  })));
});

say.voice.addEventListener("change", showVoice);
turn.voice.addEventListener("change", showSpeakers);

careful(async () => {
  voices = await (await ask("api/voices")).json();
  options(say.voice, voices.map((voice) => voice.name));
  options(turn.voice, voices.filter((voice) => voice.converts).map((voice) => voice.name));
  turn.querySelector("button").disabled = !turn.voice.value;
  showVoice();
  showSpeakers();
  await showData();
});

async function watch() {
  await showTrainings().catch((error) => { problem.textContent = error.message; });
  setTimeout(watch, REFRESH_MS);
}
watch();
