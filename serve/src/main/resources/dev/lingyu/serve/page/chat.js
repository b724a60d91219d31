"use strict";
// The page speaks the same API as every other client. Everything a model wrote goes in as text, never as markup.

const WORDS = {
  en: {
    model: "Model", clear: "Clear", settings: "Settings", message: "Message",
    empty: "Ask the model something.", hint: "Message  (Enter sends, Shift+Enter starts a new line)",
    send: "Send", stop: "Stop", system: "System message", temperature: "Temperature", top_p: "Top P",
    max_tokens: "Longest answer [tokens]", repetition_penalty: "Repetition penalty", key: "API key",
    again: "Regenerate", stopped: "stopped", length: "cut off at the longest answer", tokens: "tokens",
    unreachable: "The server can't be reached.", nothing: "(the model said nothing)",
    needsKey: "This server needs an API key: enter it under Settings.",
  },
  zh: {
    model: "模型", clear: "清空", settings: "设置", message: "消息",
    empty: "向模型提一个问题吧。", hint: "输入消息（回车发送，Shift+回车换行）",
    send: "发送", stop: "停止", system: "系统提示", temperature: "温度", top_p: "Top P",
    max_tokens: "最长回答（词元）", repetition_penalty: "重复惩罚", key: "API 密钥",
    again: "重新生成", stopped: "已停止", length: "达到最长回答，已截断", tokens: "词元",
    unreachable: "无法连接服务器。", nothing: "（模型没有回答）",
    needsKey: "此服务器需要 API 密钥，请在“设置”中填写。",
  },
};
const language = (navigator.language || "en").toLowerCase().startsWith("zh") ? "zh" : "en";
const say = (word) => WORDS[language][word];
const $ = (id) => document.getElementById(id);

const SLIDERS = ["temperature", "top_p", "max_tokens", "repetition_penalty"];
const turns = [];
let running = null;

function labels() {
  document.documentElement.lang = language === "zh" ? "zh-CN" : "en";
  for (const e of document.querySelectorAll("[data-text]")) e.textContent = say(e.dataset.text);
  for (const e of document.querySelectorAll("[data-label]")) e.setAttribute("aria-label", say(e.dataset.label));
  for (const e of document.querySelectorAll("[data-hint]")) {
    e.placeholder = say(matchMedia("(max-width: 46rem)").matches ? "message" : e.dataset.hint);
  }
}

function headers() {
  const all = { "Content-Type": "application/json" };
  if ($("key").value) all.Authorization = "Bearer " + $("key").value;
  return all;
}

async function errorOf(response) {
  if (response.status === 401) {
    $("key-row").hidden = false;
    openSettings(true);
    return say("needsKey");
  }
  try {
    return (await response.json()).error.message;
  } catch {
    return response.status + " " + response.statusText;
  }
}

async function listModels() {
  try {
    const response = await fetch("v1/models", { headers: headers() });
    if (!response.ok) return notice(await errorOf(response));
    const models = (await response.json()).data;
    $("model").replaceChildren(...models.map((model) => {
      const option = document.createElement("option");
      option.value = option.textContent = model.id;
      option.dataset.context = model.max_model_len;
      return option;
    }));
    fitContext();
    notice("");
  } catch {
    notice(say("unreachable"));
  }
}

// No answer can be longer than the model's context.
function fitContext() {
  const chosen = $("model").selectedOptions[0];
  if (!chosen) return;
  $("max_tokens").max = Math.max(16, Math.min(4096, Math.floor(chosen.dataset.context / 2 / 16) * 16));
  showValue("max_tokens");
}

function notice(text) {
  $("empty").textContent = text || say("empty");
}

function element(kind, className, text) {
  const e = document.createElement(kind);
  e.className = className;
  if (text !== undefined) e.textContent = text;
  return e;
}

function addTurn(role, text) {
  const turn = { role, text, node: element("div", "turn " + role), body: element("div", "text", text) };
  turn.node.append(turn.body);
  $("log").append(turn.node);
  turns.push(turn);
  $("empty").hidden = true;
  return turn;
}

function removeTurn() {
  turns.pop().node.remove();
  $("empty").hidden = turns.length > 0;
}

function atBottom() {
  const log = $("log");
  return log.scrollHeight - log.scrollTop - log.clientHeight < 60;
}

function scroll() {
  $("log").scrollTop = $("log").scrollHeight;
}

function note(turn, words, again) {
  const line = element("div", "note");
  if (words) line.append(element("span", "", words));
  if (again) {
    const button = element("button", "quiet again", say("again"));
    button.type = "button";
    button.addEventListener("click", regenerate);
    line.append(button);
  }
  turn.node.append(line);
}

