// Offers, while somebody types into a filter of the audit, what can be typed there: more than
// what is on the page, which the browser offers by itself without this script. The arrow keys
// walk through the list, Enter chooses, Escape closes it.
const form = document.querySelector("[data-values]");
const fields = { q: "reason", action: "action", actor: "actor", target: "target" };
const enough = 2; // letters
const pause = 150; // milliseconds without a key before the service is asked
const most = 10; // of those on the page

function make(tag, properties, ...children) {
  const element = Object.assign(document.createElement(tag), properties);
  element.append(...children);
  return element;
}

function serve(input, field) {
  const here = [...input.list.options].map(({ value, label }) => ({ value, label: label === value ? "" : label }));
  const listbox = make("div", { id: `${input.id}-list` });
  listbox.setAttribute("role", "listbox");
  listbox.setAttribute("aria-label", input.labels[0].textContent);
  const found = make("div", { className: "found", hidden: true }, listbox);
  const said = make("p", { className: "heard" });
  said.setAttribute("role", "status");
  input.parentElement.classList.add("offers");
  input.parentElement.append(found, said);
  input.removeAttribute("list");
  input.setAttribute("role", "combobox");
  input.setAttribute("aria-autocomplete", "list");
  input.setAttribute("aria-controls", listbox.id);
  input.setAttribute("aria-expanded", "false");

  const answers = new Map(); // by what was typed
  let options = [];
  let active = -1;
  let asking = null;
  let timer = 0;

  const typed = () => input.value.trim();

  // Those on the page that have what was typed.
  function near(text) {
    const small = text.toLowerCase();
    return here.filter(({ value, label }) => `${value} ${label}`.toLowerCase().includes(small)).slice(0, most);
  }

  function choose(at) {
    options[active]?.setAttribute("aria-selected", "false");
    active = at;
    const option = options[active];
    if (!option) return input.removeAttribute("aria-activedescendant");
    option.setAttribute("aria-selected", "true");
    option.scrollIntoView({ block: "nearest" });
    input.setAttribute("aria-activedescendant", option.id);
  }

  function close() {
    clearTimeout(timer);
    asking?.abort();
    choose(-1);
    found.hidden = true;
    input.setAttribute("aria-expanded", "false");
  }

  function take(option) {
    input.value = option.dataset.value;
    close();
  }

  function option({ value, label }, at) {
    const one = make("div", { id: `${listbox.id}-${at}`, className: "found-one" }, make("span", { className: "found-title", textContent: value }));
    if (label) one.append(make("span", { className: "found-note", textContent: label }));
    one.dataset.value = value;
    one.setAttribute("role", "option");
    one.setAttribute("aria-selected", "false");
    one.addEventListener("click", () => take(one));
    return one;
  }

  function offer(values, words = "") {
    choose(-1);
    options = values.map(option);
    listbox.replaceChildren(...options);
    said.textContent = words;
    found.hidden = options.length === 0;
    input.setAttribute("aria-expanded", String(options.length > 0));
  }

  async function ask(text) {
    asking = new AbortController();
    const { signal } = asking;
    try {
      const answer = await fetch(`${form.dataset.values}?field=${field}&q=${encodeURIComponent(text)}`, { headers: { Accept: "application/json" }, cache: "no-store", signal });
      answers.set(text, answer.ok ? await answer.json() : { values: near(text) });
    } catch {
      if (signal.aborted) return;
      answers.set(text, { values: near(text) }); // no network
    }
    if (!signal.aborted && typed() === text && document.activeElement === input) show(text);
  }

  const show = (text) => offer(answers.get(text).values, answers.get(text).said);

  function look() {
    clearTimeout(timer);
    asking?.abort();
    const text = typed();
    if ([...text].length < enough) return close();
    if (answers.has(text)) return show(text);
    timer = setTimeout(ask, pause, text);
  }

  // What a key does; false leaves it to the browser.
  const walk = (step) => {
    if (found.hidden) offer(answers.get(typed())?.values ?? near(typed()));
    const places = options.length + 1; // one more: the field itself
    choose((active + 1 + step + places) % places - 1);
    return true;
  };
  const keys = {
    ArrowDown: () => walk(1),
    ArrowUp: () => walk(-1),
    Enter() {
      if (found.hidden || active < 0) return false;
      take(options[active]);
      return true;
    },
    Escape() {
      if (found.hidden) return false;
      close();
      return true;
    },
  };
  input.addEventListener("input", look);
  input.addEventListener("keydown", (event) => {
    if (event.isComposing || event.altKey || event.ctrlKey || event.metaKey) return;
    if (keys[event.key]?.()) event.preventDefault();
  });
  input.addEventListener("blur", close);
  // A press on the list must not take the focus, or the list would be gone before the click.
  found.addEventListener("pointerdown", (event) => event.preventDefault());
  found.addEventListener("mousedown", (event) => event.preventDefault());
  addEventListener("pageshow", (event) => { if (event.persisted) close(); });
}

for (const [name, field] of Object.entries(form ? fields : {})) {
  const input = form.elements[name];
  if (input?.list) serve(input, field);
}
