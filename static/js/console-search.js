// The search of the console. "/" goes to the box; while somebody types, a list
// below it shows what is found, and the arrow keys walk through it. Enter without
// a choice goes to the page, which is also what works without this script.
const box = document.getElementById("search");
const form = box?.form;
const enough = 3; // letters
const pause = 150; // milliseconds without a key before the service is asked

function make(tag, properties, ...children) {
  const element = Object.assign(document.createElement(tag), properties);
  element.append(...children);
  return element;
}

function serve() {
  const listbox = make("div", { id: "search-list" });
  listbox.setAttribute("role", "listbox");
  listbox.setAttribute("aria-labelledby", "search-label");
  const none = make("p", { className: "found-none" });
  const found = make("div", { className: "found", hidden: true }, listbox, none);
  const said = make("p", { className: "heard" });
  said.setAttribute("role", "status");
  form.append(found, said);

  box.setAttribute("role", "combobox");
  box.setAttribute("aria-autocomplete", "list");
  box.setAttribute("aria-controls", listbox.id);
  box.setAttribute("aria-expanded", "false");

  const answers = new Map(); // by what was typed
  let options = [];
  let active = -1;
  let asking = null;
  let timer = 0;

  const typed = () => box.value.trim();

  function choose(at) {
    options[active]?.setAttribute("aria-selected", "false");
    active = at;
    const option = options[active];
    if (!option) {
      box.removeAttribute("aria-activedescendant");
      return;
    }
    option.setAttribute("aria-selected", "true");
    option.scrollIntoView({ block: "nearest" });
    box.setAttribute("aria-activedescendant", option.id);
  }

  function close() {
    clearTimeout(timer);
    asking?.abort();
    choose(-1);
    found.hidden = true;
    box.setAttribute("aria-expanded", "false");
  }

  function option({ title, note, tag, href }, at) {
    const head = make("span", { className: "found-title", textContent: title });
    if (tag) {
      const mark = make("span", { className: "tag", textContent: tag });
      mark.classList.add("warn");
      head.append(" ", mark);
    }
    const link = make("a", { id: `found-${at}`, href, tabIndex: -1, className: "found-one" },
      head, make("span", { className: "found-note", textContent: note }));
    link.setAttribute("role", "option");
    link.setAttribute("aria-selected", "false");
    return link;
  }

  function show(answer) {
    const chosen = options[active]?.href; // before the last letters were answered
    choose(-1);
    options = [];
    const groups = answer.sections.map(({ kind, title, results }) => {
      const group = make("div", { className: "found-group" }, make("p", { id: `found-of-${kind}`, className: "found-head", textContent: title }));
      group.setAttribute("role", "group");
      group.setAttribute("aria-labelledby", `found-of-${kind}`);
      for (const result of results) {
        options.push(option(result, options.length));
        group.append(options.at(-1));
      }
      return group;
    });
    listbox.replaceChildren(...groups);
    listbox.hidden = options.length === 0;
    none.hidden = options.length > 0;
    none.textContent = answer.said;
    said.textContent = answer.said;
    choose(options.findIndex(({ href }) => href === chosen));
    found.hidden = false;
    box.setAttribute("aria-expanded", String(options.length > 0));
  }

  async function ask(text) {
    asking?.abort();
    asking = new AbortController();
    const { signal } = asking;
    try {
      const answer = await fetch(`${form.action}?q=${encodeURIComponent(text)}`, { headers: { Accept: "application/json" }, cache: "no-store", signal });
      if (!answer.ok) return close();
      answers.set(text, await answer.json());
    } catch {
      if (!signal.aborted) close(); // no network: Enter still leads to the page
      return;
    }
    if (!signal.aborted && typed() === text && document.activeElement === box) show(answers.get(text));
  }

  function look() {
    clearTimeout(timer);
    const text = typed();
    if ([...text].length < enough) return close();
    if (answers.has(text)) return show(answers.get(text));
    timer = setTimeout(ask, pause, text);
  }

  box.addEventListener("input", look);
  box.addEventListener("focus", () => typed() === box.defaultValue.trim() || look());
  // What a key does in the box; false leaves it to the browser.
  const walk = (step) => {
    if (found.hidden) look(); // shows at once what was shown before
    if (!found.hidden) {
      const places = options.length + 1; // one more: the box itself
      choose((active + 1 + step + places) % places - 1);
    }
    return true;
  };
  const keys = {
    ArrowDown: () => walk(1),
    ArrowUp: () => walk(-1),
    Enter() {
      if (found.hidden || active < 0) return false;
      location.assign(options[active].href);
      return true;
    },
    Escape() {
      if (found.hidden) return false;
      close();
      return true;
    },
    Tab() {
      close();
      return false;
    },
  };
  box.addEventListener("keydown", (event) => {
    if (event.isComposing || event.altKey || event.ctrlKey || event.metaKey) return;
    if (keys[event.key]?.()) event.preventDefault();
  });
  box.addEventListener("blur", close);
  // A press on the list must not take the focus, or the list would be gone before the click.
  found.addEventListener("pointerdown", (event) => event.preventDefault());
  found.addEventListener("mousedown", (event) => event.preventDefault());
  addEventListener("pageshow", (event) => { if (event.persisted) close(); });

  document.addEventListener("keydown", (event) => {
    if (event.key !== "/" || event.altKey || event.ctrlKey || event.metaKey || event.isComposing) return;
    const at = event.target;
    if (at.isContentEditable || /^(INPUT|SELECT|TEXTAREA)$/.test(at.tagName) || document.querySelector("dialog[open]")) return;
    event.preventDefault();
    box.focus();
    box.select();
  });
}

if (form) serve();