function setRunning(controller) {
  running = controller;
  $("send").hidden = controller !== null;
  $("stop").hidden = controller === null;
  document.querySelectorAll(".again").forEach((button) => button.remove());
}

function request() {
  const messages = [];
  if ($("system").value.trim()) messages.push({ role: "system", content: $("system").value });
  for (const turn of turns) if (!turn.failed) messages.push({ role: turn.role, content: turn.text });
  const body = { model: $("model").value, messages, stream: true, stream_options: { include_usage: true } };
  for (const id of SLIDERS) body[id] = Number($(id).value);
  return body;
}

// The data of each event: lines may arrive in pieces of any size.
async function* events(stream) {
  const reader = stream.pipeThrough(new TextDecoderStream()).getReader();
  let rest = "";
  for (;;) {
    const { done, value } = await reader.read();
    if (done) return;
    const lines = (rest + value).split(/\r?\n/);
    rest = lines.pop();
    for (const line of lines) {
      if (!line.startsWith("data:")) continue;
      const data = line.slice(5).trim();
      if (data === "[DONE]") return;
      yield JSON.parse(data);
    }
  }
}

async function answer() {
  const body = JSON.stringify(request());
  const controller = new AbortController();
  setRunning(controller);
  const turn = addTurn("assistant", "");
  turn.node.classList.add("waiting");
  scroll();
  let reason = "";
  let usage = null;
  let words = "";
  try {
    const response = await fetch("v1/chat/completions", {
      method: "POST", headers: headers(), body, signal: controller.signal,
    });
    if (!response.ok) throw new Error(await errorOf(response));
    for await (const event of events(response.body)) {
      if (event.error) throw new Error(event.error.message);
      if (event.usage) usage = event.usage;
      const choice = event.choices[0];
      if (!choice) continue;
      if (choice.finish_reason) reason = choice.finish_reason;
      if (choice.delta.content) {
        const follow = atBottom();
        turn.text += choice.delta.content;
        turn.body.textContent = turn.text;
        if (follow) scroll();
      }
    }
    if (!turn.text) turn.body.textContent = say("nothing");
    if (usage) words = usage.completion_tokens + " " + say("tokens");
    if (reason === "length") words += (words ? " · " : "") + say("length");
  } catch (e) {
    if (e.name === "AbortError") {
      words = say("stopped");
    } else {
      turn.failed = true;
      turn.node.classList.add("failed");
      turn.body.textContent = (turn.text ? turn.text + "\n\n" : "")
        + (e instanceof TypeError ? say("unreachable") : e.message);
    }
  }
  turn.node.classList.remove("waiting");
  if (!turns.includes(turn)) return; // cleared meanwhile
  setRunning(null);
  note(turn, words, true);
  if (atBottom() || turn.failed) scroll();
}

function send() {
  const text = $("input").value.trim();
  if (!text || running) return;
  if (turns.length && turns.at(-1).failed) removeTurn();
  if (turns.length && turns.at(-1).role === "user") removeTurn();
  addTurn("user", text);
  $("input").value = "";
  grow();
  openSettings(false);
  answer();
}

function regenerate() {
  if (running) return;
  while (turns.length && turns.at(-1).role === "assistant") removeTurn();
  if (turns.length) answer();
}

function clearAll() {
  if (running) running.abort();
  setRunning(null);
  while (turns.length) removeTurn();
  $("input").focus();
}

function grow() {
  const input = $("input");
  input.style.height = "auto";
  input.style.height = input.scrollHeight + 2 + "px";
}

function openSettings(open) {
  $("settings").classList.toggle("open", open);
  $("toggle").setAttribute("aria-expanded", String(open));
}

function showValue(id) {
  document.querySelector(`output[for="${id}"]`).value = $(id).value;
}

labels();
SLIDERS.forEach((id) => {
  showValue(id);
  $(id).addEventListener("input", () => showValue(id));
});
$("model").addEventListener("change", fitContext);
$("key").addEventListener("change", listModels);
$("form").addEventListener("submit", (event) => {
  event.preventDefault();
  send();
});
$("input").addEventListener("input", grow);
$("input").addEventListener("keydown", (event) => {
  // While an input method composes (keyCode 229 in older Safari), Enter chooses a word.
  if (event.key !== "Enter" || event.shiftKey || event.isComposing || event.keyCode === 229) return;
  event.preventDefault();
  send();
});
$("stop").addEventListener("click", () => running && running.abort());
$("clear").addEventListener("click", clearAll);
$("toggle").addEventListener("click", () => openSettings(!$("settings").classList.contains("open")));
document.addEventListener("keydown", (event) => {
  if (event.key === "Escape") openSettings(false);
});
listModels();
